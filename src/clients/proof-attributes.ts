import { attribute, boolean, choice } from '../shared/attributes.ts'

/** Whether the tokens of a client must be bound to a key that it proves to hold. */
export type DpopPolicy = 'optional' | 'required' | 'nonce'

/** What a client must prove with its token requests. */
export const TOKEN_PROOF_ATTRIBUTES = {
  /** RFC 9449, section 5.2 (`dpop_bound_access_tokens`). */
  dpop: attribute({
    type: choice<DpopPolicy>([
      {
        value: 'optional',
        label: 'Optional',
        hint: 'A token is bound to a key if the application sends a DPoP proof with its request.',
      },
      {
        value: 'required',
        label: 'Required',
        hint: 'Each token request needs a DPoP proof, and only the owner of its key can use the token. APIs must check it.',
      },
      {
        value: 'nonce',
        label: 'Required, with a nonce',
        hint: 'Each proof also has a nonce that Keywright gave the application in the last minutes, so that no proof can be made in advance.',
      },
    ]),
    initial: 'optional',
    section: 'proofs',
    label: 'DPoP',
    description:
      'Whether each token request needs a DPoP proof (RFC 9449, dpop_bound_access_tokens), so that no token is issued without a key; tokens that were issued before stay unbound. nonce: each proof at Keywright’s endpoints must also have a nonce of the server (section 8)',
    option: {
      help: 'required: issue only tokens that are bound to a key, by DPoP (RFC 9449); nonce: each proof must also have a nonce of the server; default: optional',
    },
  }),
}

/** How a client must send its authorization requests, and gets the responses. */
export const AUTHORIZATION_REQUEST_ATTRIBUTES = {
  fapi2: attribute({
    type: boolean,
    initial: false,
    section: 'proofs',
    label: 'FAPI 2.0',
    hint: 'A security profile for banks and others with high security needs. Enables PAR, PKCE, DPoP (unless tokens are bound to a certificate) and ID tokens signed by ES256, and disables refresh token rotation. Requires a private key or a certificate as client authentication, redirect URIs with https, and APIs that do not sign by RS256.',
    description:
      'Whether it must meet the FAPI 2.0 Security Profile. Enabling it sets par_required and pkce_required to true, refresh_token_rotation to false, id_token_alg to ES256, and dpop to required unless tokens are bound to a certificate. Settings that contradict it are refused, and so are JWTs signed by RS256',
    option: {
      help: 'on: enable what the FAPI 2.0 Security Profile requires (PAR, PKCE, DPoP unless tokens are certificate-bound, ID tokens by ES256, no refresh token rotation), and refuse what contradicts it; default: off',
    },
  }),
  /** RFC 9126, section 6 (`require_pushed_authorization_requests`). */
  parRequired: attribute({
    type: boolean,
    initial: false,
    section: 'proofs',
    label: 'Pushed authorization requests (PAR) required',
    hint: 'The application sends the authorization request to Keywright itself, and the browser carries a reference to it only. Requests in the URL are refused.',
    description:
      'Whether authorization requests must be pushed (RFC 9126, require_pushed_authorization_requests): those in a URL are refused',
    option: {
      flag: 'par',
      jsonName: 'par',
      onOffWords: ['required', 'optional'],
      help: 'required: accept only pushed authorization requests (RFC 9126); default: optional',
    },
  }),
  /** RFC 9101, section 10.5 (`require_signed_request_object`). */
  requestObjectsRequired: attribute({
    type: boolean,
    initial: false,
    section: 'proofs',
    label: 'Signed authorization requests required',
    hint: 'The application signs its authorization requests with its private key, so that nobody can change them on the way.',
    description:
      'Whether authorization requests must be signed request objects (RFC 9101, require_signed_request_object), pushed or in the URL. Only for clients with the authentication method private_key_jwt, whose keys sign them',
    option: {
      flag: 'request-objects',
      jsonName: 'request_objects',
      onOffWords: ['required', 'optional'],
      help: 'required: accept only authorization requests that are signed request objects (RFC 9101); default: optional',
    },
  }),
  /** JWT Secured Authorization Response Mode for OAuth 2.0 (JARM). */
  signedResponsesRequired: attribute({
    type: boolean,
    initial: false,
    section: 'proofs',
    label: 'Signed authorization responses required',
    hint: 'The application gets the code, or an error, in a JWT that Keywright signs (JARM), so that nobody can change it on the way. Its requests need the response mode jwt.',
    description:
      'Whether authorization responses must be signed (JARM): a request needs a response_mode that is jwt or ends in .jwt, and errors are signed too. The algorithm is id_token_alg',
    option: {
      flag: 'signed-responses',
      jsonName: 'signed_responses',
      onOffWords: ['required', 'optional'],
      help: 'required: send only authorization responses that are signed JWTs (JARM); default: optional',
    },
  }),
}
