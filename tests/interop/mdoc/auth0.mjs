// @auth0/mdl (npm) behind a pipe: an issuer, a holder and a verifier of mdocs.
//
// It knows device responses only, and none of the transcripts of OpenID4VP 1.0: what an issuer sends and a session's
// transcript are put into and taken out of what it knows with its own encoder.
import { createRequire } from "node:module";
import { DeviceResponse, Document, MDoc, Verifier } from "@auth0/mdl";
import { answerLines } from "../wire/lines.mjs";
import { claimsOf, decoded, encoded, made } from "./values.mjs";

const { DateOnly, cborDecode, cborEncode } = createRequire(import.meta.url)("@auth0/mdl/lib/cbor");
const { COSEKeyFromJWK } = createRequire(import.meta.url)("cose-kit");

const pem = (der) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(der, "base64url").toString("base64")}\n-----END CERTIFICATE-----`;

const issue = async ({ docType, namespaces, validity, device, key, alg, hash, chain }) => {
  const document = new Document(docType).useDigestAlgorithm(hash).addDeviceKeyInfo({ deviceKey: device });
  const [signed, validFrom, validUntil] = validity.map((text) => new Date(text));
  document.addValidityInfo({ signed, validFrom, validUntil });
  for (const [name, elements] of Object.entries(namespaces)) {
    document.addIssuerNameSpace(name, Object.fromEntries(made(elements, DateOnly)));
  }
  const issued = await document.sign({ issuerPrivateKey: key, issuerCertificate: chain.map(pem).join("\n"), alg });
  return encoded(cborEncode(issued.prepare().get("issuerSigned")));
};

const holding = ({ raw, docType }) => {
  const document = new Map([["docType", docType], ["issuerSigned", cborDecode(decoded(raw))]]);
  return cborEncode({ version: "1.0", documents: [document], status: 0 });
};

const chosen = ({ raw, docType, paths, transcript }) =>
  DeviceResponse.from(holding({ raw, docType }))
    .usingPresentationDefinition({
      id: "asked",
      input_descriptors: [
        {
          id: docType,
          format: { mso_mdoc: { alg: ["ES256"] } },
          constraints: {
            limit_disclosure: "required",
            fields: paths.map(([name, element]) => ({ path: [`$['${name}']['${element}']`], intent_to_retain: false })),
          },
        },
      ],
    })
    .usingSessionTranscriptBytes(Buffer.from(decoded(transcript)));

const present = async ({ key, alg, ...asked }) =>
  encoded((await chosen(asked).authenticateWithSignature(key, alg).sign()).encode());

const presentWithMac = async ({ key, reader, ...asked }) =>
  encoded((await chosen(asked).authenticateWithMAC(key, COSEKeyFromJWK(reader), "HS256").sign()).encode());

const verify = async ({ presented, transcript, trusted, reader }) => {
  const found = await new Verifier(trusted.map(pem)).verify(decoded(presented), {
    encodedSessionTranscript: Buffer.from(decoded(transcript)),
    ephemeralReaderKey: reader ? COSEKeyFromJWK(reader) : undefined,
  });
  return claimsOf(Object.entries(found.documents[0].issuerSigned.nameSpaces));
};

await answerLines({ issue, present, presentWithMac, verify });
