import { attribute, boolean, choice } from '../shared/attributes.ts'

/** Whether the tokens of a client must be bound to a key that it proves to hold. */
export type DpopPolicy = 'optional' | 'required'

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
    ]),
    initial: 'optional',
    section: 'tokens',
    label: 'DPoP',
    description:
      'Whether each token request needs a DPoP proof (RFC 9449, dpop_bound_access_tokens), so that no token is issued without a key; tokens that were issued before stay unbound',
    option: { help: 'required: issue only tokens that are bound to a key, by DPoP (RFC 9449); default: optional' },
  }),
}

/** How a client must send its authorization requests. */
export const AUTHORIZATION_REQUEST_ATTRIBUTES = {
  /** RFC 9126, section 6 (`require_pushed_authorization_requests`). */
  parRequired: attribute({
    type: boolean,
    initial: false,
    section: 'signIn',
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
}
