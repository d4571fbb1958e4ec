import { backoff } from './backoff.ts'
import type { Fetch } from './bounded-fetch.ts'
import { FEED_SILENCE } from './coverage.ts'
import { InvalidAnswerError, messageOf, type Problem, type Report } from './errors.ts'
import { EventStreamParser, type StreamEvent } from './event-stream.ts'
import { parseRevoked, parseTime } from './feed-events.ts'
import type { StatusLists } from './status-lists.ts'

export interface FeedCredentials {
  /** The API's own client. */
  readonly clientId: string
  /** A function is asked at each connection, so that a rotated secret is picked up. */
  readonly clientSecret: string | (() => string | Promise<string>)
}

export interface StatusFeedOptions {
  readonly url: string
  readonly credentials: FeedCredentials
  readonly fetch: Fetch
  readonly lists: StatusLists
  readonly maxListBytes: number
  /** Milliseconds for which the feed may say nothing. */
  readonly silence?: number
  readonly report: Report
}

/** Milliseconds. */
const FIRST_PAUSE = 1000
const LONGEST_PAUSE = 30_000
const LONGEST_RETRY_AFTER = 60_000

/** Characters; the bitmaps of a hundred full lists. */
const MAX_EVENT = 4 * 1024 * 1024

class FeedRefusedError extends Error {
  override readonly name = 'FeedRefusedError'
  readonly refused: boolean
  /** 400 Bad Request, 431 Request Header Fields Too Large: the cursor is all that differs from one time to the next. */
  readonly isAboutRequest: boolean
  /** Milliseconds. */
  readonly retryAfter: number

  constructor(status: number, retryAfter: string | null) {
    super(`the feed answered ${status}`)
    this.refused = status === 401 || status === 403
    this.isAboutRequest = status === 400 || status === 431
    this.retryAfter = Math.min(LONGEST_RETRY_AFTER, (Number(retryAfter) || 0) * 1000)
  }
}

function problemOf(error: unknown): Problem['code'] {
  if (error instanceof InvalidAnswerError) return 'feed_invalid'
  return error instanceof FeedRefusedError && error.refused ? 'feed_refused' : 'feed_lost'
}

/** It goes back as a header, beside others, and Node takes 16 kB of those. */
const CURSOR = /^[\x21-\x7e]{1,8192}$/

/** RFC 6749, section 2.3.1: both are form-encoded before they are joined. */
function basic(id: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  return `Basic ${btoa(`${encode(id)}:${encode(secret)}`)}`
}

/** A timer that does not keep the process alive. */
function after(milliseconds: number, work: () => void): { stop(): void } {
  const timer = setTimeout(work, milliseconds)
  ;(timer as { unref?(): void }).unref?.()
  return { stop: () => clearTimeout(timer) }
}

