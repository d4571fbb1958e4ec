import type { Knex } from 'knex'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { tracing } from '../shared/tracing.ts'
import { type AttemptResult, finishAttempt, finishWithoutEvent } from './attempt-results.ts'
import { createDeliveries } from './delivery-creation.ts'
import { type LeasedDelivery, leaseDue, releaseQueue } from './delivery-queues.ts'
import { secondsIn } from './retry-delays.ts'
import { signatureHeaders, unsealWebhookSecret, type WebhookMessage } from './webhook-secrets.ts'

/** Requests under way at once, on each node. */
const MAX_AT_ONCE = 32

/** Events in a transaction. */
const BATCH = 500

/** Characters of a response that are kept. */
const LONGEST_RESPONSE = 2000

/** A receiver has 15 s; of a longer response the beginning is kept, and the rest is not read. */
export const WEBHOOK_LIMITS = { time: 15_000, body: 8 * 1024, cutsBody: true }

/** Sends a request, and returns the beginning of the response. */
export type WebhookFetch = (url: string, init: RequestInit) => Promise<Response>

/** Returns the message of a delivery; undefined: its event was deleted by age. */
export type ReadMessage = (knex: Knex, delivery: LeasedDelivery) => Promise<WebhookMessage | undefined>

export interface WebhookSenderServices {
  readonly knex: Knex
  readonly encryptionKeys: EncryptionKeys
  readonly fetch: WebhookFetch
  /** Loaded at the first delivery: most instances have no webhooks. */
  readonly loadReadMessage: () => Promise<ReadMessage>
  /** Whether responses to webhooks of accounts are not kept: they may come from inside the operator's network. */
  readonly hidesResponses: boolean
  readonly log: Log
  /** Milliseconds, by the clock of the database. */
  readonly now: () => number
}

/** The text as PostgreSQL can store it. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed().slice(0, LONGEST_RESPONSE)

function failureOf(error: unknown): string {
  if (error instanceof KeywrightError) return error.message
  return 'the request could not be sent'
}

/**
 * Sends deliveries. Each node runs one. No transaction is open while a receiver is called: a node takes a queue for a minute,
 * and writes the result in a transaction of its own.
 */
export class WebhookSender {
  readonly #services: WebhookSenderServices
  readonly #underWay = new Map<Promise<void>, LeasedDelivery>()
  readonly #stop = new AbortController()
  #readMessage: Promise<ReadMessage> | undefined
  #filling: Promise<void> | undefined

  constructor(services: WebhookSenderServices) {
    this.#services = services
  }

  /** Creates the deliveries of new events, and begins to send those that are due. @param isLast ends the attempts under way */
  async run(isLast: boolean): Promise<void> {
    if (isLast) return await this.#end()
    await createDeliveries(this.#services.knex, BATCH)
    await this.#fill()
  }

  /** Waits for the queues that are being taken and the attempts under way; those that are interrupted are due again at once. */
  async #end(): Promise<void> {
    this.#stop.abort()
    await this.#filling?.catch(() => undefined)
    await Promise.all(this.#underWay.keys())
  }

  /** Begins as many attempts as there is room for. */
  async #fill(): Promise<void> {
    const room = MAX_AT_ONCE - this.#underWay.size
    if (this.#filling || room <= 0 || this.#stop.signal.aborted) return
    this.#filling = this.#take(room).finally(() => {
      this.#filling = undefined
    })
    await this.#filling
  }

  async #take(room: number): Promise<void> {
    const { knex } = this.#services
    const taken = await leaseDue(knex, room, [...this.#underWay.values()])
    if (this.#stop.signal.aborted) await Promise.all(taken.map((leased) => releaseQueue(knex, leased)))
    else for (const leased of taken) this.#begin(leased)
  }

  #begin(leased: LeasedDelivery): void {
    const attempt = this.#attempt(leased).catch((error: Error) => {
      // The queue is free again when its lease ends.
      this.#services.log.warn({ webhook_id: leased.webhookId, detail: error.message }, 'webhook delivery failed')
    })
    const ended = attempt.then(() => {
      this.#underWay.delete(ended)
      // The next run reports what fails here.
      return this.#fill().catch(() => undefined)
    })
    this.#underWay.set(ended, leased)
  }

  async #attempt(leased: LeasedDelivery): Promise<void> {
    const { knex, loadReadMessage } = this.#services
    this.#readMessage ??= loadReadMessage()
    const message = await (await this.#readMessage)(knex, leased)
    if (!message) return await finishWithoutEvent(knex, leased)
    const result = await this.#send(leased, message)
    if (this.#stop.signal.aborted && result.status === null) return await releaseQueue(knex, leased)
    await finishAttempt(knex, leased, result)
  }

  #secretsOf({ webhookId, sealedSecret, sealedPreviousSecret }: LeasedDelivery): string[] {
    const sealed = [sealedSecret, ...(sealedPreviousSecret ? [sealedPreviousSecret] : [])]
    return sealed.map((one) => unsealWebhookSecret(this.#services.encryptionKeys, webhookId, one))
  }

  async #send(leased: LeasedDelivery, message: WebhookMessage): Promise<AttemptResult> {
    const { fetch, now, hidesResponses } = this.#services
    const isHidden = hidesResponses && leased.accountId !== null
    const [at, startedAt] = [new Date(now()), performance.now()]
    const signed = signatureHeaders(message, this.#secretsOf(leased), at.getTime())
    const call = (more: Record<string, string> = {}) => {
      const headers = { 'content-type': 'application/json', ...signed, ...more }
      const init = { method: 'POST', headers, body: message.body, signal: this.#stop.signal }
      return fetch(leased.url, init).then(
        async (response) => ({
          status: response.status,
          error: null,
          response: isHidden ? null : storable(await response.text()),
          retryAfter: secondsIn(response.headers.get('retry-after')),
        }),
        (error) => ({ status: null, error: storable(failureOf(error)), response: null, retryAfter: 0 }),
      )
    }
    const { webhookId, traceparent } = leased
    const traced = tracing()
    const host = new URL(leased.url).hostname
    const outcome = await (traced ? traced.delivery({ webhookId, host, traceparent }, call) : call())
    return { at, duration: Math.round(performance.now() - startedAt), ...outcome }
  }
}
