// A wallet made of @openid4vc/openid4vp and @owf/mdoc (npm), told through a pipe what it holds and how to answer.
import { setGlobalConfig } from "@openid4vc/oauth2";
import { Openid4vpClient } from "@openid4vc/openid4vp";
import { calculateJwkThumbprint } from "jose";
import { callbacks } from "../wire/crypto.mjs";
import { answerLines } from "../wire/lines.mjs";
import { present } from "./holder.mjs";

setGlobalConfig({ allowInsecureUrls: true });

const client = new Openid4vpClient({ callbacks: { ...callbacks, fetch } });
const encryptions = {
  authorization_signing_alg_values_supported: [],
  authorization_encryption_alg_values_supported: ["ECDH-ES"],
  authorization_encryption_enc_values_supported: ["A128GCM", "A256GCM"],
};

const sessionOf = async ({ client_id: clientId, nonce, response_uri: responseUri, response_mode, client_metadata }) => {
  const [recipient] = response_mode === "direct_post.jwt" ? client_metadata.jwks.keys : [];
  const jwkThumbprint = recipient ? await calculateJwkThumbprint(recipient) : undefined;
  return { clientId, nonce, responseUri, jwkThumbprint };
};

// How an answer goes wrong: each changes the session or the paths that it is made with, one the key.
const changes = {
  honest: {},
  "another nonce": { session: { nonce: "n-of-another-request" } },
  "another address": { session: { responseUri: "https://thief.example/response" } },
  "another verifier": { session: { clientId: "x509_san_dns:thief.example" } },
  "encrypted to nobody": { session: { jwkThumbprint: undefined } },
  "another device": {},
  "an element less": { paths: (paths) => paths.slice(1) },
};

const answer = async ({ link, raw, key, otherKey, how }) => {
  const { params } = client.parseOpenid4vpAuthorizationRequest({ authorizationRequest: link });
  const resolved = await client.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: params });
  const request = resolved.authorizationRequestPayload;
  const [query] = request.dcql_query.credentials.filter(({ format }) => format === "mso_mdoc");
  const { session = {}, paths = (all) => all } = changes[how];
  const presentation = await present({
    raw,
    docType: query.meta.doctype_value,
    paths: paths(query.claims.map(({ path }) => path)),
    session: { redirect: { ...(await sessionOf(request)), ...session } },
    key: how === "another device" ? otherKey : key,
    alg: "ES256",
  });
  const made = await client.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: request,
    authorizationResponsePayload: { vp_token: { [query.id]: [presentation] } },
    jarm: { encryption: { nonce: "unused" }, serverMetadata: encryptions },
  });
  const { response } = await client.submitOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: request,
    ...made,
  });
  return { mode: request.response_mode, encrypted: Boolean(made.jarm), status: response.status };
};

await answerLines({ answer });
