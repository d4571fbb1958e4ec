import { backoff } from './backoff.ts'
import { InvalidResponseError, messageOf, type Problem, type Report } from './errors.ts'
import type { StreamEvent } from './event-stream.ts'
import { FeedConnection, type FeedConnectionOptions, FeedResponseError } from './feed-connection.ts'
import { parseKeys, parseRevoked, parseTime } from './feed-events.ts'
import type { KeySet } from './key-set.ts'
import type { StatusLists } from './status-lists.ts'
import { sleep } from './timers.ts'

export interface StatusFeedOptions extends FeedConnectionOptions {
  readonly lists: StatusLists
  readonly keys: Pick<KeySet, 'announce' | 'forgetRevoked'>
  readonly maxListBytes: number
  readonly report: Report
}

/** Milliseconds between two connections. */
const FIRST_PAUSE = 1000
const LONGEST_PAUSE = 30_000

/** A cursor is sent back in a header; Node accepts 16 kB of headers in total. */
const CURSOR = /^[\x21-\x7e]{1,8192}$/

function problemOf(error: unknown): Problem['code'] {
  if (error instanceof InvalidResponseError) return 'feed_invalid'
  return error instanceof FeedResponseError && error.isUnauthorized ? 'feed_refused' : 'feed_lost'
}

/** Follows the revocation feed, and connects again whenever a connection ends. */
export class StatusFeed {
  private readonly options: StatusFeedOptions
  /** The id of the last event that was processed completely. */
  private cursor: string | undefined
  /** Every revocation before was reported up to the cursor. Milliseconds since 1970, issuer's clock. */
  private reportedUntil = 0
  private failures = 0
  private running: Promise<void> | undefined
  private readonly stopping = new AbortController()

  constructor(options: StatusFeedOptions) {
    this.options = options
  }

  start(): void {
    if (!this.stopping.signal.aborted) this.running ??= this.run()
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await this.running
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping
    while (!signal.aborted) {
      // Without a cursor the server chooses where the feed starts, so events may be missing.
      if (this.cursor === undefined) this.options.lists.endContinuity()
      const pause = await this.connect()
      this.options.lists.disconnect()
      await sleep(pause, signal)
    }
  }

  /** Follows one connection to its end. Returns the milliseconds to wait before the next one. */
  private async connect(): Promise<number> {
    const connection = new FeedConnection(this.options, this.cursor)
    try {
      for await (const event of connection.events(this.stopping.signal)) await this.process(event)
      return this.pauseAfter(new Error('the feed ended'), connection.retry)
    } catch (error) {
      return this.pauseAfter(error, connection.retry)
    }
  }

  private pauseAfter(error: unknown, retry = FIRST_PAUSE): number {
    if (this.stopping.signal.aborted) return 0
    // The same event or request would fail again, so start without a cursor.
    if (error instanceof InvalidResponseError || (error instanceof FeedResponseError && error.isBadRequest)) {
      this.cursor = undefined
    }
    this.failures++
    this.options.report({ code: problemOf(error), message: messageOf(error), cause: error })
    const retryAfter = error instanceof FeedResponseError ? error.retryAfter : 0
    return retryAfter + backoff(this.failures, Math.min(retry, LONGEST_PAUSE), LONGEST_PAUSE)
  }

  private async process(event: StreamEvent): Promise<void> {
    if (event.name === 'reset') return this.reset()
    const until = await this.apply(event)
    if (event.id === undefined) return
    // After the event was applied: until then the server must send it again.
    this.cursor = CURSOR.test(event.id) ? event.id : undefined
    this.reportedUntil = until ?? this.reportedUntil
  }

  /** Returns the time up to which every revocation has been reported, if the event says so. */
  private async apply({ name, data }: StreamEvent): Promise<number | undefined> {
    const { lists, keys, maxListBytes } = this.options
    if (name === 'since') return this.startAt(parseTime(data))
    if (name === 'keys') keys.announce(parseKeys(data))
    if (name === 'revoked') {
      const { at, changes } = await parseRevoked(data, maxListBytes)
      lists.applyChanges(changes, at)
      return at
    }
    if (name !== 'current') return undefined
    const at = parseTime(data)
    lists.extendContinuity(at)
    this.failures = 0
    return at
  }

  /**
   * The server cannot continue from the cursor: it is too old, or the database was restored or lost commits. The connection
   * stays open and goes on with `since` and the revocations after it, so this is not a failure.
   */
  private reset(): void {
    this.cursor = undefined
    this.reportedUntil = 0
    this.options.lists.endContinuity()
    this.options.keys.forgetRevoked()
    this.options.report({
      code: 'feed_reset',
      message: 'the feed cannot continue from the last event and starts again',
    })
  }

  /** A proxy may have removed the cursor from the request. Then the feed starts later than the last event. */
  private startAt(since: number): undefined {
    if (this.cursor === undefined || since > this.reportedUntil) this.options.lists.startContinuity(since)
  }
}
