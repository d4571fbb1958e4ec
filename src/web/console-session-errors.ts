import type { ConsoleSession } from '../clients/console-session-tickets.ts'
import { KeywrightError } from '../shared/errors.ts'

/** Where the page of a console session leads back to. */
type ReturnTarget = Pick<ConsoleSession, 'returnUrl'>

/** Why a request of a console session is refused. */
export type ConsoleSessionRefusal =
  /** The session does not have the page. */
  | 'not_included'
  /** The session began too long ago for what is asked. */
  | 'not_recent'
  | 'ended'
  /** The URL that opens a session was used, or has expired. */
  | 'link_over'
  /** The session is for a frame of the product, and the page is not in it. */
  | 'not_framed'

const MESSAGES: Readonly<Record<ConsoleSessionRefusal, string>> = {
  not_included: 'this session does not have the page',
  not_recent: 'this session began more than ten minutes ago',
  ended: 'the session has ended',
  link_over: 'the link was used or has expired',
  not_framed: 'this session works only in a page of the product',
}

/** A request that a console session does not allow. Its page leads back to the company's product. */
export class ConsoleSessionError extends KeywrightError {
  readonly refusal: ConsoleSessionRefusal
  /** Null: unknown. */
  readonly returnUrl: string | null

  constructor(refusal: ConsoleSessionRefusal, target?: ReturnTarget) {
    super('forbidden', MESSAGES[refusal])
    this.name = 'ConsoleSessionError'
    this.refusal = refusal
    this.returnUrl = target?.returnUrl ?? null
  }
}
