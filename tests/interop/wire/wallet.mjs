// A wallet made of @openid4vc/openid4vci, @openid4vc/openid4vp and @sd-jwt/sd-jwt-vc (npm), told through a pipe what to
// receive and what to answer, well or badly.
//
// What of OpenID4VCI and OpenID4VP 1.0 the two do not do as of 0.4.6 is done around them, in the fetch they are given:
// - requests for credentials and what comes back are not encrypted;
// - credentials that were deferred must not come with a notification_id, where only a promise of them must not;
// - a request_uri is asked by POST for the members of wallet_metadata as parameters of their own, and without the
//   wallet_nonce, of which its check then says that it is missing.
import { setGlobalConfig } from "@openid4vc/oauth2";
import { Openid4vciClient } from "@openid4vc/openid4vci";
import { Openid4vpClient } from "@openid4vc/openid4vp";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { callbacks, decrypted, encrypted, hasher, newKey, signature } from "./crypto.mjs";
import { answerLines } from "./lines.mjs";

setGlobalConfig({ allowInsecureUrls: true });

let issuance, opened;
const held = [];
const told = []; // method, path and headers of what was sent, to say how it went

const noting = (send) => async (url, options) => {
  const response = await send(url, options);
  const headers = new Headers(options?.headers);
  told.push({
    method: options?.method ?? "GET",
    path: new URL(url).pathname,
    type: headers.get("content-type"),
    dpop: headers.has("dpop"),
    status: response.status,
    answered: response.headers.get("content-type"),
  });
  return response;
};

// -- receiving --------------------------------------------------------------------------------------------------

const sealing = (metadata, key, enc) => {
  const { credential_endpoint: first, deferred_credential_endpoint: later, ...rest } = metadata;
  const [recipient] = rest.credential_request_encryption.jwks.keys;
  return async (url, options) => {
    if (url !== first && url !== later) return fetch(url, options);
    const wanted = { jwk: { ...key.publicJwk, kid: "for-me", alg: "ECDH-ES", use: "enc" }, enc };
    const asked = JSON.stringify({ ...JSON.parse(options.body), credential_response_encryption: wanted });
    const body = await encrypted(asked, recipient, enc);
    const headers = new Headers(options.headers);
    headers.set("content-type", "application/jwt");
    const response = await fetch(url, { ...options, headers, body });
    if (response.headers.get("content-type") !== "application/jwt") return response;
    told.push({ sealed: enc });
    const { status } = response;
    const answered = new Headers(response.headers);
    answered.set("content-type", "application/json");
    return new Response(await decrypted(await response.text(), key.publicJwk), { status, headers: answered });
  };
};

const settingAside = (later, send) => async (url, options) => {
  const response = await send(url, options);
  if (url !== later || !response.ok) return response;
  const { notification_id: notification, ...rest } = await response.json();
  issuance.notification = notification;
  return new Response(JSON.stringify(rest), { status: response.status, headers: response.headers });
};

const proofs = async ({ client, issuerMetadata, id }, keys) => {
  const { c_nonce: nonce } = await client.requestNonce({ issuerMetadata });
  const made = keys.map((signer) =>
    client.createCredentialRequestJwtProof({
      issuerMetadata,
      credentialConfigurationId: id,
      signer,
      nonce,
      issuedAt: new Date(),
    }),
  );
  return { jwt: (await Promise.all(made)).map(({ jwt }) => jwt) };
};

const keep = ({ credentials, transaction_id: transaction, notification_id: notification }) => {
  issuance.notification ??= notification;
  issuance.transaction = transaction;
  for (const { credential } of credentials ?? []) {
    const { cnf, vct } = JSON.parse(Buffer.from(credential.split(".")[1], "base64url"));
    const ours = issuance.keys.some(({ publicJwk }) => publicJwk.x === cnf.jwk.x && publicJwk.y === cnf.jwk.y);
    if (!ours) throw new Error("a credential for no key of this wallet");
    held.push({ credential, vct, jwk: cnf.jwk });
  }
  return { count: credentials?.length ?? 0, deferred: transaction !== undefined, told: told.splice(0) };
};

const receive = async ({ offer, txCode, copies, enc, dpop, asPublished }) => {
  told.length = 0;
  const asking = new Openid4vciClient({ callbacks: { ...callbacks, fetch: noting(fetch) } });
  const credentialOffer = await asking.resolveCredentialOffer(offer);
  const issuerMetadata = await asking.resolveIssuerMetadata(credentialOffer.credential_issuer);
  const [id] = credentialOffer.credential_configuration_ids;
  const { credentialIssuer: metadata } = issuerMetadata;
  const sent = enc ? sealing(metadata, newKey(), enc) : fetch;
  const send = noting(asPublished ? sent : settingAside(metadata.deferred_credential_endpoint, sent));
  const client = new Openid4vciClient({ callbacks: { ...callbacks, fetch: send } });
  const token = await client.retrievePreAuthorizedCodeAccessTokenFromOffer({
    credentialOffer,
    issuerMetadata,
    txCode,
    dpop: dpop ? { signer: newKey() } : undefined,
  });
  const { access_token: accessToken } = token.accessTokenResponse;
  const keys = Array.from({ length: copies }, newKey);
  issuance = { client, issuerMetadata, id, keys, accessToken, dpop: token.dpop };
  const { credentialResponse } = await client.retrieveCredentials({
    issuerMetadata,
    credentialConfigurationId: id,
    proofs: await proofs(issuance, keys),
    accessToken,
    dpop: token.dpop,
  });
  return keep(credentialResponse);
};

const collect = async () => {
  const { client, issuerMetadata, accessToken, dpop, transaction: transactionId } = issuance;
  const given = { issuerMetadata, accessToken, dpop, transactionId };
  return keep((await client.retrieveDeferredCredentials(given)).deferredCredentialResponse);
};

