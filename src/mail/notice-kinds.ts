import { credentialKindIn } from '../shared/credential-kinds.ts'
import type { MessageKind } from './message-declaration.ts'
import {
  clientOf,
  FACTOR_ACTIONS,
  factorChange,
  factsOf,
  leaked,
  type NoticeParameters,
  newPassword,
  newRole,
  toClient,
} from './notice-texts.ts'

/**
 * Who receives a notice: the user whom the event is about, the address that the user had before, or those who are responsible for a
 * client.
 */
export type NoticeRecipients = 'user' | 'former_address' | 'client'

export interface NoticeKind extends MessageKind<NoticeParameters> {
  readonly notice: {
    /** Actions in the activity log. */
    readonly actions: readonly string[]
    readonly recipients: NoticeRecipients
    /** Whether the event gets a notice; absent: always. */
    applies?(detail: NoticeParameters['detail']): boolean
  }
}

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

/** Every notice, each declared once: its event, its recipients, and its text. */
export const NOTICE_KINDS = {
  new_browser: {
    label: 'Sign-in from an unknown browser',
    cause: 'A user signs in from a browser for the first time. Sent to the user.',
    notice: { actions: ['user.signed_in'], recipients: 'user', applies: ({ new_browser }) => new_browser === true },
    sample: SAMPLE,
    content: (parameters, context) => {
      const { t, instance, recipient } = context
      return {
        subject: t('mail.newBrowser.subject', { instance }),
        paragraphs: [t('mail.newBrowser.text', { instance, email: recipient })],
        facts: factsOf(parameters, context),
        button: newPassword(context),
        notes: [t('mail.newBrowser.note')],
      }
    },
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
    content: (parameters, context) => {
      const { t, instance, recipient } = context
      return {
        subject: t('mail.passwordChanged.subject', { instance }),
        paragraphs: [t('mail.passwordChanged.text', { email: recipient })],
        facts: factsOf(parameters, context),
        button: newPassword(context),
        notes: [t('mail.notYou')],
      }
    },
  },
  email_changed: {
    label: 'Email address changed',
    cause: 'The email address of a user changes. Sent to the former address.',
    notice: { actions: ['user.updated'], recipients: 'former_address' },
    sample: SAMPLE,
    content: (parameters, context) => {
      const { t, instance, recipient } = context
      return {
        subject: t('mail.emailChanged.subject', { instance }),
        paragraphs: [t('mail.emailChanged.text', { instance, email: recipient })],
        facts: factsOf(parameters, context),
        notes: [t('mail.emailChanged.note')],
      }
    },
  },
  one_time_password: {
    label: 'One-time password generated',
    cause: 'An admin or operator generates a one-time password. Sent to the user.',
    notice: { actions: ['user.password_reset'], recipients: 'user' },
    sample: { ...SAMPLE, by: 'bob@example.com', ip: null },
    content: (parameters, context) => {
      const { t, instance } = context
      return {
        subject: t('mail.oneTimePassword.subject', { instance }),
        paragraphs: [t('mail.oneTimePassword.text')],
        facts: factsOf(parameters, context),
        notes: [t('mail.oneTimePassword.note')],
      }
    },
  },
  factor_changed: {
    label: 'Passkey or second factor changed',
    cause:
      'The passkeys, authenticator apps or recovery codes of a user change, or a recovery code is used. Sent to the user.',
    notice: { actions: FACTOR_ACTIONS, recipients: 'user' },
    sample: { ...SAMPLE, action: 'user.factor_added' },
    content: (parameters, context) => {
      const { t, instance, url } = context
      return {
        subject: t('mail.factorChanged.subject', { instance }),
        paragraphs: [t(factorChange(parameters))],
        facts: factsOf(parameters, context),
        button: { label: t('mail.factorChanged.button'), url: url('/account/security') },
        notes: [t('mail.factorChanged.note')],
      }
    },
  },
  identity_changed: {
    label: 'Identity provider connected or disconnected',
    cause: 'A user is connected to an identity provider, or disconnected from one. Sent to the user.',
    // A user who was created at the first sign-in knows of no other way.
    notice: {
      actions: ['user.identity_linked', 'user.identity_removed'],
      recipients: 'user',
      applies: ({ how }) => how !== 'created',
    },
    sample: { ...SAMPLE, action: 'user.identity_linked', detail: { provider: 'Acme' } },
    content: (parameters, context) => {
      const { t, instance, url } = context
      const isLinked = parameters.action === 'user.identity_linked'
      const provider = String(parameters.detail.provider)
      return {
        subject: t('mail.factorChanged.subject', { instance }),
        paragraphs: [
          t(isLinked ? 'mail.identityChanged.connected' : 'mail.identityChanged.disconnected', { provider }),
        ],
        facts: factsOf(parameters, context),
        button: { label: t('mail.identityChanged.button'), url: url('/account/security') },
        notes: [t('mail.identityChanged.note')],
      }
    },
  },
  role_changed: {
    label: 'Role changed',
    cause: 'The role of a user is changed. Sent to the user.',
    notice: { actions: ['user.role_changed'], recipients: 'user' },
    sample: { ...SAMPLE, by: 'bob@example.com', ip: null, detail: { changes: { role: { to: 'admin' } } } },
    content: (parameters, context) => {
      const { t, instance } = context
      return {
        subject: t('mail.roleChanged.subject', { instance }),
        paragraphs: [t(newRole(parameters.detail))],
        facts: factsOf(parameters, context),
      }
    },
  },
  key_pair_generated: {
    label: 'New key pair',
    cause: 'A user generates a key pair. Sent to its owner.',
    notice: { actions: ['key_pair.generated'], recipients: 'client' },
    sample: { ...CLIENT_SAMPLE, by: null },
    content: (parameters, context) => {
      const { t, instance } = context
      return {
        subject: t('mail.keyPair.subject', { instance }),
        paragraphs: [t(parameters.detail.replaced === undefined ? 'mail.keyPair.text' : 'mail.keyPair.replaced')],
        facts: factsOf(parameters, context),
        button: toClient(parameters, context),
        notes: [t('mail.notYou')],
      }
    },
  },
  secret_generated: {
    label: 'New client secret or key',
    cause:
      'A user generates a client secret, or replaces public keys, certificates or trusts of a client. Sent to the owner of a key pair, otherwise to the admins of the account.',
    notice: { actions: ['client.secret_rotated'], recipients: 'client' },
    sample: CLIENT_SAMPLE,
    content: (parameters, context) => {
      const { t, instance } = context
      const [client, kind] = [clientOf(parameters), credentialKindIn(parameters.detail)]
      const isSecret = kind === 'secret'
      return {
        subject: isSecret ? t('mail.secret.subject', { client }) : t('mail.credential.subject', { client, kind }),
        paragraphs: [isSecret ? t('mail.secret.text', { instance }) : t('mail.credential.text', { instance, kind })],
        facts: factsOf(parameters, context),
        button: toClient(parameters, context),
        notes: [t(isSecret ? 'mail.secret.note' : 'mail.credential.note')],
      }
    },
  },
  secret_expires: {
    label: 'Client secret or key expires',
    cause:
      'A client secret, API key, public key, certificate or trust of a client expires in 90, 30, 14, 7 days or 1 day. Sent to the owner of a key pair, otherwise to the admins of the account.',
    notice: { actions: ['client.secret_expires'], recipients: 'client' },
    sample: { ...CLIENT_SAMPLE, by: null, detail: { days: 7 } },
    content: (parameters, context) => {
      const { t } = context
      const kind = credentialKindIn(parameters.detail)
      const isSecret = kind === 'secret' || kind === 'api_key'
      const values = { client: clientOf(parameters), days: Number(parameters.detail.days) }
      return {
        subject: isSecret
          ? t('mail.secretExpires.subject', values)
          : t('mail.credentialExpires.subject', { ...values, kind }),
        paragraphs: [t(isSecret ? 'mail.secretExpires.text' : 'mail.credentialExpires.text')],
        facts: factsOf(parameters, context),
        button: toClient(parameters, context),
      }
    },
  },
  leak_reported: {
    label: 'Leaked credential',
    cause: 'A leaked credential is reported. Sent to the owner of a key pair, otherwise to the admins of the account.',
    notice: { actions: ['leak.reported'], recipients: 'client' },
    sample: { ...CLIENT_SAMPLE, by: null, detail: { kind: 'client_secret', revoked: true } },
    content: (parameters, context) => {
      const { t, url } = context
      const { detail } = parameters
      return {
        subject: t(leaked(detail), { client: clientOf(parameters) }),
        paragraphs: [t(detail.revoked === true ? 'mail.leak.revoked' : 'mail.leak.active')],
        facts: factsOf(parameters, context),
        button: { label: t('mail.leak.button'), url: url('/leaks') },
      }
    },
  },
} satisfies Readonly<Record<string, NoticeKind>>

export type NoticeKindName = keyof typeof NOTICE_KINDS
