import type { MessageContent, MessageContext, MessageKind } from './message-declaration.ts'
import { NOTICE_KINDS, type NoticeKindName } from './notice-kinds.ts'
import type { NoticeParameters } from './notice-texts.ts'

/** What the template of each kind needs beside the context. */
interface Parameters extends Record<NoticeKindName, NoticeParameters> {
  invitation: {
    /** Null: an operator is invited. */
    readonly account: string | null
  }
  password_reset: object
  email_verification: object
  email_change: object
  email_change_refused: object
  email_change_requested: {
    /** The new address. */
    readonly email: string
    /** ISO 8601. */
    readonly at: string
    readonly ip: string
  }
  test: object
}

export type MessageKindName = keyof Parameters
export type ParametersOf<Name extends MessageKindName> = Parameters[Name]

const worksUntil = ({ t, link }: MessageContext): string => t('mail.linkWorks', { until: link.until })

/** Every message, each declared once: its cause, its recipients, and its text. */
export const MESSAGE_KINDS: { readonly [Name in MessageKindName]: MessageKind<Parameters[Name]> } = {
  invitation: {
    label: 'Invitation',
    cause: 'A user is invited. Sent to the user.',
    purpose: 'invitation',
    sample: { account: 'ACME Corp' },
    content: ({ account }, context) => {
      const { t, instance, recipient, link } = context
      return {
        subject:
          account === null
            ? t('mail.invitation.operatorSubject', { instance })
            : t('mail.invitation.subject', { account, instance }),
        paragraphs: [
          account === null
            ? t('mail.invitation.operatorText', { instance })
            : t('mail.invitation.text', { account, instance }),
          t('mail.invitation.choose', { email: recipient }),
        ],
        button: { label: t('mail.invitation.button'), url: link.url },
        notes: [worksUntil(context), t('mail.ignore')],
      }
    },
  },
  password_reset: {
    label: 'New password',
    cause: 'A user forgot their password. Sent to the user who has the address.',
    purpose: 'password_reset',
    sample: {},
    content: (_, context) => {
      const { t, instance, recipient, link } = context
      return {
        subject: t('mail.passwordReset.subject', { instance }),
        paragraphs: [t('mail.passwordReset.text', { email: recipient, instance }), t('mail.passwordReset.effect')],
        button: { label: t('mail.chooseNewPassword'), url: link.url },
        notes: [worksUntil(context), t('mail.passwordReset.note')],
      }
    },
  },
  email_verification: {
    label: 'Verification of an address',
    cause: 'A user, admin or operator asks to verify the address of the user. Sent to the user.',
    purpose: 'email_verification',
    sample: {},
    content: (_, context) => {
      const { t, instance, recipient, link } = context
      return {
        subject: t('mail.verification.subject', { instance }),
        paragraphs: [t('mail.verification.text', { email: recipient, instance })],
        button: { label: t('verification.submit'), url: link.url },
        notes: [worksUntil(context), t('mail.ignore')],
      }
    },
  },
  email_change: {
    label: 'Change of address',
    cause: 'A user asks for another email address. Sent to the new address.',
    purpose: 'email_change',
    sample: {},
    content: (_, context) => {
      const { t, instance, recipient, link } = context
      return {
        subject: t('mail.emailChange.subject', { instance }),
        paragraphs: [t('mail.emailChange.text', { email: recipient, instance }), t('mail.emailChange.signIn')],
        button: { label: t('mail.emailChange.button'), url: link.url },
        notes: [worksUntil(context), t('mail.ignore')],
      }
    },
  },
  email_change_refused: {
    label: 'Change to a used address',
    cause: 'A user asks for an email address that another user has. Sent to the user who has it.',
    sample: {},
    content: (_, { t, instance, recipient, url }) => ({
      subject: t('mail.emailUsed.subject', { instance }),
      paragraphs: [t('mail.emailUsed.text', { email: recipient, instance }), t('mail.emailUsed.ifYou')],
      button: { label: t('common.signIn'), url: url('/signin') },
      notes: [t('mail.ignore')],
    }),
  },
  email_change_requested: {
    label: 'Change of address requested',
    cause: 'A user asks for another email address. Sent to the current address.',
    sample: { email: 'ada@example.org', at: '2026-11-29T12:00:00.000Z', ip: '192.0.2.1' },
    content: ({ email, at, ip }, { t, instance, recipient, url }) => ({
      subject: t('mail.changeRequested.subject', { instance }),
      paragraphs: [t('mail.changeRequested.text', { email: recipient, instance })],
      facts: [
        [t('mail.newAddress'), email],
        [t('mail.time'), t.time(new Date(at))],
        [t('mail.ipAddress'), ip],
      ],
      button: { label: t('mail.chooseNewPassword'), url: url('/password/forgot') },
      notes: [t('mail.changeRequested.note')],
    }),
  },
  test: {
    label: 'Test message',
    cause: 'An operator sends a test message. Sent to the operator.',
    sample: {},
    content: (_, { t, instance, url }) => ({
      subject: t('mail.test.subject', { instance }),
      paragraphs: [t('mail.test.text', { instance })],
      facts: [[t('mail.sentBy'), url('/')]],
    }),
  },
  ...NOTICE_KINDS,
}

export const MESSAGE_KIND_NAMES = Object.keys(MESSAGE_KINDS) as readonly MessageKindName[]

export const isMessageKind = (name: string): name is MessageKindName => Object.hasOwn(MESSAGE_KINDS, name)

const kindOf = (name: MessageKindName) => MESSAGE_KINDS[name] as MessageKind<object>

/** The content of a message from its stored parameters. */
export const contentOf = (name: MessageKindName, parameters: object, context: MessageContext): MessageContent =>
  kindOf(name).content(parameters, context)

export const sampleContentOf = (name: MessageKindName, context: MessageContext): MessageContent =>
  contentOf(name, kindOf(name).sample, context)
