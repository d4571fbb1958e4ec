import { fileURLToPath } from 'node:url'
import { Eta } from 'eta'
import { accentsOf } from '../shared/accent-colours.ts'
import type { MessageContent } from './message-declaration.ts'

/** The name and the accent colour of the instance. */
export interface MailBrand {
  readonly name: string
  /** `#rrggbb`. */
  readonly accent: string
}

export interface RenderedMessage {
  readonly subject: string
  readonly text: string
  readonly html: string
}

const VIEWS = fileURLToPath(new URL('../../views/', import.meta.url))

let templates: Eta | undefined

const htmlOf = (content: MessageContent, brand: MailBrand): string => {
  templates ??= new Eta({ views: VIEWS, cache: true, autoEscape: true })
  return templates.render('mail/message', { ...content, brand, accents: accentsOf(brand.accent) })
}

const factLine = ([label, value]: readonly [string, string]): string => `${label}: ${value}`

function textOf({ paragraphs, facts = [], button, notes = [] }: MessageContent, { name }: MailBrand): string {
  const parts = [
    ...paragraphs,
    ...(facts.length > 0 ? [facts.map(factLine).join('\n')] : []),
    ...(button ? [`${button.label}:\n${button.url}`] : []),
    ...notes,
    `-- \n${name}`,
  ]
  return `${parts.join('\n\n')}\n`
}

/** Lays out a message as text and as HTML. */
export const renderMessage = (content: MessageContent, brand: MailBrand): RenderedMessage => ({
  subject: content.subject,
  text: textOf(content, brand),
  html: htmlOf(content, brand),
})
