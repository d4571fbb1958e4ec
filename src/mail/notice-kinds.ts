import { momentText } from '../shared/moment-text.ts'
import type { MessageContent, MessageContext, MessageKind } from './message-declaration.ts'

/**
 * Who receives a notice: the user whom the event is about, the address that the user had before, or those who are responsible for a
 * client.
 */
export type NoticeRecipients = 'user' | 'former_address' | 'client'

/** What a notice knows of its event. */
export interface NoticeParameters {
  readonly action: string
  /** ISO 8601. */
  readonly at: string
  /** The address of a user of the same account, or a description; null: the recipient. */
  readonly by: string | null
  /** The network address of the recipient's own request. */
  readonly ip: string | null
  /** The name of the client that the event is about. */
  readonly client: string | null
  /** The ID of the client that the event is about. */
  readonly clientId: string | null
  /** Of the event. */
  readonly detail: Readonly<Record<string, unknown>>
}

export interface NoticeKind extends MessageKind<NoticeParameters> {
  readonly notice: {
    /** Actions in the activity log. */
    readonly actions: readonly string[]
    readonly recipients: NoticeRecipients
    /** Whether the event gets a notice; absent: always. */
    applies?(detail: NoticeParameters['detail']): boolean
  }
}

type Facts = NonNullable<MessageContent['facts']>

const factsOf = ({ at, by, ip, client, clientId }: NoticeParameters): Facts => [
  ['Time', momentText(new Date(at))],
  ...(by === null ? [] : [['By', by] as const]),
  ...(ip === null ? [] : [['IP address', ip] as const]),
  ...(client === null ? [] : [['Client', client] as const]),
  ...(clientId === null ? [] : [['Client ID', clientId] as const]),
]

const SAMPLE: NoticeParameters = {
  action: '',
  at: '2026-11-29T12:00:00.000Z',
  by: null,
  ip: '192.0.2.1',
  client: null,
  clientId: null,
  detail: {},
}

const CLIENT_SAMPLE: NoticeParameters = {
  ...SAMPLE,
  by: 'bob@example.com',
  ip: null,
  client: 'Billing',
  clientId: 'kwc_0Zk3tQ9xWb7YpLr2VfHd',
}

const newPassword = ({ url }: MessageContext) => ({ label: 'Choose a new password', url: url('/password/forgot') })

const notYou = 'If this was not you, choose a new password at once. That also signs you out everywhere.'

const clientPath = ({ clientId }: NoticeParameters): string =>
  clientId === null ? '/applications' : `/applications?search=${encodeURIComponent(clientId)}`

const toClient = (parameters: NoticeParameters, { url }: MessageContext) => ({
  label: 'View client',
  url: url(clientPath(parameters)),
})

const daysText = ({ days }: NoticeParameters['detail']): string =>
  Number(days) === 1 ? '1 day' : `${Number(days)} days`

const newRole = ({ changes }: NoticeParameters['detail']): string =>
  String((changes as { role?: { to?: unknown } } | undefined)?.role?.to ?? 'unknown')

const factorWords = ({ factor }: NoticeParameters['detail']): string =>
  factor === 'passkey' ? 'A passkey' : 'An authenticator app'

const FACTOR_CHANGES: Readonly<Record<string, string | ((detail: NoticeParameters['detail']) => string)>> = {
  'user.factor_added': (detail) => `${factorWords(detail)} was added to your sign-in.`,
  'user.factor_removed': (detail) => `${factorWords(detail)} was removed from your sign-in.`,
  'user.factors_reset': 'All passkeys, authenticator apps and recovery codes were removed from your sign-in.',
  'user.recovery_codes_generated': 'New recovery codes were generated for you. Earlier ones no longer work.',
  'user.recovery_code_used': 'A recovery code was used to sign in as you.',
}

function factorChange({ action, detail }: NoticeParameters): string {
  const text = FACTOR_CHANGES[action] ?? 'Your sign-in changed.'
  return typeof text === 'string' ? text : text(detail)
}

const leaked = ({ kind }: NoticeParameters['detail']): string =>
  String(kind ?? 'credential')
    .replaceAll('_', ' ')
    .replace('api', 'API')

