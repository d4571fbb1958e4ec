import { attribute, nullable, uris, words } from '../shared/attributes.ts'
import { externalAttributes } from '../shared/external-attributes.ts'
import { AUTHENTICATION_ATTRIBUTES } from './authentication-attributes.ts'
import { BRANDING_ATTRIBUTES } from './branding-attributes.ts'
import { EXCHANGE_ATTRIBUTES } from './exchange-attributes.ts'
import { IDENTITY_ASSERTION_ATTRIBUTES } from './identity-assertion-attributes.ts'
import { AUTHORIZATION_REQUEST_ATTRIBUTES, TOKEN_PROOF_ATTRIBUTES } from './proof-attributes.ts'
import { SIGN_IN_ATTRIBUTES } from './sign-in-attributes.ts'
import { TOKEN_ATTRIBUTES } from './token-attributes.ts'

/** The attributes that the endpoints need, in the cached registrations. */
export const PROTOCOL_ATTRIBUTES = {
  ...AUTHENTICATION_ATTRIBUTES,
  ...SIGN_IN_ATTRIBUTES,
  ...AUTHORIZATION_REQUEST_ATTRIBUTES,
  ...TOKEN_ATTRIBUTES,
  ...TOKEN_PROOF_ATTRIBUTES,
}

/** What a company keeps with a client. The cached registrations do not have these attributes, because no endpoint needs them. */
export const EXTERNAL_ATTRIBUTES = externalAttributes({ what: 'application', section: 'operator' })

/**
 * The attributes of a client (client metadata, RFC 7591), each declared once in one of the files beside this one, or here. Its column, the fields of the
 * API, the form, the page, the CLI option, and *old → new* in the activity log derive from its declaration. To add one: a
 * migration with its column, its declaration, and the code that acts on it.
 */
export const CLIENT_ATTRIBUTES = {
  ...PROTOCOL_ATTRIBUTES,
  ...EXCHANGE_ATTRIBUTES,
  ...IDENTITY_ASSERTION_ATTRIBUTES,
  ...BRANDING_ATTRIBUTES,
  ...EXTERNAL_ATTRIBUTES,
}

/** What concerns users who sign in is no setting of a key pair, whose name its owner and its pair name decide. */
const { description } = SIGN_IN_ATTRIBUTES
const {
  refreshTokenMaxAge: _refreshTokenMaxAge,
  refreshTokens: _refreshTokens,
  pkceRequired: _pkceRequired,
  accessType: _accessType,
  ...ofTokens
} = TOKEN_ATTRIBUTES

/** The attributes of a client that are settings of a key pair. */
export const KEY_PAIR_ATTRIBUTES = { description, ...ofTokens, ...TOKEN_PROOF_ATTRIBUTES, ...EXTERNAL_ATTRIBUTES }

/** What a client may request. These are rows of `client_apis`, not columns of `clients`. */
export const ACCESS_ATTRIBUTES = {
  apis: attribute({
    type: uris,
    initial: [],
    section: 'access',
    label: 'APIs',
    description: 'The APIs that the application may call; the first is its default',
    example: ['https://api.example.com'],
    option: {
      flag: 'api',
      help: "APIs that it may call, its default first; default: the instance's default API",
    },
  }),
  scopes: attribute({
    type: nullable(words, 'all scopes'),
    initial: null,
    section: 'access',
    label: 'Scopes',
    description: 'The scopes that the application may request; null: every scope of its APIs, including later ones',
    example: ['read'],
    option: { help: 'Scopes of its APIs that it is limited to, space-separated; default: all', nullWord: 'all' },
  }),
}
