import type { Fetch } from './bounded-fetch.ts'
import { EventStreamParser, type StreamEvent } from './event-stream.ts'
import { FEED_SILENCE } from './feed-continuity.ts'
import { startTimer } from './timers.ts'

export interface FeedCredentials {
  /** The client ID of the API. */
  readonly clientId: string
  /** A function is called for each connection, so that it can return a rotated secret. */
  readonly clientSecret: string | (() => string | Promise<string>)
}

export interface FeedConnectionOptions {
  readonly url: string
  readonly credentials: FeedCredentials
  readonly fetch: Fetch
  /** Milliseconds without a heartbeat after which the connection is closed. */
  readonly silence?: number
}

/** Milliseconds. */
const LONGEST_RETRY_AFTER = 60_000

/** Characters; enough for the bitmaps of a hundred full lists. */
const MAX_EVENT = 4 * 1024 * 1024

/** The response is not an event stream. */
export class FeedResponseError extends Error {
  override readonly name = 'FeedResponseError'
  readonly isUnauthorized: boolean
  /** The server rejects the request itself (400, 431). Only the cursor differs between requests. */
  readonly isBadRequest: boolean
  /** Milliseconds. */
  readonly retryAfter: number

  constructor(status: number, retryAfter: string | null) {
    super(`the feed returned HTTP status ${status}`)
    this.isUnauthorized = status === 401 || status === 403
    this.isBadRequest = status === 400 || status === 431
    this.retryAfter = Math.min(LONGEST_RETRY_AFTER, (Number(retryAfter) || 0) * 1000)
  }
}

/** HTTP Basic; both parts are form-encoded first (RFC 6749, section 2.3.1). */
function basic(id: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  return `Basic ${btoa(`${encode(id)}:${encode(secret)}`)}`
}

/** One connection to the feed. */
export class FeedConnection {
  private readonly options: FeedConnectionOptions
  private readonly cursor: string | undefined
  private readonly parser = new EventStreamParser(MAX_EVENT)
  private readonly abort = new AbortController()
  private cancelWatchdog: () => void = () => {}

  /** @param cursor the id of the last event that was processed */
  constructor(options: FeedConnectionOptions, cursor: string | undefined) {
    this.options = options
    this.cursor = cursor
  }

  /** Milliseconds to wait before the next connection, if the server said so. */
  get retry(): number | undefined {
    return this.parser.retry
  }

  /**
   * Yields the events until the server ends the connection or `stopping` aborts.
   * @throws FeedResponseError, InvalidResponseError, and what `fetch` and the secret's function throw
   */
  async *events(stopping: AbortSignal): AsyncGenerator<StreamEvent, void, undefined> {
    const stop = () => this.abort.abort()
    stopping.addEventListener('abort', stop)
    this.startWatchdog()
    try {
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
      for await (const chunk of await this.open()) {
        for (const event of this.parser.push(decoder.decode(chunk, { stream: true }))) {
          yield event
          if (event.name === 'current') this.startWatchdog()
        }
      }
    } finally {
      this.cancelWatchdog()
      stopping.removeEventListener('abort', stop)
      // Closes the connection also after an error in an event.
      this.abort.abort()
    }
  }

  /** Closes the connection when no heartbeat arrives. Other events do not count: they can arrive while the feed is late. */
  private startWatchdog(): void {
    this.cancelWatchdog()
    const silent = () => this.abort.abort(new Error('no heartbeat from the feed'))
    this.cancelWatchdog = startTimer(this.options.silence ?? FEED_SILENCE, silent)
  }

  private async open(): Promise<ReadableStream<Uint8Array>> {
    const { url, credentials, fetch } = this.options
    const { clientId, clientSecret } = credentials
    const secret = typeof clientSecret === 'string' ? clientSecret : await clientSecret()
    const headers = {
      accept: 'text/event-stream',
      authorization: basic(clientId, secret),
      ...(this.cursor !== undefined && { 'last-event-id': this.cursor }),
    }
    const { signal } = this.abort
    const response = await fetch(url, { headers, redirect: 'manual', cache: 'no-store', signal })
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
    if (response.status === 200 && isStream && response.body) return response.body
    await response.body?.cancel()
    throw new FeedResponseError(response.status, response.headers.get('retry-after'))
  }
}
