// What @owf/mdoc (npm) leaves to its user: hashes, signatures, key agreement and certificates, here by node:crypto.
import {
  X509Certificate,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { CoseKey } from "@owf/mdoc";

const HASHES = { "P-256": "sha256", "P-384": "sha384", "P-521": "sha512" };
const CURVES = { 32: "prime256v1", 48: "secp384r1", 66: "secp521r1" };
const encoding = { dsaEncoding: "ieee-p1363" };

// Of the curves in a JWK it knows P-256 by its name, and the two others by names of its own.
const named = ({ crv, ...jwk }, name) => ({ ...jwk, crv: crv === "P-256" ? crv : name(crv) });

export const keyOf = (jwk, Kind = CoseKey) => Kind.fromJwk(named(jwk, (crv) => crv.toLowerCase()));

const jwkOf = ({ jwk: { kty, crv, x, y, d } }) => named({ kty, crv, x, y, d }, (name) => name.toUpperCase());
const same = (one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)) === 0;

// Its digest identifiers are of 32 bits; only 31 of them are allowed (ISO/IEC 18013-5 §9.1.2.4).
const random = (length) => {
  const bytes = new Uint8Array(randomBytes(length));
  if (length === 4 && !context.wide) bytes[0] &= 0x7f;
  return bytes;
};

// It makes a MAC from two keys as they are encoded, and verifies one from the two as bare numbers.
const WIDTHS = [32, 48, 66, 65, 97, 133]; // of a bare private key, of a bare point
const bare = (key, member) => (WIDTHS.includes(key.length) ? key : CoseKey.decode(key)[member]);

const agreed = ({ privateKey, publicKey, sessionTranscriptBytes, info }) => {
  const secret = bare(privateKey, "privateKey");
  const exchange = createECDH(CURVES[secret.length]);
  exchange.setPrivateKey(secret);
  const salt = createHash("sha256").update(sessionTranscriptBytes).digest();
  const k = new Uint8Array(hkdfSync("sha256", exchange.computeSecret(bare(publicKey, "publicKey")), salt, info, 32));
  return CoseKey.create({ keyType: 4, k });
};

const tag = (key, data) => new Uint8Array(createHmac("sha256", key.privateKey).update(data).digest());

const names = (text, field) =>
  text.split("\n").flatMap((line) => (line.startsWith(`${field}=`) ? [line.slice(field.length + 1)] : []));

const verifyCertificateChain = ({ trustedCertificates, x5chain, now }) => {
  const [leaf, ...above] = [...x5chain, ...trustedCertificates].map((der) => new X509Certificate(der));
  const issuer = above.find((each) => leaf.checkIssued(each) && leaf.verify(each.publicKey));
  if (!issuer) throw new Error("no trusted certificate above the one that signs");
  if (new Date(leaf.validFrom) > now || new Date(leaf.validTo) < now) throw new Error("a certificate out of its time");
};

export const context = {
  wide: false,
  crypto: {
    random,
    digest: ({ digestAlgorithm, bytes }) =>
      new Uint8Array(createHash(digestAlgorithm.replace("-", "")).update(bytes).digest()),
    calculateEphemeralMacKey: agreed,
  },
  cose: {
    sign1: {
      sign: ({ toBeSigned, key }) => {
        const jwk = jwkOf(key);
        const secret = createPrivateKey({ key: jwk, format: "jwk" });
        return new Uint8Array(sign(HASHES[jwk.crv], toBeSigned, { key: secret, ...encoding }));
      },
      verify: ({ key, sign1 }) => {
        const { d: _, ...jwk } = jwkOf(key);
        const known = createPublicKey({ key: jwk, format: "jwk" });
        return verify(HASHES[jwk.crv], sign1.toBeSigned, { key: known, ...encoding }, sign1.signature);
      },
    },
    mac0: {
      sign: ({ key, toBeAuthenticated }) => tag(key, toBeAuthenticated),
      verify: ({ key, mac0 }) => same(tag(key, mac0.toBeAuthenticated), mac0.tag),
    },
  },
  x509: {
    getIssuerNameField: ({ certificate, field }) => names(new X509Certificate(certificate).issuer, field),
    getPublicKey: ({ certificate }) => keyOf(new X509Certificate(certificate).publicKey.export({ format: "jwk" })),
    verifyCertificateChain,
    getCertificateData: ({ certificate }) => {
      const read = new X509Certificate(certificate);
      const { issuer: issuerName, subject: subjectName, serialNumber, fingerprint256: thumbprint } = read;
      const [notBefore, notAfter] = [new Date(read.validFrom), new Date(read.validTo)];
      return { issuerName, subjectName, serialNumber, thumbprint, notBefore, notAfter, pem: read.toString() };
    },
  },
};
