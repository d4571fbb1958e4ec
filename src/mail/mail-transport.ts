import type { MailSender } from '../config/mail-settings.ts'
import type { RenderedMessage } from './message-rendering.ts'

export interface OutgoingMessage extends RenderedMessage {
  /** Without its domain: the left part of the Message-ID. */
  readonly id: string
  readonly date: Date
  readonly from: Required<MailSender>
  readonly to: string
}

/** A message that was not accepted. */
export class DeliveryError extends Error {
  /** The recipient or the message was rejected: another attempt would fail too. */
  readonly isFinal: boolean

  constructor(message: string, isFinal: boolean, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DeliveryError'
    this.isFinal = isFinal
  }
}

/** What takes messages to their readers. */
export interface MailTransport {
  /** Resolves when the message was accepted; ends when the signal aborts. @throws DeliveryError */
  send(message: OutgoingMessage, signal: AbortSignal): Promise<void>
  close(): void
}
