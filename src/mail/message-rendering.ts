import { fileURLToPath } from 'node:url'
import { Eta } from 'eta'
import type { LanguageCode } from '../languages/languages.ts'
import type { Translate } from '../languages/translator.ts'
import { accentsOf } from '../shared/accent-colours.ts'
import type { MessageContent } from './message-declaration.ts'

/** The name and the accent colour of the instance. */
export interface MailBrand {
  readonly name: string
  /** `#rrggbb`. */
  readonly accent: string
}

export interface RenderedMessage {
  readonly language: LanguageCode
  readonly subject: string
  readonly text: string
  readonly html: string
}

const VIEWS = fileURLToPath(new URL('../../views/', import.meta.url))

let templates: Eta | undefined

const htmlOf = (content: MessageContent, brand: MailBrand, t: Translate): string => {
  templates ??= new Eta({ views: VIEWS, cache: true, autoEscape: true })
  return templates.render('mail/message', { ...content, brand, t, accents: accentsOf(brand.accent) })
}

function textOf(content: MessageContent, { name }: MailBrand, t: Translate): string {
  const { paragraphs, facts = [], button, notes = [] } = content
  const parts = [
    ...paragraphs,
    ...(facts.length > 0 ? [facts.map(([label, value]) => t('mail.fact', { label, value })).join('\n')] : []),
    ...(button ? [`${t('mail.link', { label: button.label })}\n${button.url}`] : []),
    ...notes,
    `-- \n${name}`,
  ]
  return `${parts.join('\n\n')}\n`
}

/** Lays out a message as text and as HTML. */
export const renderMessage = (content: MessageContent, brand: MailBrand, t: Translate): RenderedMessage => ({
  language: t.language.code,
  subject: content.subject,
  text: textOf(content, brand, t),
  html: htmlOf(content, brand, t),
})
