import type { Translate } from '../languages/translator.ts'
import type { LinkPurpose } from './mail-links.ts'

/** The link of a message, with the token in it. */
export interface MessageLink {
  readonly url: string
  /** When it stops working, in the language of the message: `29 November 2026 at 13:00 UTC`. */
  readonly until: string
}

/** What every message knows. */
export interface MessageContext {
  /** The texts in the language of the message. */
  readonly t: Translate
  /** The name of the instance. */
  readonly instance: string
  readonly recipient: string
  /** Of kinds with a purpose. */
  readonly link: MessageLink
  /** An address of the instance, from a path. */
  url(path: string): string
}

/** A message before it is laid out as text or HTML. */
export interface MessageContent {
  readonly subject: string
  readonly paragraphs: readonly string[]
  readonly facts?: readonly (readonly [label: string, value: string])[]
  readonly button?: { readonly label: string; readonly url: string }
  /** Smaller, below. */
  readonly notes?: readonly string[]
}

export interface MessageKind<P> {
  /** For operators: `Invitation`. */
  readonly label: string
  /** When it is sent, and who receives it. */
  readonly cause: string
  /** What its link is for; absent: the message has no link that changes anything. */
  readonly purpose?: LinkPurpose
  /** For the preview. */
  readonly sample: P
  content(parameters: P, context: MessageContext): MessageContent
}
