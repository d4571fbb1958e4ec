import type { Knex } from 'knex'
import type { MailSender } from '../config/mail-settings.ts'
import { ENGLISH, type Language, languageOf } from '../languages/languages.ts'
import { type Translate, translateTo } from '../languages/translator.ts'
import type { LinkTokens } from './link-tokens.ts'
import type { LinkPurpose } from './mail-links.ts'
import type { OutgoingMessage } from './mail-transport.ts'
import type { MessageContext, MessageLink } from './message-declaration.ts'
import { contentOf, isMessageKind, MESSAGE_KINDS, type MessageKindName, sampleContentOf } from './message-kinds.ts'
import { type MailBrand, type RenderedMessage, renderMessage } from './message-rendering.ts'
import type { ClaimedMessage } from './outbox.ts'

export const readMailBrand = async (db: Knex): Promise<MailBrand> =>
  await db('instance_settings').first<MailBrand>('name', 'accent')

/** The pages that open links. */
const LINK_PATHS: Readonly<Record<LinkPurpose, string>> = {
  invitation: '/password/new',
  password_reset: '/password/new',
  email_verification: '/email/verify',
  email_change: '/account/email/confirm',
}

const NO_LINK: MessageLink = { url: '', until: '' }

const urlOfLink = (issuerUrl: string, purpose: LinkPurpose, token: string): string =>
  new URL(`${LINK_PATHS[purpose]}?token=${token}`, issuerUrl).href

/** English, where a newer version queued the message in a language that this one does not have. */
const translateToCode = (code: string): Translate => translateTo(languageOf(code) ?? ENGLISH)

interface ComposerOptions {
  readonly sender: MailSender
  readonly tokens: LinkTokens
  issuerUrl(): string
}

/** Returns a function that makes the whole message from its row in the outbox. @throws Error for a kind of a newer version */
export function createComposer({ sender, tokens, issuerUrl }: ComposerOptions) {
  function linkOf({ link }: ClaimedMessage, purpose: LinkPurpose | undefined, t: Translate): MessageLink {
    if (!purpose) return NO_LINK
    if (!link) throw new Error('the link of the message was deleted')
    return { url: urlOfLink(issuerUrl(), purpose, tokens.tokenOf(link.id)), until: t.time(link.expiresAt) }
  }

  function contextOf(message: ClaimedMessage, { name }: MailBrand, purpose: LinkPurpose | undefined): MessageContext {
    const t = translateToCode(message.language)
    return {
      t,
      instance: name,
      recipient: message.recipient,
      link: linkOf(message, purpose, t),
      url: (path) => new URL(path, issuerUrl()).href,
    }
  }

  return (message: ClaimedMessage, brand: MailBrand): OutgoingMessage => {
    if (!isMessageKind(message.kind)) throw new Error(`this version of Keywright knows no message ${message.kind}`)
    const { purpose } = MESSAGE_KINDS[message.kind]
    const context = contextOf(message, brand, purpose)
    return {
      ...renderMessage(contentOf(message.kind, message.parameters, context), brand, context.t),
      id: message.id,
      date: message.createdAt,
      from: { name: brand.name, ...sender },
      to: message.recipient,
    }
  }
}

/** Milliseconds until the link of a sample expires. */
const SAMPLE_LIFETIME = 3_600_000

/** A message as its recipient would see it, with the sample values of its kind. */
export function composeSample(
  kind: MessageKindName,
  language: Language,
  brand: MailBrand,
  issuerUrl: string,
): RenderedMessage {
  const t = translateTo(language)
  const { purpose } = MESSAGE_KINDS[kind]
  const expiresAt = new Date(Date.now() + SAMPLE_LIFETIME)
  const link = purpose ? { url: urlOfLink(issuerUrl, purpose, 'example'), until: t.time(expiresAt) } : NO_LINK
  const url = (path: string) => new URL(path, issuerUrl).href
  const context = { t, instance: brand.name, recipient: 'ada@example.com', link, url }
  return renderMessage(sampleContentOf(kind, context), brand, t)
}
