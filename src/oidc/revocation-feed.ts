import type { ServerResponse } from 'node:http'
import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import { createBatches } from '../database/batches.ts'
import type { Database } from '../database/open-database.ts'
import { KeywrightError } from '../shared/errors.ts'
import { BEGINNING, cursorBefore, decodeCursor, type FeedCursor } from '../status/feed-cursors.ts'
import { readChanges, type StatusChanges } from '../status/status-changes.ts'
import { authenticateClient } from './client-credentials.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'
import { createRevocationFeedEvents, RESET, RETRY } from './revocation-feed-events.ts'
import { checkReading } from './status-list-endpoint.ts'

const EVENT_STREAM = 'text/event-stream'

const HEADERS = { 'Content-Type': EVENT_STREAM, 'X-Accel-Buffering': 'no' }

/** Milliseconds between two words that everything was sent. */
const HEARTBEAT = 5000

/** Milliseconds between two looks at whether those who listen still may. */
const CHECK_EVERY = 2000

/** A follower that is further behind than this, in milliseconds, knows nothing of now. */
const BEHIND = 2000

/** Bytes that wait for somebody who does not read. */
const MOST_WAITING = 1024 * 1024

/** How much more than two `ttl` the past is told to those who come without a position, in milliseconds. */
const MARGIN = 30_000

interface Stream {
  readonly res: ServerResponse
  readonly apiId: number
  client: AuthenticatedClient
  /** What is to be told once the past has been; undefined from then on. */
  waiting: string[] | undefined
}

export interface RevocationFeed {
  endpoint(ctx: OidcContext): Promise<void>
  /** Ends all streams: who listens goes on elsewhere, from where they are. */
  close(): void
}

/** Secrets end by the clock: a quiet database has one snapshot for long. */
const keyOf = ({ snapshot, at, timeline }: FeedCursor) => `${at} ${snapshot} ${timeline}`

/** Of many who come at once after a node has gone, those who were equally far are told by one reading. */
function createReplays(db: Database) {
  return createBatches<FeedCursor, StatusChanges | undefined>({
    maxInFlight: 1,
    maxSize: 1000,
    async run(positions) {
      const found = new Map<string, StatusChanges | undefined>()
      for (const since of positions) {
        if (!found.has(keyOf(since))) found.set(keyOf(since), await readChanges(db, since))
      }
      return positions.map((since) => found.get(keyOf(since)))
    },
  })
}

/** Ends a stream; one that does not read would not notice, and one that was told nothing yet would take it for a 404. */
function finish(res: ServerResponse): void {
  if (!res.headersSent || res.writableLength > 0) res.destroy()
  else res.end()
}

/** Only an API's own client listens. @throws OAuthError */
async function authenticateApi(services: OidcServices, ctx: OidcContext): Promise<AuthenticatedClient> {
  const client = await authenticateClient(services, ctx, {})
  // What is remembered of it may be out of date, and a stream lasts.
  const fresh = await client.renew()
  ctx.state.client = fresh
  if (!fresh.registration.resourceServer) {
    throw new OAuthError(403, 'access_denied', 'only the client of an API is told of its tokens')
  }
  return fresh
}

function answerHead(ctx: OidcContext): void {
  ctx.status = 200
  ctx.set(HEADERS)
}