const notify = async ({ event }) => {
  const { client, issuerMetadata, accessToken, dpop, notification: notificationId } = issuance;
  const sent = { issuerMetadata, accessToken, dpop, notification: { notificationId, event } };
  return (await client.sendNotification(sent)).response.status;
};

// -- answering --------------------------------------------------------------------------------------------------

const walletMetadata = {
  vp_formats_supported: { "dc+sd-jwt": { "sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"] } },
  client_id_prefixes_supported: ["x509_san_dns", "x509_hash"],
};

const askingByPost = (nonce) => (url, options) => {
  if (options?.method !== "post" || !nonce) return fetch(url, options);
  const body = new URLSearchParams({ wallet_metadata: JSON.stringify(walletMetadata), wallet_nonce: nonce });
  return fetch(url, { ...options, method: "POST", body });
};

const open = async ({ link, nonce, asPublished }) => {
  told.length = 0;
  const send = asPublished ? fetch : askingByPost(nonce);
  const client = new Openid4vpClient({ callbacks: { ...callbacks, fetch: noting(send) } });
  const { params } = client.parseOpenid4vpAuthorizationRequest({ authorizationRequest: link });
  const wallet = nonce ? { metadata: walletMetadata, nonce, expectedNonce: nonce } : undefined;
  const found = await client.resolveOpenId4vpAuthorizationRequest({ authorizationRequestPayload: params, wallet });
  opened = { client, request: found.authorizationRequestPayload };
  const { client_id: clientId, nonce: asked } = opened.request;
  return { prefix: found.client.prefix, version: found.version, clientId, nonce: asked, told: told.splice(0) };
};

const presenter = ({ jwk }) =>
  new SDJwtVcInstance({
    hasher,
    kbSignAlg: "ES256",
    kbSigner: (data) => signature(data, jwk).toString("base64url"),
  });

const present = (copy, { client_id: aud, nonce, transaction_data: transactions }, names, changes = {}) => {
  const frame = Object.fromEntries(names.map((name) => [name, true]));
  const hashes = transactions?.map((text) => hasher(text, "sha-256").toString("base64url"));
  const confirmed = hashes ? { transaction_data_hashes: hashes } : {};
  const payload = { iat: Math.floor(Date.now() / 1000), aud, nonce, ...confirmed, ...changes };
  return presenter(copy).present(copy.credential, frame, { kb: { payload } });
};

const flipped = (jws) => {
  const at = jws.lastIndexOf(".") + 1;
  return `${jws.slice(0, at)}${jws[at] === "A" ? "B" : "A"}${jws.slice(at + 1)}`;
};

const parted = (presentation) => {
  const end = presentation.lastIndexOf("~") + 1;
  return [presentation.slice(0, end), presentation.slice(end)];
};

// How an answer goes wrong: each makes a presentation of a copy, a request and the names of the claims that are asked.
const answers = {
  honest: present,
  "another nonce": (copy, request, names) => present(copy, request, names, { nonce: "n-of-another-request" }),
  "another audience": (copy, request, names) => present(copy, request, names, { aud: "x509_san_dns:thief.example" }),
  "another issuer's signature": (copy, request, names) => {
    const [jwt, ...rest] = copy.credential.split("~");
    return present({ ...copy, credential: [flipped(jwt), ...rest].join("~") }, request, names);
  },
  "another holder's signature": async (copy, request, names) => {
    const [shown, binding] = parted(await present(copy, request, names));
    return shown + flipped(binding);
  },
  "another sd_hash": async (copy, request, names) => {
    const [shown] = parted(await present(copy, request, names));
    const [, binding] = parted(await present(copy, request, names.slice(1)));
    return shown + binding;
  },
  "a claim less": (copy, request, names) => present(copy, request, names.slice(1)),
  "no key binding": async (copy, request, names) => parted(await present(copy, request, names))[0],
  "another transaction": (copy, request, names) =>
    present(copy, request, names, { transaction_data_hashes: [hasher("another", "sha-256").toString("base64url")] }),
  "no transaction": (copy, { transaction_data: _, ...request }, names) => present(copy, request, names),
  "a claim more": (copy, request, names) => present(copy, request, [...names, "subject_name"]),
};

const namesOf = ({ claims }) => claims.map(({ path: [name] }) => name);

const posted = async ({ client, request }, vp_token, enc) => {
  const encryption = { encryption: { nonce: "unused" }, serverMetadata: encryptions(enc) };
  const made = await client.createOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: request,
    authorizationResponsePayload: { vp_token },
    jarm: request.response_mode === "direct_post.jwt" ? encryption : undefined,
  });
  const { response } = await client.submitOpenid4vpAuthorizationResponse({
    authorizationRequestPayload: request,
    ...made,
  });
  const [header] = made.jarm?.responseJwt.split(".") ?? [];
  return {
    status: response.status,
    reply: await response.json(),
    enc: header ? JSON.parse(Buffer.from(header, "base64url")).enc : null,
  };
};

const encryptions = (enc) => ({
  authorization_signing_alg_values_supported: [],
  authorization_encryption_alg_values_supported: ["ECDH-ES"],
  authorization_encryption_enc_values_supported: enc ? [enc] : ["A128GCM", "A256GCM"],
});

const answer = async ({ how = "honest", enc, again }) => {
  const [query] = opened.request.dcql_query.credentials.filter(({ format }) => format === "dc+sd-jwt");
  const presentation = again ?? (await answers[how](held.at(-1), opened.request, namesOf(query)));
  return { presentation, ...(await posted(opened, { [query.id]: [presentation] }, enc)) };
};

await answerLines({ receive, collect, notify, open, answer });
