// What @openid4vc/* (npm) leaves to its user: hashes, signatures and certificates by node:crypto, encryption by jose.
import {
  X509Certificate,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { clientAuthenticationAnonymous } from "@openid4vc/oauth2";
import { CompactEncrypt, compactDecrypt, importJWK } from "jose";

const secrets = new Map();
const encoding = { dsaEncoding: "ieee-p1363" };
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const pem = (certificate) => `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----`;

export const newKey = () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { d, ...publicJwk } = privateKey.export({ format: "jwk" });
  secrets.set(publicJwk.x, { ...publicJwk, d });
  return { method: "jwk", alg: "ES256", publicJwk };
};

export const signature = (data, { x }) =>
  sign("sha256", Buffer.from(data), { key: createPrivateKey({ key: secrets.get(x), format: "jwk" }), ...encoding });

export const signJwt = (signer, { header, payload }) => {
  const data = `${encoded(header)}.${encoded(payload)}`;
  return { jwt: `${data}.${signature(data, signer.publicJwk).toString("base64url")}`, signerJwk: signer.publicJwk };
};

const verifyJwt = ({ x5c, publicJwk }, { compact }) => {
  const key = x5c ? new X509Certificate(pem(x5c[0])).publicKey : createPublicKey({ key: publicJwk, format: "jwk" });
  const [header, payload, signed] = compact.split(".");
  const data = Buffer.from(`${header}.${payload}`);
  const verified = verify("sha256", data, { key, ...encoding }, Buffer.from(signed, "base64url"));
  return { verified, signerJwk: key.export({ format: "jwk" }) };
};

export const encrypted = async (text, { kid, ...jwk }, enc) =>
  new CompactEncrypt(Buffer.from(text))
    .setProtectedHeader({ alg: "ECDH-ES", enc, kid })
    .encrypt(await importJWK(jwk, "ECDH-ES"));

export const decrypted = async (jwe, { x }) => {
  const { plaintext } = await compactDecrypt(jwe, await importJWK(secrets.get(x), "ECDH-ES"));
  return Buffer.from(plaintext).toString();
};

const namesIn = (certificate) => {
  const names = (new X509Certificate(pem(certificate)).subjectAltName ?? "").split(", ");
  const those = (kind) => names.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length));
  return { sanDnsNames: those("DNS:"), sanUriNames: those("URI:") };
};

export const hasher = (data, alg) => createHash(alg.replace("-", "")).update(data).digest();

export const callbacks = {
  hash: hasher,
  generateRandom: (length) => randomBytes(length),
  signJwt,
  verifyJwt,
  encryptJwe: async ({ publicJwk, enc }, text) => ({
    jwe: await encrypted(text, publicJwk, enc),
    encryptionJwk: publicJwk,
  }),
  decryptJwe: () => ({ decrypted: false }),
  clientAuthentication: clientAuthenticationAnonymous(),
  getX509CertificateMetadata: namesIn,
};
