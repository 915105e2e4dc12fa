// Values of CBOR as they travel through the pipe: {"date": ...} for a full-date, {"bytes": ...} in base64, {"map": ...}.
// What comes back is what the library under test makes of an mdoc: dates are text, bytes are base64 text.
const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));

export const made = (value, DateOnly) => {
  if (Array.isArray(value)) return value.map((item) => made(item, DateOnly));
  if (value === null || typeof value !== "object") return value;
  if ("date" in value) return new DateOnly(value.date);
  if ("bytes" in value) return bytes(value.bytes);
  return new Map(Object.entries(value.map).map(([name, member]) => [name, made(member, DateOnly)]));
};

export const shown = (value) => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return value.map(shown);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.toISOString === "function") return value.toISOString();
  const members = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(members.map(([name, member]) => [name, shown(member)]));
};

export const claimsOf = (namespaces) =>
  Object.fromEntries(
    namespaces.map(([name, items]) => [
      name,
      Object.fromEntries(items.map(({ elementIdentifier, elementValue }) => [elementIdentifier, shown(elementValue)])),
    ]),
  );

export const decoded = (text) => new Uint8Array(Buffer.from(text, "base64url"));
export const encoded = (raw) => Buffer.from(raw).toString("base64url");
