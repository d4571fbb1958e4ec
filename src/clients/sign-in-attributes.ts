import { scopesError } from '../apis/scopes.ts'
import { ID_TOKEN_ALGS } from '../shared/algorithms.ts'
import { attribute, choice, choices, either, nullable, text, uri, uris, words } from '../shared/attributes.ts'
import { nameError, textError } from '../shared/names.ts'
import { AUTHORIZATION_CODE_GRANT, GRANT_TYPES, REFRESH_TOKEN_GRANT } from './grant-types.ts'
import { backchannelLogoutUriError } from './redirect-uris.ts'

/**
 * Who sees the allow/deny page: `show` every user; `skip_own_account` every user except those of the application's account
 * (admins may set it); `skip` no user (only operators may set it).
 */
export type Consent = 'show' | 'skip' | 'skip_own_account'

const URI_LINES = 'Enter one URI per line, exactly as the application sends it.'

/** What an application is, and how it signs users in. */
export const SIGN_IN_ATTRIBUTES = {
  name: attribute({
    type: text(200),
    section: 'application',
    label: 'Name',
    hint: 'Shown to users on the allow/deny screen.',
    description: 'The name that users see on the allow/deny page',
    example: 'Billing export',
    option: { help: 'Name that users see on the consent page' },
    validate: (name) => nameError('a client name', name, 200),
  }),
  description: attribute({
    type: text(500),
    initial: '',
    section: 'application',
    label: 'Description',
    hint: 'For admins, such as what it is for and who maintains it. Users do not see it.',
    description: 'A note for admins; users do not see it',
    example: 'Exports invoices every night; maintained by the billing team',
    option: { help: "Note for admins; '' removes it" },
    validate: (note) => textError('a description', note),
  }),
  grants: attribute({
    type: choices<string>(GRANT_TYPES),
    section: 'signIn',
    label: 'Grant types',
    description: 'The grant types that the application may use',
    example: [AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT],
    option: { help: 'Grant types' },
  }),
  isPublic: attribute({
    type: either(
      {
        value: 'public',
        label: 'Public',
        hint: 'For desktop, mobile and browser applications, which cannot keep a client secret.',
      },
      {
        value: 'confidential',
        label: 'Confidential',
        hint: 'For applications that run on a server and can keep credentials secret.',
      },
    ),
    initial: false,
    isFixed: true,
    section: 'signIn',
    label: 'Client type',
    hint: 'This cannot be changed later.',
    description: 'A public client, such as a desktop or mobile app, has no client secret',
    option: { flag: 'public', jsonName: 'public', help: 'Public client: it gets no client secret' },
  }),
  /** `redirect_uris` (RFC 7591, section 2). */
  redirectUris: attribute({
    type: uris,
    initial: [],
    section: 'signIn',
    label: 'Redirect URIs',
    hint: `${URI_LINES} For a desktop application, use http://127.0.0.1/callback (any port matches) or a custom scheme such as com.example.app:/callback.`,
    placeholder: 'https://app.example.com/callback',
    description: 'Redirect URIs; an authorization request must match one exactly',
    example: ['https://app.example.com/callback'],
    option: { flag: 'redirect-uri', help: 'Redirect URIs, compared exactly; default: off', nullWord: 'off' },
  }),
  consent: attribute({
    type: choice<Consent>([
      { value: 'show', label: 'To all users', hint: 'Every user decides whether to allow the application.' },
      {
        value: 'skip_own_account',
        label: 'Not to users of the same account',
        hint: 'Users of the account continue without a question; users of other accounts are still asked. Exception: a public application with a loopback or custom-scheme redirect URI asks unless the user signs in for this request, because another program on the device could impersonate it (RFC 8252, section 8.6).',
      },
      {
        value: 'skip',
        label: 'To no user',
        hint: 'No user of any account is asked, with the same exception for public applications. Only an operator can select this.',
        operatorOnly: true,
      },
    ]),
    initial: 'show',
    section: 'signIn',
    label: 'Show allow/deny screen',
    hint: 'After signing in, users review the requested permissions and allow or deny them.',
    description: 'Which users see the allow/deny page; only operators may set skip',
    option: {
      help: 'Consent page; skip: shown to no user; skip_own_account: not shown to users of its account; default: show',
    },
  }),
  /** The scopes of a request that names none. */
  defaultScopes: attribute({
    type: nullable(words, 'all allowed scopes'),
    initial: null,
    section: 'access',
    label: 'Default scopes',
    hint: 'Used when an authorization request has no scope. Separate scopes with spaces. Leave empty to request all allowed scopes.',
    description: 'The scopes of a request that names none; null: every scope of the application',
    example: ['openid', 'read'],
    option: { help: 'Scopes of a request without the scope parameter, space-separated; default: all', nullWord: 'all' },
    validate: scopesError,
  }),
  postLogoutRedirectUris: attribute({
    type: uris,
    initial: [],
    section: 'openidConnect',
    label: 'Post-logout redirect URIs',
    hint: URI_LINES,
    description: 'Redirect URIs after sign-out',
    example: ['https://app.example.com/'],
    option: {
      flag: 'post-logout-redirect-uri',
      help: 'Where users may be sent after sign-out, compared exactly; default: off',
      nullWord: 'off',
    },
  }),
  /** OpenID Connect Back-Channel Logout 1.0. */
  backchannelLogoutUri: attribute({
    type: nullable(uri, 'not set'),
    initial: null,
    section: 'openidConnect',
    label: 'Back-channel logout URI',
    hint: 'Keywright sends a logout token to this URI when a user signs out. Leave empty to send none.',
    description: 'Receives a logout token when a user signs out (OpenID Connect Back-Channel Logout)',
    example: 'https://app.example.com/logout',
    option: { help: 'HTTPS endpoint that is called when a user signs out; default: off', nullWord: 'off' },
    validate: backchannelLogoutUriError,
  }),
  /** Libraries expect RS256 by default (OpenID Connect Core, section 2). */
  idTokenAlg: attribute({
    type: choice(
      ID_TOKEN_ALGS.map((value) => ({ value, label: value })),
      'select',
    ),
    initial: 'RS256',
    section: 'openidConnect',
    label: 'ID token signing algorithm',
    hint: 'Most libraries expect RS256 by default.',
    description: 'The algorithm that signs ID tokens, and authorization responses (JARM)',
    option: { help: 'Algorithm that signs its ID tokens and authorization responses; default: RS256' },
  }),
}
