// The holder of @owf/mdoc (npm): what it is asked for, bound to the session in which it is asked.
import {
  DeviceEngagement,
  DeviceRequest,
  DocRequest,
  EReaderKey,
  Holder,
  IssuerSigned,
  ItemsRequest,
  SessionTranscript,
} from "@owf/mdoc";
import { context, keyOf } from "./context.mjs";
import { decoded } from "./values.mjs";

export const transcriptOf = ({ redirect, browser, qr }) => {
  const thumbprint = (info) => ({ ...info, jwkThumbprint: info.jwkThumbprint ? decoded(info.jwkThumbprint) : undefined });
  if (redirect) return SessionTranscript.forOid4Vp(thumbprint(redirect), context);
  if (browser) return SessionTranscript.forOid4VpDcApi(thumbprint(browser), context);
  const deviceEngagement = DeviceEngagement.decode(decoded(qr.engagement));
  return SessionTranscript.forQrHandover({ deviceEngagement, eReaderKey: EReaderKey.decode(decoded(qr.readerKey)) });
};

const requestOf = (docType, paths) => {
  const namespaces = {};
  for (const [name, element] of paths) (namespaces[name] ??= {})[element] = false;
  return DeviceRequest.create({ docRequests: [DocRequest.create({ itemsRequest: ItemsRequest.create({ docType, namespaces }) })] });
};

export const present = async ({ raw, docType, paths, session, key, alg }) => {
  const response = await Holder.createDeviceResponseForDeviceRequest(
    {
      deviceRequest: requestOf(docType, paths),
      sessionTranscript: await transcriptOf(session),
      issuerSigned: [IssuerSigned.fromEncodedForOid4Vci(raw)],
      signature: { signingKey: keyOf({ ...key, alg }) },
    },
    context,
  );
  return response.encodedForOid4Vp;
};
