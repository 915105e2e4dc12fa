// @sd-jwt/sd-jwt-vc behind a pipe: one JSON request a line, one JSON answer a line, {"ok": ...} or {"error": "..."}.
// The library leaves keys, hashes and salts to its user; here they come from node:crypto.
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import { createInterface } from "node:readline";
import { Jwt } from "@sd-jwt/core";
import { StatusList, createHeaderAndPayload } from "@sd-jwt/jwt-status-list";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";

const DIGESTS = { "P-256": "sha256", "P-384": "sha384", "P-521": "sha512", Ed25519: null };
const encoding = { dsaEncoding: "ieee-p1363" };

const hasher = (data, alg) => createHash(alg.replace("-", "")).update(data).digest();
const saltGenerator = (length) => randomBytes(length).toString("base64url");

const signer = (secret) => {
  const key = createPrivateKey({ key: Buffer.from(secret, "base64"), format: "der", type: "pkcs8" });
  const { crv } = createPublicKey(key).export({ format: "jwk" });
  return (data) => sign(DIGESTS[crv], Buffer.from(data), { key, ...encoding }).toString("base64url");
};

const verifies = (jwk, data, signature) => {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  return verify(DIGESTS[jwk.crv], Buffer.from(data), { key, ...encoding }, Buffer.from(signature, "base64url"));
};

const operations = {
  issue: ({ claims, frame, hash, header, alg, secret }) =>
    new SDJwtVcInstance({
      hasher,
      saltGenerator,
      hashAlg: hash,
      signAlg: alg,
      signer: signer(secret),
      omitTyp: header.typ === null,
    }).issue(claims, frame ?? undefined, { header: { ...header, typ: header.typ ?? undefined } }),

  present: ({ credential, frame, binding, alg, secret }) =>
    new SDJwtVcInstance({ hasher, kbSignAlg: alg, kbSigner: signer(secret) }).present(
      credential,
      frame,
      binding ? { kb: { payload: binding } } : undefined,
    ),

  verify: ({ presented, jwk, nonce, at, statuses, statusJwk }) =>
    new SDJwtVcInstance({
      hasher,
      verifier: (data, signature) => verifies(jwk, data, signature),
      kbVerifier: (data, signature, payload) => verifies(payload.cnf.jwk, data, signature),
      statusListFetcher: async (uri) => statuses[uri],
      statusVerifier: (data, signature) => verifies(statusJwk, data, signature),
    }).verify(presented, { currentDate: at, keyBindingNonce: nonce ?? undefined }),

  statusList: ({ statuses, bits, claims, alg, secret }) =>
    new Jwt(createHeaderAndPayload(new StatusList(statuses, bits), claims, { alg })).sign(signer(secret)),

  serialise: ({ presented, general }) => {
    const instance = new SDJwtVcInstance({ hasher });
    return (general ? instance.toGeneralJSON(presented) : instance.toFlattenJSON(presented)).toJson();
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { operation, ...request } = JSON.parse(line);
  let answer;
  try {
    answer = { ok: await operations[operation](request) };
  } catch (error) {
    answer = { error: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
