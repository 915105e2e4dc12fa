// A program behind a pipe: one JSON request a line, one JSON answer a line, {"ok": ...} or {"error": "..."}.
import { createInterface } from "node:readline";

export const answerLines = async (operations) => {
  for await (const line of createInterface({ input: process.stdin })) {
    const { operation, ...request } = JSON.parse(line);
    let answer;
    try {
      answer = { ok: (await operations[operation](request)) ?? null };
    } catch (error) {
      answer = { error: `${error.name}: ${error.message}` };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit(0);
};
