import type { Knex } from 'knex'
import type { MailConfig } from '../config/mail-config.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import type { Log } from '../shared/log.ts'
import { createConsoleTransport } from './console-transport.ts'
import { createLinkTokens } from './link-tokens.ts'
import { DeliveryError, type MailTransport } from './mail-transport.ts'
import { createComposer, readMailBrand } from './message-composition.ts'
import type { MailBrand } from './message-rendering.ts'
import { type ClaimedMessage, claimMessages, releaseMessage, saveFailed, saveRetry, saveSent } from './outbox.ts'
import { createSmtpTransport, MAX_CONNECTIONS } from './smtp-transport.ts'

/** Milliseconds that one message may take, with the connection: less than a claim lasts. */
const TIME_LIMIT = 60_000

export type MailOutcome = 'sent' | 'retried' | 'failed'

export interface MailDeliveryOptions {
  readonly knex: Knex
  readonly config: MailConfig
  readonly encryptionKeys: EncryptionKeys
  readonly log: Log
  /** Receives the outcome of each attempt. */
  count(outcome: MailOutcome): void
  /** Milliseconds; absent: a minute. */
  readonly timeLimit?: number
}

/** Sends the messages of the outbox. Any number of nodes does. */
export interface MailDelivery {
  /** Must be called before the first run. @param issuerUrl the origin of the links in messages */
  setIssuer(issuerUrl: string): void
  /** Sends the messages that are due. */
  run(): Promise<void>
  /** Stops the attempts in progress; their messages are due again at once. */
  close(): void
}

/** The connection is opened with the first message. */
function lazyTransport({ smtp }: MailConfig): { get(): Promise<MailTransport>; close(): void } {
  let opened: Promise<MailTransport> | undefined
  const open = async () =>
    smtp ? await createSmtpTransport(smtp) : createConsoleTransport((text) => process.stdout.write(text))
  return {
    async get() {
      opened ??= open()
      return await opened
    },
    close() {
      void opened?.then((transport) => transport.close())
    },
  }
}

export function createMailDelivery(options: MailDeliveryOptions): MailDelivery {
  const { knex, config, log, count } = options
  const transport = lazyTransport(config)
  const stopping = new AbortController()
  let issuerUrl = ''
  const compose = createComposer({
    sender: config.from,
    tokens: createLinkTokens(options.encryptionKeys),
    issuerUrl: () => issuerUrl,
  })

  async function send(message: ClaimedMessage, brand: MailBrand): Promise<void> {
    const timeLimit = AbortSignal.timeout(options.timeLimit ?? TIME_LIMIT)
    const outgoing = compose(message, brand)
    await (await transport.get()).send(outgoing, AbortSignal.any([timeLimit, stopping.signal]))
  }

  function report(message: ClaimedMessage, outcome: MailOutcome, detail?: string): void {
    const { id, kind, attempt } = message
    count(outcome)
    if (outcome !== 'sent') log.warn({ mail: id, kind, attempt, detail }, `an e-mail was not sent: ${outcome}`)
  }

  async function fail(message: ClaimedMessage, error: unknown): Promise<void> {
    const detail = (error as Error).message
    if (stopping.signal.aborted) return await releaseMessage(knex, message)
    if (error instanceof DeliveryError && error.isFinal) {
      await saveFailed(knex, message, detail)
      return report(message, 'failed', detail)
    }
    const status = await saveRetry(knex, message, detail)
    report(message, status === 'failed' ? 'failed' : 'retried', detail)
  }

  async function deliver(message: ClaimedMessage, brand: MailBrand): Promise<void> {
    if (message.isLate) {
      // The error of the last attempt stays.
      await saveFailed(knex, message, null)
      return report(message, 'failed', 'it was not sent in time')
    }
    const error = await send(message, brand).then(
      () => undefined,
      (reason: unknown) => reason ?? new Error('unknown'),
    )
    if (error) return await fail(message, error)
    await saveSent(knex, message)
    report(message, 'sent')
  }

  return {
    setIssuer(url) {
      issuerUrl = url
    },
    async run() {
      while (!stopping.signal.aborted) {
        const messages = await claimMessages(knex, MAX_CONNECTIONS)
        if (messages.length === 0) return
        const brand = await readMailBrand(knex)
        await Promise.all(messages.map((message) => deliver(message, brand)))
      }
    },
    close() {
      stopping.abort()
      transport.close()
    },
  }
}
