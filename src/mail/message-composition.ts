import type { Knex } from 'knex'
import type { MailSender } from '../config/mail-settings.ts'
import { momentText } from '../shared/moment-text.ts'
import type { LinkTokens } from './link-tokens.ts'
import type { OutgoingMessage } from './mail-transport.ts'
import type { MessageContext, MessageLink } from './message-declaration.ts'
import { contentOf, isMessageKind, MESSAGE_KINDS, type MessageKindName, sampleContentOf } from './message-kinds.ts'
import { type MailBrand, type RenderedMessage, renderMessage } from './message-rendering.ts'
import type { ClaimedMessage } from './outbox.ts'

export const readMailBrand = async (db: Knex): Promise<MailBrand> =>
  await db('instance_settings').first<MailBrand>('name', 'accent')

/** The page that opens a link. */
const LINK_PATH = '/password/new'

const NO_LINK: MessageLink = { url: '', until: '' }

const linkTo = (issuerUrl: string, token: string, expiresAt: Date): MessageLink => ({
  url: new URL(`${LINK_PATH}?token=${token}`, issuerUrl).href,
  until: momentText(expiresAt),
})

interface ComposerOptions {
  readonly sender: MailSender
  readonly tokens: LinkTokens
  issuerUrl(): string
}

/** Returns a function that makes the whole message from its row in the outbox. @throws Error for a kind of a newer version */
export function createComposer({ sender, tokens, issuerUrl }: ComposerOptions) {
  function contextOf({ recipient, link }: ClaimedMessage, { name }: MailBrand): MessageContext {
    return {
      instance: name,
      recipient,
      link: link ? linkTo(issuerUrl(), tokens.tokenOf(link.id), link.expiresAt) : NO_LINK,
      url: (path) => new URL(path, issuerUrl()).href,
    }
  }

  return (message: ClaimedMessage, brand: MailBrand): OutgoingMessage => {
    if (!isMessageKind(message.kind)) throw new Error(`this version of Keywright knows no message ${message.kind}`)
    const { purpose } = MESSAGE_KINDS[message.kind]
    if (purpose && !message.link) throw new Error('the link of the message was deleted')
    const content = contentOf(message.kind, message.parameters, contextOf(message, brand))
    return {
      ...renderMessage(content, brand),
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
export function composeSample(kind: MessageKindName, brand: MailBrand, issuerUrl: string): RenderedMessage {
  const link = linkTo(issuerUrl, 'example', new Date(Date.now() + SAMPLE_LIFETIME))
  const url = (path: string) => new URL(path, issuerUrl).href
  return renderMessage(sampleContentOf(kind, { instance: brand.name, recipient: 'ada@example.com', link, url }), brand)
}
