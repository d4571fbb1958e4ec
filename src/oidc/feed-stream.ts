import type { ServerResponse } from 'node:http'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { KeywrightError } from '../shared/errors.ts'

/** Bytes that may wait for a client that does not read. */
const MAX_BUFFERED = 1024 * 1024

/** One open response of the revocation feed. */
export class FeedStream {
  readonly apiId: number
  readonly ip: string
  readonly #res: ServerResponse
  #client: AuthenticatedClient
  /** Events that arrive before the history was written; undefined from then on. */
  #pending: string[] | undefined = []

  constructor(res: ServerResponse, client: AuthenticatedClient, ip: string) {
    this.#res = res
    this.#client = client
    this.ip = ip
    this.apiId = client.registration.resourceServer!.id
  }

  /** Whether the history was written. */
  get isStarted(): boolean {
    return this.#pending === undefined
  }

  /** Writes the head, the history and the events that arrived meanwhile, then `end`. */
  start(history: string, end: string): void {
    if (this.#res.destroyed) return
    this.#res.writeHead(200)
    const pending = this.#pending?.join('') ?? ''
    this.#pending = undefined
    this.#res.write(history + pending + end)
  }

  /** Writes an event, or destroys the response where the client does not read. */
  send(event: string): void {
    if (event === '' || this.#res.destroyed || this.#res.writableEnded) return
    if (this.#pending) this.#pending.push(event)
    else if (this.#res.writableLength > MAX_BUFFERED) this.#res.destroy()
    else this.#res.write(event)
  }

  /** Closes the stream if its client no longer authenticates. */
  async checkClient(): Promise<void> {
    try {
      this.#client = await this.#client.renew()
    } catch (error) {
      // An unavailable database says nothing about the client.
      if (error instanceof KeywrightError && error.code === 'invalid_client') this.close()
    }
  }

  /**
   * Ends the response. Without a head an ended response reads as 404, and a client that does not read does not notice the
   * end: those are destroyed.
   */
  close(): void {
    if (!this.#res.headersSent || this.#res.writableLength > 0) this.#res.destroy()
    else this.#res.end()
  }

  destroy(): void {
    this.#res.destroy()
  }
}
