import { momentText } from '../shared/moment-text.ts'
import type { MessageContent, MessageContext, MessageKind, MessageLink } from './message-declaration.ts'
import { NOTICE_KINDS, type NoticeKindName, type NoticeParameters } from './notice-kinds.ts'

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

const ignoreNote = 'If you did not expect this message, you can ignore it.'

const worksUntil = ({ until }: MessageLink): string => `The link works once, until ${until}.`

/** Every message, each declared once: its cause, its recipients, and its text. */
export const MESSAGE_KINDS: { readonly [Name in MessageKindName]: MessageKind<Parameters[Name]> } = {
  invitation: {
    label: 'Invitation',
    cause: 'A user is invited. Sent to the user.',
    purpose: 'invitation',
    sample: { account: 'ACME Corp' },
    content: ({ account }, { instance, recipient, link }) => ({
      subject: account === null ? `You are invited to ${instance}` : `You are invited to ${account} on ${instance}`,
      paragraphs: [
        account === null
          ? `You are invited to ${instance} as an operator.`
          : `You are invited to the account ${account} on ${instance}.`,
        `Choose a password to sign in with ${recipient}.`,
      ],
      button: { label: 'Choose password', url: link.url },
      notes: [worksUntil(link), ignoreNote],
    }),
  },
  password_reset: {
    label: 'New password',
    cause: 'A user forgot their password. Sent to the user who has the address.',
    purpose: 'password_reset',
    sample: {},
    content: (_, { instance, recipient, link }) => ({
      subject: `Choose a new password for ${instance}`,
      paragraphs: [
        `A new password was requested for ${recipient} on ${instance}.`,
        'When you save a new password, you are signed out everywhere.',
      ],
      button: { label: 'Choose new password', url: link.url },
      notes: [
        worksUntil(link),
        'If you did not request a new password, ignore this message. Your password does not change.',
      ],
    }),
  },
  email_verification: {
    label: 'Verification of an address',
    cause: 'A user, admin or operator asks to verify the address of the user. Sent to the user.',
    purpose: 'email_verification',
    sample: {},
    content: (_, { instance, recipient, link }) => ({
      subject: `Verify your email address for ${instance}`,
      paragraphs: [`Confirm that ${recipient} is your email address on ${instance}.`],
      button: { label: 'Verify email address', url: link.url },
      notes: [worksUntil(link), ignoreNote],
    }),
  },
  email_change: {
    label: 'Change of address',
    cause: 'A user asks for another email address. Sent to the new address.',
    purpose: 'email_change',
    sample: {},
    content: (_, { instance, recipient, link }) => ({
      subject: `Confirm your new email address for ${instance}`,
      paragraphs: [
        `Confirm that ${recipient} is your new email address on ${instance}.`,
        'If you are not signed in, the link asks you to sign in first, with your current address.',
      ],
      button: { label: 'Confirm new address', url: link.url },
      notes: [worksUntil(link), ignoreNote],
    }),
  },
  email_change_refused: {
    label: 'Change to a used address',
    cause: 'A user asks for an email address that another user has. Sent to the user who has it.',
    sample: {},
    content: (_, { instance, recipient, url }) => ({
      subject: `Your email address is already used on ${instance}`,
      paragraphs: [
        `Somebody wants to use ${recipient} as their email address on ${instance}. You already sign in with this address, so nothing was changed.`,
        'If it was you, sign in with this address. To use it for another user, change the address of this one first.',
      ],
      button: { label: 'Sign in', url: url('/signin') },
      notes: [ignoreNote],
    }),
  },
  email_change_requested: {
    label: 'Change of address requested',
    cause: 'A user asks for another email address. Sent to the current address.',
    sample: { email: 'ada@example.org', at: '2026-11-29T12:00:00.000Z', ip: '192.0.2.1' },
    content: ({ email, at, ip }, { instance, recipient, url }) => ({
      subject: `Your email address on ${instance} is about to change`,
      paragraphs: [
        `A change of your email address on ${instance} was requested. It stays ${recipient} until the new address is confirmed.`,
      ],
      facts: [
        ['New address', email],
        ['Time', momentText(new Date(at))],
        ['IP address', ip],
      ],
      button: { label: 'Choose a new password', url: url('/password/forgot') },
      notes: [
        'Was this not you? Choose a new password at once. That also stops the change, and signs you out everywhere.',
      ],
    }),
  },
  test: {
    label: 'Test message',
    cause: 'An operator sends a test message. Sent to the operator.',
    sample: {},
    content: (_, { instance, url }) => ({
      subject: `Test message from ${instance}`,
      paragraphs: [`${instance} can send email. This message is a test, and you can delete it.`],
      facts: [['Sent by', url('/')]],
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