/** Every notice, each declared once: its event, its recipients, and its text. */
export const NOTICE_KINDS = {
  new_browser: {
    label: 'Sign-in from an unknown browser',
    cause: 'A user signs in from a browser for the first time. Sent to the user.',
    notice: { actions: ['user.signed_in'], recipients: 'user', applies: ({ new_browser }) => new_browser === true },
    sample: SAMPLE,
    content: (parameters, context) => ({
      subject: `New sign-in to ${context.instance}`,
      paragraphs: [`You signed in to ${context.instance} as ${context.recipient} from a browser that is new to us.`],
      facts: factsOf(parameters),
      button: newPassword(context),
      notes: [`If this was you, you need not do anything. ${notYou}`],
    }),
  },
  password_changed: {
    label: 'Password changed',
    cause: 'A user changes their password. Sent to the user.',
    // Neither a first password nor one in place of a one-time password is a change to the user.
    notice: {
      actions: ['user.password_changed'],
      recipients: 'user',
      applies: ({ link, one_time }) => link !== 'invitation' && one_time !== true,
    },
    sample: SAMPLE,
    content: (parameters, context) => ({
      subject: `Your password for ${context.instance} was changed`,
      paragraphs: [`The password of ${context.recipient} was changed. Other sessions were signed out.`],
      facts: factsOf(parameters),
      button: newPassword(context),
      notes: [notYou],
    }),
  },
  email_changed: {
    label: 'Email address changed',
    cause: 'The email address of a user changes. Sent to the former address.',
    notice: { actions: ['user.updated'], recipients: 'former_address' },
    sample: SAMPLE,
    content: (parameters, { instance, recipient }) => ({
      subject: `Your email address on ${instance} was changed`,
      paragraphs: [`Your user on ${instance} has another email address now. ${recipient} no longer signs in.`],
      facts: factsOf(parameters),
      notes: ['If this was not you, and you do not know why it was done, contact your admin at once.'],
    }),
  },
  one_time_password: {
    label: 'One-time password generated',
    cause: 'An admin or operator generates a one-time password. Sent to the user.',
    notice: { actions: ['user.password_reset'], recipients: 'user' },
    sample: { ...SAMPLE, by: 'bob@example.com', ip: null },
    content: (parameters, { instance }) => ({
      subject: `A one-time password for ${instance} was generated for you`,
      paragraphs: ['Your earlier password no longer works, and you were signed out everywhere.'],
      facts: factsOf(parameters),
      notes: ['If you did not ask for this, ask your admin.'],
    }),
  },
  factor_changed: {
    label: 'Passkey or second factor changed',
    cause:
      'The passkeys, authenticator apps or recovery codes of a user change, or a recovery code is used. Sent to the user.',
    notice: { actions: Object.keys(FACTOR_CHANGES), recipients: 'user' },
    sample: { ...SAMPLE, action: 'user.factor_added' },
    content: (parameters, context) => ({
      subject: `Your sign-in to ${context.instance} changed`,
      paragraphs: [factorChange(parameters)],
      facts: factsOf(parameters),
      button: { label: 'View passkeys and second factors', url: context.url('/account/security') },
      notes: [`${notYou} Then remove the passkeys and authenticator apps that are not yours.`],
    }),
  },
  role_changed: {
    label: 'Role changed',
    cause: 'The role of a user is changed. Sent to the user.',
    notice: { actions: ['user.role_changed'], recipients: 'user' },
    sample: { ...SAMPLE, by: 'bob@example.com', ip: null, detail: { changes: { role: { to: 'admin' } } } },
    content: (parameters, { instance }) => ({
      subject: `Your role on ${instance} was changed`,
      paragraphs: [`Your role is now: ${newRole(parameters.detail)}.`],
      facts: factsOf(parameters),
    }),
  },
  key_pair_generated: {
    label: 'New key pair',
    cause: 'A user generates a key pair. Sent to its owner.',
    notice: { actions: ['key_pair.generated'], recipients: 'client' },
    sample: { ...CLIENT_SAMPLE, by: null },
    content: (parameters, context) => ({
      subject: `New keys were generated on ${context.instance}`,
      paragraphs: [
        parameters.detail.replaced === undefined
          ? 'A new key pair was generated for you.'
          : 'A new key pair was generated for you. The key pair that it replaced no longer works.',
      ],
      facts: factsOf(parameters),
      button: toClient(parameters, context),
      notes: [notYou],
    }),
  },
  secret_generated: {
    label: 'New client secret',
    cause: 'A user generates a client secret. Sent to the owner of a key pair, otherwise to the admins of the account.',
    notice: { actions: ['client.secret_rotated'], recipients: 'client' },
    sample: CLIENT_SAMPLE,
    content: (parameters, context) => ({
      subject: `New client secret of ${parameters.client ?? 'a client'}`,
      paragraphs: [`A new client secret was generated on ${context.instance}.`],
      facts: factsOf(parameters),
      button: toClient(parameters, context),
      notes: ['If nobody of you did this, generate another secret, and check the activity of the client.'],
    }),
  },
  secret_expires: {
    label: 'Client secret expires',
    cause:
      'A client secret expires in 90, 30, 14, 7 days or 1 day. Sent to the owner of a key pair, otherwise to the admins of the account.',
    notice: { actions: ['client.secret_expires'], recipients: 'client' },
    sample: { ...CLIENT_SAMPLE, by: null, detail: { days: 7 } },
    content: (parameters, context) => ({
      subject: `A client secret of ${parameters.client ?? 'a client'} expires in ${daysText(parameters.detail)}`,
      paragraphs: [
        'Token requests with the secret fail after that. Generate a new secret, and give it to the program that uses it.',
      ],
      facts: factsOf(parameters),
      button: toClient(parameters, context),
    }),
  },
  leak_reported: {
    label: 'Leaked credential',
    cause: 'A leaked credential is reported. Sent to the owner of a key pair, otherwise to the admins of the account.',
    notice: { actions: ['leak.reported'], recipients: 'client' },
    sample: { ...CLIENT_SAMPLE, by: null, detail: { kind: 'client_secret', revoked: true } },
    content: (parameters, context) => ({
      subject: `A leaked ${leaked(parameters.detail)} of ${parameters.client ?? 'a client'} was reported`,
      paragraphs: [
        parameters.detail.revoked === true
          ? 'It was found outside of your systems and revoked at once. Generate a new one.'
          : 'It was found outside of your systems, and may still work. Generate a new one.',
      ],
      facts: factsOf(parameters),
      button: { label: 'View report', url: context.url('/leaks') },
    }),
  },
} satisfies Readonly<Record<string, NoticeKind>>

export type NoticeKindName = keyof typeof NOTICE_KINDS
