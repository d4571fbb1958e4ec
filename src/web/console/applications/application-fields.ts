import type { Consent } from '../../../clients/client-settings.ts'
import { GRANT_TYPES } from '../../../clients/grant-types.ts'
import { ID_TOKEN_ALGS } from '../../../shared/algorithms.ts'
import { rateField } from '../kit/amount-fields.ts'
import { type Choice, checkboxesField, checkboxField, radioField, selectField } from '../kit/choice-fields.ts'
import { mapped, negated, nullable } from '../kit/field-changes.ts'
import { linesField, textField, urlField } from '../kit/text-fields.ts'
import { TOKEN_FIELDS } from './token-fields.ts'

const words = (text: string): readonly string[] => text.split(/\s+/).filter(Boolean)

const SHOW = [
  { value: 'show', label: 'Show it to all users', hint: 'Every user decides whether to allow the application.' },
  {
    value: 'skip_own_account',
    label: 'Skip it for users of the same account',
    hint: 'Users of the account continue without a question; users of other accounts are still asked. Exception: a public application with a loopback or custom-scheme redirect URI asks unless the user signs in for this request, because another program on the device could impersonate it (RFC 8252, section 8.6).',
  },
] as const satisfies readonly Choice<Consent>[]

const SKIP = {
  value: 'skip',
  label: 'Skip it for all users',
  hint: 'No user of any account is asked, with the same exception for public applications. Only an operator can select this.',
} as const

/** @param mayHave who fills in the form may choose it, or an operator has */
export const consentField = (mayHave: { skip: boolean }) =>
  radioField<Consent>({
    label: 'Show allow/deny screen',
    hint: 'After signing in, users review the requested permissions and allow or deny them.',
    required: true,
    choices: mayHave.skip ? [...SHOW, SKIP] : SHOW,
  })

/** Public or with a secret: said once, for what has a secret cannot become one that never had any. */
export const KIND = {
  isPublic: mapped(
    radioField({
      label: 'Client type',
      hint: 'This cannot be changed later.',
      required: true,
      choices: [
        {
          value: 'secret',
          label: 'Confidential',
          hint: 'For applications that run on a server. The application authenticates with a client secret.',
        },
        {
          value: 'public',
          label: 'Public',
          hint: 'For desktop, mobile and browser applications, which cannot keep a client secret.',
        },
      ],
    }),
    (kind) => kind === 'public',
    (isPublic: boolean) => (isPublic ? 'public' : 'secret'),
  ),
}

/** The fields that are the same for everybody, by their names as settings. */
export const SETTINGS_FIELDS = {
  name: textField({
    label: 'Name',
    hint: 'Shown to users on the allow/deny screen.',
    required: true,
    maxLength: 200,
  }),
  grants: checkboxesField<string>({
    label: 'Grant types',
    required: true,
    choices: GRANT_TYPES.map(({ value, label, hint }) => ({ value, label, hint })),
  }),
  redirectUris: linesField({
    label: 'Redirect URIs',
    hint: 'Enter one URI per line, exactly as the application sends it. For a desktop application, use http://127.0.0.1/callback (any port matches) or a custom scheme such as com.example.app:/callback.',
    placeholder: 'https://app.example.com/callback',
  }),
  defaultScopes: mapped(
    nullable(
      textField({
        label: 'Default scopes',
        hint: 'Used when an authorization request has no scope. Separate scopes with spaces. Leave empty to request all allowed scopes.',
        mono: true,
        maxLength: 4000,
      }),
    ),
    (text) => (text === null ? null : words(text)),
    (scopes: readonly string[] | null) => scopes?.join(' ') ?? null,
  ),
  ...TOKEN_FIELDS,
  postLogoutRedirectUris: linesField({
    label: 'Post-logout redirect URIs',
    hint: 'Enter one URI per line, exactly as the application sends it.',
  }),
  backchannelLogoutUri: nullable(
    urlField({
      label: 'Back-channel logout URI',
      hint: 'Keywright sends a logout token to this URI when a user signs out. Leave empty to send none.',
    }),
  ),
  idTokenAlg: selectField({
    label: 'ID token signing algorithm',
    hint: 'Most libraries expect RS256 by default.',
    choices: ID_TOKEN_ALGS.map((alg) => ({ value: alg, label: alg })),
  }),
  queryCredentials: checkboxField({
    label: 'Client secret in query parameters',
    hint: 'Accepts the client ID and client secret as query parameters. URLs are stored in logs and browser histories, which exposes the secret.',
  }),
  clientCredentialsRefresh: checkboxField({
    label: 'Refresh tokens for client credentials',
    hint: 'The standard issues none, because the client secret serves the same purpose. A refresh token is one more secret that can leak.',
  }),
  apiKeyRequired: checkboxField({
    label: 'API key (x-api-key header)',
    hint: 'Requires an API key with every token request. The API key is shown once, when you save.',
  }),
  pkceRequired: negated(
    checkboxField({
      label: 'Authorization codes without PKCE',
      hint: 'For applications that do not support PKCE. Only the client secret then protects an intercepted code.',
    }),
  ),
  refreshTokenRotation: negated(
    checkboxField({
      label: 'No refresh token rotation',
      hint: 'The refresh token stays the same until it expires. Use of a stolen refresh token is not detected.',
    }),
  ),
}

export const OPERATOR_FIELDS = {
  rateLimit: rateField({
    label: 'Rate limit',
    hint: 'Token requests above the limit get status 429. Leave empty for no limit.',
    placeholder: 'no limit',
  }),
  accessType: radioField({
    label: 'Access type',
    hint: 'Limits the grant types of the application. Allowing less revokes the tokens that are no longer allowed.',
    required: true,
    choices: [
      { value: 'both', label: 'Users and client credentials' },
      { value: 'user', label: 'Users only' },
      { value: 'client', label: 'Client credentials only' },
    ],
  }),
}
