import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { StatusChanges } from '../status/status-changes.ts'
import { OAuthError } from './engine-errors.ts'
import { FeedStream } from './feed-stream.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'
import { keysEvent, type RevocationFeedEvents } from './revocation-feed-events.ts'

/** Milliseconds between two `current` events. */
const HEARTBEAT = 5000

/** Milliseconds between two checks of whether the clients still authenticate. */
const CLIENT_CHECK = 2000

/** Milliseconds. A follower that is further behind the database sends no `current` event. */
const MAX_BEHIND = 2000

const ignoreErrors = (work: () => Promise<unknown>) => () => void work().catch(() => undefined)

/** The open streams of this process. They share one subscription to revocations, and two timers. */
export class FeedStreams {
  readonly #services: OidcServices
  readonly #events: RevocationFeedEvents
  readonly #streams = new Set<FeedStream>()
  #unsubscribe: (() => void) | undefined
  #timers: NodeJS.Timeout[] = []
  #isClosed = false
  /** The last `keys` event. */
  #keys: string

  constructor(services: OidcServices, events: RevocationFeedEvents) {
    this.#services = services
    this.#events = events
    this.#keys = keysEvent(services.keyRings.ring)
    services.keyRings.onChange((ring) => this.#sendKeys(keysEvent(ring)))
  }

  /** The `keys` event of the present key set. */
  get keys(): string {
    return this.#keys
  }

  /** @throws OAuthError 503 while the process is stopping or has as many streams as it may */
  open(ctx: OidcContext, client: AuthenticatedClient): FeedStream {
    if (this.#isClosed || this.#streams.size >= this.#services.statusFeedMax) {
      throw new OAuthError(503, 'temporarily_unavailable', 'too many streams are open; try again', { retryAfter: 5 })
    }
    const stream = new FeedStream(ctx.res, client, ctx.ip)
    this.#streams.add(stream)
    this.#note(stream)
    ctx.res.once('close', () => this.remove(stream))
    if (!this.#unsubscribe) this.#subscribe()
    return stream
  }

  remove(stream: FeedStream): void {
    this.#streams.delete(stream)
    if (this.#streams.size > 0) return
    for (const timer of this.#timers) clearInterval(timer)
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
  }

  /** Closes every stream: clients continue on another node, from their cursor. */
  close(): void {
    this.#isClosed = true
    for (const stream of this.#streams) stream.close()
  }

  async countLists(apiId: number): Promise<number> {
    return (await this.#services.statusPublication.lists()).filter((list) => list.apiId === apiId).length
  }

  #subscribe(): void {
    this.#unsubscribe = this.#services.statusFollower.listen({
      onChanges: (changes) => this.#sendRevoked(changes),
      // Continuity is lost: clients connect again and read the history.
      onLost: () => {
        for (const stream of this.#streams) stream.destroy()
      },
    })
    this.#timers = [
      setInterval(
        ignoreErrors(() => this.#sendCurrent()),
        HEARTBEAT,
      ).unref(),
      setInterval(
        ignoreErrors(() => this.#checkClients()),
        CLIENT_CHECK,
      ).unref(),
    ]
  }

  #note({ apiId, ip }: FeedStream): void {
    this.#services.revocationFollowers.noteApi('feed', apiId, ip)
  }

  /** The key ring also changes when a published key starts to sign, which is not news to resource servers. */
  #sendKeys(event: string): void {
    if (event === this.#keys) return
    this.#keys = event
    for (const stream of this.#streams) stream.send(event)
  }

  #sendRevoked(changes: StatusChanges): void {
    for (const stream of this.#streams) stream.send(this.#events.revoked(changes, stream.apiId))
  }

  async #sendCurrent(): Promise<void> {
    for (const stream of this.#streams) this.#note(stream)
    const { statusFollower } = this.#services
    const cursor = statusFollower.cursor()
    if (!cursor || statusFollower.behind() > MAX_BEHIND) return
    const apiIds = new Set([...this.#streams].map(({ apiId }) => apiId))
    const counts = [...apiIds].map((apiId) => [apiId, this.countLists(apiId)] as const)
    for (const [apiId, count] of counts) {
      const event = this.#events.current(cursor, await count)
      for (const stream of this.#streams) if (stream.apiId === apiId && stream.isStarted) stream.send(event)
    }
  }

  #checkClients(): Promise<unknown> {
    return Promise.all([...this.#streams].map((stream) => stream.checkClient()))
  }
}
