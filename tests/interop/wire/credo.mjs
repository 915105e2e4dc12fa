// An issuer and a verifier made of @credo-ts (npm), serving HTTP on this machine, told what to do through a pipe.
// Keys and records live in askar, in memory; its shared library is found by LIB_ASKAR_PATH.
// First, because @credo-ts/askar takes the binding as it is when it is loaded itself.
import { askar } from "@openwallet-foundation/askar-nodejs";
import { EventEmitter, once } from "node:events";
import { AskarModule } from "@credo-ts/askar";
import { Agent, ConsoleLogger, LogLevel, X509Certificate, X509Module } from "@credo-ts/core";
import { OpenId4VcModule, OpenId4VpVerifierService } from "@credo-ts/openid4vc";
import express from "express";
import { answerLines } from "./lines.mjs";

const app = express();
const server = app.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address();

// What the published package @credo-ts/node would bring; nothing here touches files or sockets of the agent's own.
const dependencies = { FileSystem: class {}, EventEmitterClass: EventEmitter, fetch, WebSocketClass: class {} };
const store = {
  id: "credo",
  key: askar.storeGenerateRawKey({}),
  keyDerivationMethod: "raw",
  database: { type: "sqlite", config: { inMemory: true } },
};

let agent, office, bank, records, deferring;

const certified = async ({ jwk, chain }) => {
  const { keyId } = await agent.kms.importKey({ privateJwk: jwk });
  const x5c = chain.map((each) => X509Certificate.fromEncodedCertificate(each));
  x5c[0].keyId = keyId;
  return { method: "x5c", x5c };
};

// It names its own request_uri as the audience of a request, where OpenID4VP 1.0 §5.8 has one fixed value.
const nameAudience = (audience) => {
  const service = agent.dependencyManager.resolve(OpenId4VpVerifierService);
  const { getOpenid4vpVerifier } = Object.getPrototypeOf(service);
  service.getOpenid4vpVerifier = (context) => {
    const verifier = getOpenid4vpVerifier.call(service, context);
    const create = verifier.createOpenId4vpAuthorizationRequest.bind(verifier);
    verifier.createOpenId4vpAuthorizationRequest = ({ jar, ...rest }) =>
      create({ ...rest, jar: { ...jar, additionalJwtPayload: audience ? { aud: audience } : undefined } });
    return verifier;
  };
};

const copies = (holders, id) => ({
  type: "credentials",
  format: "dc+sd-jwt",
  credentials: holders.map(({ jwk }) => ({
    payload: { vct: records[id].vct, ...records[id].registered, ...records[id].claims },
    holder: { method: "jwk", jwk },
    issuer: { ...office.signer, issuer: office.url },
    disclosureFrame: { _sd: Object.keys(records[id].claims) },
  })),
});

const issue = ({ holderBinding, credentialConfigurationId, issuanceSession }) => {
  if (!deferring) return copies(holderBinding.keys, credentialConfigurationId);
  office.waiting[issuanceSession.id] = [holderBinding.keys, credentialConfigurationId];
  return { type: "deferral", transactionId: issuanceSession.id, interval: 1 };
};

const issueLater = ({ deferredCredentialRequest: { transaction_id: transactionId } }) =>
  deferring ? { type: "deferral", transactionId, interval: 1 } : copies(...office.waiting[transactionId]);

const operations = {
  addresses: () => ({ issuer: `http://127.0.0.1:${port}/issuer/office`, verifier: `http://localhost:${port}` }),

  start: async ({ signer, reader, trusted, kinds }) => {
    records = kinds;
    const url = `http://127.0.0.1:${port}/issuer`;
    agent = new Agent({
      config: { allowInsecureHttpUrls: true, logger: new ConsoleLogger(LogLevel.Off) },
      dependencies,
      modules: {
        askar: new AskarModule({ askar, store }),
        x509: new X509Module({ trustedCertificates: trusted }),
        openid4vc: new OpenId4VcModule({
          app,
          issuer: {
            baseUrl: url,
            credentialRequestToCredentialMapper: issue,
            deferredCredentialRequestToCredentialMapper: issueLater,
          },
          verifier: { baseUrl: `http://localhost:${port}/verifier` },
        }),
      },
    });
    await agent.initialize();
    office = { url: `${url}/office`, waiting: {}, signer: await certified(signer) };
    bank = await certified(reader);
    await agent.openid4vc.issuer.createIssuer({
      issuerId: "office",
      accessTokenSignerKeyType: { kty: "EC", crv: "P-256" },
      batchCredentialIssuance: { batchSize: 4 },
      dpopSigningAlgValuesSupported: ["ES256"],
      credentialConfigurationsSupported: Object.fromEntries(
        Object.entries(kinds).map(([id, { vct }]) => [
          id,
          {
            format: "dc+sd-jwt",
            vct,
            scope: id,
            cryptographic_binding_methods_supported: ["jwk"],
            credential_signing_alg_values_supported: ["ES256"],
            proof_types_supported: { jwt: { proof_signing_alg_values_supported: ["ES256"] } },
          },
        ]),
      ),
    });
    await agent.openid4vc.verifier.createVerifier({ verifierId: "bank", clientMetadata: { client_name: "Credo" } });
  },

  offer: async ({ ids, txCode, dpop, defer }) => {
    deferring = defer;
    const { credentialOffer, issuanceSession } = await agent.openid4vc.issuer.createCredentialOffer({
      issuerId: "office",
      credentialConfigurationIds: ids,
      preAuthorizedCodeFlowConfig: txCode ? { txCode: { input_mode: "numeric", length: 6 } } : {},
      authorization: { requireDpop: dpop, requireWalletAttestation: false },
      version: "v1",
    });
    return { link: credentialOffer, id: issuanceSession.id, txCode: issuanceSession.userPin };
  },

  finishDeferred: () => {
    deferring = false;
  },

  issued: async ({ id }) => (await agent.openid4vc.issuer.getIssuanceSessionById(id)).state,

  ask: async ({ query, mode, prefix, redirectTo, audience, transactions }) => {
    nameAudience(audience);
    const { authorizationRequest, verificationSession } = await agent.openid4vc.verifier.createAuthorizationRequest({
      verifierId: "bank",
      requestSigner: { ...bank, clientIdPrefix: prefix },
      dcql: { query },
      responseMode: mode,
      authorizationResponseRedirectUri: redirectTo ?? undefined,
      transactionData: transactions ?? undefined,
      version: "v1",
    });
    return { link: authorizationRequest, id: verificationSession.id };
  },

  outcome: async ({ id }) => {
    const { state, errorMessage } = await agent.openid4vc.verifier.getVerificationSessionById(id);
    if (state !== "ResponseVerified") return { state, error: errorMessage };
    const { dcql, transactionData } = await agent.openid4vc.verifier.getVerifiedAuthorizationResponse(id);
    const shown = Object.entries(dcql.presentations).map(([name, [{ prettyClaims }]]) => [name, prettyClaims]);
    const confirmed = transactionData?.map(({ decoded }) => decoded);
    return { state, claims: Object.fromEntries(shown), confirmed };
  },
};

await answerLines(operations);
