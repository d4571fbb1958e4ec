// Reaches into node-postgres and Knex: the client's socket, and the marks that Knex leaves on a connection.
import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import pg from 'pg'
import { tracing } from '../shared/tracing.ts'
import { endsConnection } from './unavailable.ts'

interface Result {
  readonly command?: string
}

/** Whether a connection still leads to the primary. Both methods throw, or reject with, the error that ends the connection. */
export interface ServerCheck {
  sending(): Promise<void> | undefined
  /** @param sentAt when the answered statement was sent, by `performance.now()` */
  answered(sentAt: number): Promise<void> | undefined
}

/** An SQLSTATE of class 08 is answered with 503 (`isDatabaseUnavailable`). */
const doubt = (code: '08007' | '08P01', message: string): Error => Object.assign(new Error(message), { code })

const BEGINS_TRANSACTION = /^BEGIN\b/i
const ENDS_TRANSACTION = /^(COMMIT|ROLLBACK)\b(?! TO )/i

const textOf = (query: unknown): string =>
  typeof query === 'string' ? query : String((query as { text?: unknown }).text ?? '')

/** Anything but PostgreSQL's own refusal of one statement: a timeout, a lost connection, the end of the session. */
const breaksConnection = (error: unknown): boolean =>
  !(error instanceof pg.DatabaseError) || endsConnection(error.code ?? '')

/** Ends the socket at once. A reset also discards what the kernel has not sent yet, so that it is never executed. */
function destroySocket(stream: unknown): void {
  if (!(stream instanceof Socket)) return
  // A Unix socket and TLS have no reset.
  if (stream instanceof TLSSocket || stream.remoteFamily === undefined) stream.destroy()
  else stream.resetAndDestroy()
}

/**
 * A connection that never outlives its own failure, and that checks each result against the transaction status which
 * PostgreSQL reports with it (ADR 16). Without that, a statement could run inside a transaction that somebody else
 * abandoned: it would be answered and never committed.
 */
export class GuardedClient extends pg.Client {
  /** Knex does not lend a connection that has this mark. */
  declare __knex__disposed?: unknown
  /** Undefined until the connection is open. */
  serverCheck: ServerCheck | undefined
  // Not Knex' own mark of a transaction, which is gone after a nested one.
  #isInTransaction = false
  #unanswered = 0
  #isUnreplicated = false

  constructor(config?: pg.ClientConfig) {
    super(config)
    this.on('notice', (notice) => {
      // Somebody cancelled the wait for the synchronous standby: the commit holds here, and is lost in a failover.
      if (notice.routine === 'SyncRepWaitForLSN') this.#isUnreplicated = true
    })
  }

  /** As in node-postgres: with a callback, or else as a promise. */
  // biome-ignore lint/suspicious/noExplicitAny: node-postgres overloads this method eight times.
  override query(...given: any[]): any {
    const callback = typeof given.at(-1) === 'function' ? given.pop() : undefined
    const result = this.#run(given as [string])
    return callback ? void result.then((value) => callback(null, value), callback) : result
  }

  #run(given: [string]): Promise<Result | Result[]> {
    const text = textOf(given[0])
    const traced = tracing()
    return traced ? traced.statement(text, () => this.#send(text, given)) : this.#send(text, given)
  }

  async #send(text: string, given: [string]): Promise<Result | Result[]> {
    if (BEGINS_TRANSACTION.test(text)) this.#isInTransaction = true
    if (ENDS_TRANSACTION.test(text)) this.#isInTransaction = false
    const expected = this.#isInTransaction ? 'T' : 'I'
    this.#unanswered++
    try {
      // Without an `await` of nothing: statements are sent in the order of the calls, and at once.
      const asked = this.serverCheck?.sending()
      if (asked) await asked
      const sentAt = performance.now()
      const result: Result | Result[] = await super.query(...given)
      this.#checkResult(text, result, expected)
      const askedAgain = this.serverCheck?.answered(sentAt)
      if (askedAgain) await askedAgain
      return result
    } catch (error) {
      if (breaksConnection(error)) this.abandon(error)
      throw error
    } finally {
      this.#unanswered--
    }
  }

  /** @throws Error `08007`, `08P01` */
  #checkResult(text: string, result: Result | Result[], expected: 'T' | 'I'): void {
    if (this.#isUnreplicated) throw doubt('08007', 'a commit was not confirmed by the synchronous standby')
    const status = this.getTransactionStatus()
    if (status !== expected) {
      throw doubt('08P01', `the connection has the transaction status ${status} where ${expected} is expected`)
    }
    // PostgreSQL answers COMMIT with ROLLBACK, and no error, when a statement before it failed.
    const wasRolledBack = /^COMMIT/i.test(text) && (result as Result).command === 'ROLLBACK'
    if (wasRolledBack) throw doubt('08007', 'the transaction was rolled back in place of its commit')
  }

  /** Whether the next statement on this connection runs alone and in a transaction of its own. */
  isAtRest(): boolean {
    return this.#unanswered === 0 && this.getTransactionStatus() === 'I'
  }

  /** Destroys the connection, its socket included; the pool drops it. */
  abandon(reason: unknown): void {
    this.__knex__disposed ??= reason
    destroySocket((this as unknown as { connection: { stream: unknown } }).connection.stream)
  }
}

/** For a pool's `release`: a transaction or a statement may have been given up without an error of the connection. */
export function abandonUnlessAtRest(client: GuardedClient): void {
  if (!client.isAtRest()) client.abandon(new Error('the connection was released inside a transaction or a statement'))
}