/** What was revoked, as it happens, to resource servers that never call back (docs/adr/0015-status-lists.md). */
export function createRevocationFeed(services: OidcServices): RevocationFeed {
  const { database, statusFollower: follower, statusPublication, statusListTtl, statusFeedMax } = services
  const events = createRevocationFeedEvents(services.issuerUrl(), services.encryptionKeys)
  const replay = createReplays(database)
  const streams = new Set<Stream>()
  let stopListening: (() => void) | undefined
  let timers: NodeJS.Timeout[] = []
  let closed = false

  function send(stream: Stream, text: string): void {
    const { res, waiting } = stream
    if (text === '' || res.destroyed || res.writableEnded) return
    if (waiting) waiting.push(text)
    else if (res.writableLength > MOST_WAITING) res.destroy()
    else res.write(text)
  }

  const listener = {
    onChanges(changes: StatusChanges): void {
      for (const stream of streams) send(stream, events.revoked(changes, stream.apiId))
    },
    /** Whoever listens must begin anew, as if they had just come. */
    onLost(): void {
      for (const { res } of streams) res.destroy()
    },
  }

  async function countLists(apiId: number): Promise<number> {
    return (await statusPublication.lists()).filter((list) => list.apiId === apiId).length
  }

  async function beat(): Promise<void> {
    const cursor = follower.cursor()
    if (!cursor || follower.behind() > BEHIND) return
    const counts = new Map<number, Promise<number>>()
    for (const { apiId } of streams) if (!counts.has(apiId)) counts.set(apiId, countLists(apiId))
    for (const [apiId, counting] of counts) {
      const text = events.current(cursor, await counting)
      for (const stream of streams) if (stream.apiId === apiId && !stream.waiting) send(stream, text)
    }
  }

  async function checkOne(stream: Stream): Promise<void> {
    try {
      stream.client = await stream.client.renew()
    } catch (error) {
      // A database that does not answer has not taken anything from anybody.
      if (error instanceof KeywrightError && error.code === 'invalid_client') finish(stream.res)
    }
  }

  const quietly = (work: () => Promise<unknown>) => () => void work().catch(() => undefined)

  function watch(): void {
    if (stopListening) return
    stopListening = follower.listen(listener)
    timers = [
      setInterval(quietly(beat), HEARTBEAT).unref(),
      setInterval(
        quietly(() => Promise.all([...streams].map(checkOne))),
        CHECK_EVERY,
      ).unref(),
    ]
  }

  function leave(stream: Stream): void {
    streams.delete(stream)
    if (streams.size > 0) return
    for (const timer of timers) clearInterval(timer)
    stopListening?.()
    stopListening = undefined
  }

  function join(ctx: OidcContext, client: AuthenticatedClient): Stream {
    if (closed || streams.size >= statusFeedMax) {
      throw new OAuthError(503, 'temporarily_unavailable', 'too many listen here; try again', { retryAfter: 5 })
    }
    const stream: Stream = { res: ctx.res, apiId: client.registration.resourceServer!.id, client, waiting: [] }
    streams.add(stream)
    ctx.res.once('close', () => leave(stream))
    watch()
    return stream
  }

  /** What happened before: from where they were, or from so long ago that no list in use can lack it. */
  async function readPast(cursor: string): Promise<{ text: string; past: StatusChanges }> {
    const since = cursor ? decodeCursor(services.encryptionKeys, cursor) : undefined
    const past = since && (await replay(since))
    if (past) return { text: events.since(since), past }
    const reset = cursor ? RESET : ''
    const start = await cursorBefore(database, 2000 * statusListTtl + MARGIN)
    const told = start && (await replay(start))
    if (told) return { text: reset + events.since(start), past: told }
    const all = (await replay(BEGINNING))!
    return { text: reset + events.since(all.cursor), past: all }
  }

  async function tell(ctx: OidcContext, stream: Stream): Promise<void> {
    // What is told live begins here: it must not begin after what is read now ends.
    if (!follower.cursor()) await follower.catchUp()
    const { text, past } = await readPast(ctx.get('last-event-id'))
    const lists = await countLists(stream.apiId)
    const { res, apiId } = stream
    ctx.respond = false
    ctx.set(HEADERS)
    if (res.destroyed) return
    res.writeHead(200)
    const meanwhile = stream.waiting!.join('')
    stream.waiting = undefined
    const told = text + events.revoked(past, apiId) + meanwhile
    res.write(`${RETRY}${told}${events.current(past.cursor, lists)}`)
  }

  return {
    async endpoint(ctx) {
      checkReading(ctx, EVENT_STREAM)
      const client = await authenticateApi(services, ctx)
      if (ctx.method === 'HEAD') return answerHead(ctx)
      // Nobody would say any more that they have gone.
      if (ctx.req.socket.destroyed) return
      const stream = join(ctx, client)
      try {
        await tell(ctx, stream)
      } catch (error) {
        leave(stream)
        throw error
      }
    },
    close() {
      closed = true
      for (const { res } of streams) finish(res)
    },
  }
}
