import { DEVICE_CODE_GRANT } from '../../../clients/client-rules.ts'
import type { Consent } from '../../../clients/client-settings.ts'
import { ID_TOKEN_ALGS } from '../../../shared/algorithms.ts'
import { rateField } from '../kit/amount-fields.ts'
import { type Choice, checkboxesField, checkboxField, radioField, selectField } from '../kit/choice-fields.ts'
import { mapped, negated, nullable } from '../kit/field-changes.ts'
import { linesField, textField, urlField } from '../kit/text-fields.ts'
import { TOKEN_FIELDS } from './token-fields.ts'

const words = (text: string): readonly string[] => text.split(/\s+/).filter(Boolean)

const SHOW = [
  { value: 'show', label: 'Show it to everybody', hint: 'Nobody lets the application in by accident.' },
  {
    value: 'skip_own_account',
    label: 'Skip it for people of this account',
    hint: 'Colleagues are let through at once; people of other accounts are still asked. A public application on a loopback address or with a scheme of its own is an exception: it asks unless they sign in for this very request, because any program on the machine could pretend to be it (RFC 8252, section 8.6).',
  },
] as const satisfies readonly Choice<Consent>[]

const SKIP = {
  value: 'skip',
  label: 'Skip it for everybody',
  hint: 'Nobody is asked, whichever account they belong to, with the same exception for public applications. Only an operator can choose this.',
} as const

/** @param mayHave who fills in the form may choose it, or an operator has */
export const consentField = (mayHave: { skip: boolean }) =>
  radioField<Consent>({
    label: 'Show the allow/deny screen',
    hint: 'After signing in, people read what the application asks for, and allow it or not.',
    required: true,
    choices: mayHave.skip ? [...SHOW, SKIP] : SHOW,
  })

/** Public or with a secret: said once, for what has a secret cannot become one that never had any. */
export const KIND = {
  isPublic: mapped(
    radioField({
      label: 'Can it keep a secret?',
      hint: 'This cannot be changed later.',
      required: true,
      choices: [
        {
          value: 'secret',
          label: 'Yes, it runs on a server',
          hint: 'It gets a secret of its own, and proves with it who it is.',
        },
        {
          value: 'public',
          label: 'No, people have it in their hands',
          hint: 'A desktop or phone program, or a page in the browser: whoever has it could read a secret out of it.',
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
    hint: 'People read it when the application asks for access.',
    required: true,
    maxLength: 200,
  }),
  grants: checkboxesField<string>({
    label: 'What it does',
    required: true,
    choices: [
      {
        value: 'authorization_code',
        label: 'Signs people in',
        hint: 'They sign in with their browser and allow it, and it acts for them (authorization code).',
      },
      {
        value: 'refresh_token',
        label: 'Keeps access',
        hint: 'It gets refresh tokens, so that people need not sign in again for every new token.',
      },
      {
        value: 'client_credentials',
        label: 'Works by itself',
        hint: 'No person is needed: it trades its id and secret for a token (client credentials).',
      },
      {
        value: DEVICE_CODE_GRANT,
        label: 'Runs on devices without a keyboard',
        hint: 'It shows a short code, which people type in on another device (device code).',
      },
    ],
  }),
  redirectUris: linesField({
    label: 'Redirect URLs',
    hint: 'Where people come back to with their code: one on each line, exactly as it is sent. For a desktop program, http://127.0.0.1/callback (any port will do) or a scheme of your own such as com.example.app:/callback.',
    placeholder: 'https://app.example.com/callback',
  }),
  defaultScopes: mapped(
    nullable(
      textField({
        label: 'Scopes of a sign-in that names none',
        hint: 'What people are asked for then, with spaces between. Empty: every scope that it has.',
        mono: true,
        maxLength: 4000,
      }),
    ),
    (text) => (text === null ? null : words(text)),
    (scopes: readonly string[] | null) => scopes?.join(' ') ?? null,
  ),
  ...TOKEN_FIELDS,
  postLogoutRedirectUris: linesField({
    label: 'Where people may be sent after signing out',
    hint: 'One address on each line, exactly as it is sent.',
  }),
  backchannelLogoutUri: nullable(
    urlField({
      label: 'Address to tell of a sign-out',
      hint: 'When somebody signs out, Keywright calls it (back-channel logout). Empty: nobody is told.',
    }),
  ),
  idTokenAlg: selectField({
    label: 'ID tokens are signed with',
    hint: 'Libraries expect RS256 unless they are told otherwise.',
    choices: ID_TOKEN_ALGS.map((alg) => ({ value: alg, label: alg })),
  }),
  queryCredentials: checkboxField({
    label: 'Credentials in the address',
    hint: 'It may send its id and secret as query parameters. Addresses end up in logs and histories, and the secret with them.',
  }),
  clientCredentialsRefresh: checkboxField({
    label: 'Refresh tokens when it works by itself',
    hint: 'The standard gives none, because the secret itself does as well. It is one more secret to lose.',
  }),
  apiKeyRequired: checkboxField({
    label: 'An x-api-key header beside the secret',
    hint: 'It gets an API key, and must send it with every request for a token. The key is shown once, when you save.',
  }),
  pkceRequired: negated(
    checkboxField({
      label: 'Codes without PKCE',
      hint: 'For programs that do not know it. A code that somebody catches on its way is then protected by the secret alone.',
    }),
  ),
  refreshTokenRotation: negated(
    checkboxField({
      label: 'One refresh token until it ends',
      hint: 'It is not exchanged at each use. That a stolen one is used by somebody else is then never noticed.',
    }),
  ),
}

export const OPERATOR_FIELDS = {
  rateLimit: rateField({
    label: 'Requests for tokens',
    hint: 'Beyond them it is told to wait. Empty: there is no limit.',
    placeholder: 'no limit',
  }),
  accessType: radioField({
    label: 'Access type',
    hint: 'What it may do whatever its other settings say. Allowing less revokes the tokens that are no longer allowed.',
    required: true,
    choices: [
      { value: 'both', label: 'For people and for itself' },
      { value: 'user', label: 'For people only' },
      { value: 'client', label: 'For itself only' },
    ],
  }),
}
