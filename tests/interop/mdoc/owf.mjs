// @owf/mdoc (npm) behind a pipe: an issuer, a holder and a verifier of mdocs.
import {
  DateOnly,
  DeviceAuth,
  DeviceAuthentication,
  DeviceKey,
  DeviceMac,
  DeviceResponse,
  DeviceSigned,
  Document,
  Holder,
  Issuer,
  IssuerSigned,
  Verifier,
} from "@owf/mdoc";
import { answerLines } from "../wire/lines.mjs";
import { context, keyOf } from "./context.mjs";
import { present, transcriptOf } from "./holder.mjs";
import { claimsOf, decoded, encoded, made } from "./values.mjs";

const HMAC_256 = 5;

const issue = async ({ docType, namespaces, validity, device, key, alg, hash, chain, wide }) => {
  const issuer = new Issuer(docType, context);
  context.wide = wide ?? false;
  for (const [name, elements] of Object.entries(namespaces)) issuer.addIssuerNamespace(name, made(elements, DateOnly));
  context.wide = false;
  const [signed, validFrom, validUntil] = validity.map((text) => new Date(text));
  const issued = await issuer.sign({
    signingKey: keyOf(key),
    algorithm: alg,
    digestAlgorithm: hash,
    validityInfo: { signed, validFrom, validUntil },
    deviceKeyInfo: { deviceKey: keyOf(device, DeviceKey) },
    certificates: chain.map(decoded),
  });
  return issued.encodedForOid4Vci;
};

// Its holder leaves the external_aad out of what it makes a MAC of (RFC 9052 §6.3), unless it is told that it is empty.
const presentWithMac = async ({ raw, docType, paths, session, key, reader, asPublished }) => {
  const sessionTranscript = await transcriptOf(session);
  const ephemeralKey = keyOf(reader);
  const signed = { raw, docType, paths, session, key, alg: "ES256" };
  const [{ issuerSigned, deviceSigned }] = DeviceResponse.fromEncodedForOid4Vp(await present(signed)).documents;
  const { deviceNamespaces } = deviceSigned;
  const made = DeviceAuthentication.create({ sessionTranscript, docType, deviceNamespaces });
  const deviceMac = await DeviceMac.create(
    {
      protectedHeaders: new Map([[1, HMAC_256]]),
      unprotectedHeaders: new Map(),
      detachedPayload: made.encode({ asDataItem: true }),
      externalAad: asPublished ? undefined : new Uint8Array(),
      privateKey: keyOf(key),
      ephemeralKey,
      sessionTranscript,
    },
    context,
  );
  const bound = DeviceSigned.create({ deviceNamespaces, deviceAuth: DeviceAuth.create({ deviceMac }) });
  const document = Document.create({ docType, issuerSigned, deviceSigned: bound });
  return DeviceResponse.createSimple({ documents: [document] }).encodedForOid4Vp;
};

const verify = async ({ presented, session, trusted, at }) => {
  const deviceResponse = DeviceResponse.fromEncodedForOid4Vp(presented);
  await Verifier.verifyDeviceResponse(
    {
      deviceResponse,
      sessionTranscript: await transcriptOf(session),
      trustedCertificates: trusted.map(decoded),
      now: new Date(at),
    },
    context,
  );
  return read(deviceResponse.documents[0].issuerSigned);
};

const read = ({ issuerNamespaces }) => claimsOf([...issuerNamespaces.issuerNamespaces]);

const receive = async ({ raw, trusted, at }) => {
  const trustedCertificates = trusted.map(decoded);
  await Holder.verifyIssuerSigned({ issuerSigned: raw, now: new Date(at), trustedCertificates }, context);
  return read(IssuerSigned.fromEncodedForOid4Vci(raw));
};

await answerLines({ issue, present, presentWithMac, verify, receive });