/** Follows the feed of revocations for as long as it runs, over as many connections as that takes. */
export class StatusFeed {
  private readonly options: StatusFeedOptions
  /** The last event that was wholly taken in. */
  private cursor: string | undefined
  /** Everything until then was told with it; milliseconds since 1970, the issuer's clock. */
  private reached = 0
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
    while (!this.stopping.signal.aborted) {
      // Without one, the feed begins where it likes: nothing says that it goes on from what was told before.
      if (this.cursor === undefined) this.options.lists.reset()
      const pause = await this.connect()
      this.options.lists.disconnected()
      await this.wait(pause)
    }
  }

  /** Follows one connection to its end; answers how many milliseconds to wait before the next. */
  private async connect(): Promise<number> {
    const parser = new EventStreamParser(MAX_EVENT)
    try {
      await this.follow(parser)
      return this.pauseAfter(new Error('the feed ended'), parser.retry)
    } catch (error) {
      return this.pauseAfter(error, parser.retry)
    }
  }

  private pauseAfter(error: unknown, retry = FIRST_PAUSE): number {
    if (this.stopping.signal.aborted) return 0
    // What was not understood would not be understood the second time: begin anew.
    if (error instanceof InvalidAnswerError || (error instanceof FeedRefusedError && error.isAboutRequest)) {
      this.cursor = undefined
    }
    this.failures++
    this.options.report({ code: problemOf(error), message: messageOf(error), cause: error })
    const atLeast = error instanceof FeedRefusedError ? error.retryAfter : 0
    return atLeast + backoff(this.failures, Math.min(retry, LONGEST_PAUSE), LONGEST_PAUSE)
  }

  private async follow(parser: EventStreamParser): Promise<void> {
    const abort = new AbortController()
    const silence = () => abort.abort(new Error('the feed fell silent'))
    const patience = this.options.silence ?? FEED_SILENCE
    let watch = after(patience, silence)
    const stop = () => abort.abort()
    this.stopping.signal.addEventListener('abort', stop)
    try {
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
      for await (const chunk of await this.open(abort.signal)) {
        for (const event of parser.push(decoder.decode(chunk, { stream: true }))) {
          await this.take(event)
          if (event.name !== 'current') continue
          watch.stop()
          watch = after(patience, silence)
        }
      }
    } finally {
      watch.stop()
      this.stopping.signal.removeEventListener('abort', stop)
      // Whatever ended this, the connection must not linger.
      abort.abort()
    }
  }

  private async open(signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const { url, credentials, fetch } = this.options
    const { clientId, clientSecret } = credentials
    const secret = typeof clientSecret === 'string' ? clientSecret : await clientSecret()
    const headers = {
      accept: 'text/event-stream',
      authorization: basic(clientId, secret),
      ...(this.cursor !== undefined && { 'last-event-id': this.cursor }),
    }
    const response = await fetch(url, { headers, redirect: 'manual', cache: 'no-store', signal })
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
    if (response.status === 200 && isStream && response.body) return response.body
    await response.body?.cancel()
    throw new FeedRefusedError(response.status, response.headers.get('retry-after'))
  }

  private async take(event: StreamEvent): Promise<void> {
    if (event.name === 'reset') return this.beginAgain()
    const at = await this.takeIn(event)
    if (event.id === undefined) return
    // Only now: what is not taken in yet must be sent again.
    this.cursor = CURSOR.test(event.id) ? event.id : undefined
    this.reached = at ?? this.reached
  }

  /** Answers until when everything was told with it. */
  private async takeIn({ name, data }: StreamEvent): Promise<number | undefined> {
    const { lists, maxListBytes } = this.options
    if (name === 'since') return this.beginAt(parseTime(data))
    if (name === 'revoked') {
      const { at, changes } = await parseRevoked(data, maxListBytes)
      lists.apply(changes, at)
      return at
    }
    if (name !== 'current') return undefined
    const at = parseTime(data)
    lists.heard(at)
    this.failures = 0
    return at
  }

  /**
   * The server cannot continue from the cursor: it is too old, or the database was restored or lost commits. The same
   * connection goes on with `since` and what was revoked from there, so this is no failure.
   */
  private beginAgain(): void {
    this.cursor = undefined
    this.reached = 0
    this.options.lists.reset()
    this.options.report({
      code: 'feed_reset',
      message: 'the feed cannot continue from the last event, and begins again',
    })
  }

  /** What stands between may have lost the cursor, and then the feed does not go on from there. */
  private beginAt(since: number): undefined {
    if (this.cursor === undefined || since > this.reached) this.options.lists.begin(since)
  }

  private async wait(milliseconds: number): Promise<void> {
    if (milliseconds === 0 || this.stopping.signal.aborted) return
    await new Promise<void>((resolve) => {
      const done = () => {
        timer.stop()
        this.stopping.signal.removeEventListener('abort', done)
        resolve()
      }
      const timer = after(milliseconds, done)
      this.stopping.signal.addEventListener('abort', done)
    })
  }
}
