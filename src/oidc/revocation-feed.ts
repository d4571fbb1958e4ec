import { clientEndpoint, type Step } from './client-endpoint.ts'
import { authenticateClient, renewClient } from './endpoint-authentication.ts'
import { OAuthError } from './engine-errors.ts'
import { createHistoryReader } from './feed-history.ts'
import type { FeedStream } from './feed-stream.ts'
import { FeedStreams } from './feed-streams.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'
import { createRevocationFeedEvents, RETRY, type RevocationFeedEvents } from './revocation-feed-events.ts'
import { checkReading } from './status-list-endpoint.ts'

const EVENT_STREAM = 'text/event-stream'

const HEADERS = { 'Content-Type': EVENT_STREAM, 'X-Accel-Buffering': 'no' }

function setHead(ctx: OidcContext): void {
  ctx.status = 200
  ctx.set(HEADERS)
}

export interface RevocationFeed {
  endpoint(ctx: OidcContext): Promise<void>
  /** Closes every stream: clients continue on another node, from their cursor. */
  close(): void
}

/** Only the client of an API may read the feed. @throws OAuthError 403 */
async function authorizeApi(ctx: OidcContext): Promise<void> {
  // A stream is long, so a cached registration does not suffice.
  await renewClient(ctx)
  if (!ctx.state.client!.registration.resourceServer) {
    throw new OAuthError(403, 'access_denied', 'only the client of an API can read its revocation feed')
  }
}

/** Opens a stream: first the history, then revocations as they are committed. */
function openStream(services: OidcServices, events: RevocationFeedEvents, streams: FeedStreams): Step {
  const { statusFollower: follower } = services
  const readHistory = createHistoryReader(services, events)

  async function start(ctx: OidcContext, stream: FeedStream): Promise<void> {
    // The live events must begin before the history ends.
    if (!follower.cursor()) await follower.catchUp()
    const { introduction, changes } = await readHistory(ctx.get('last-event-id'))
    const lists = await streams.countLists(stream.apiId)
    ctx.respond = false
    ctx.set(HEADERS)
    const history = RETRY + introduction + streams.keys + events.revoked(changes, stream.apiId)
    stream.start(history, events.current(changes.cursor, lists))
  }

  return async (ctx) => {
    if (ctx.method === 'HEAD') return setHead(ctx)
    // A socket that is closed already emits no `close` event, which would remove the stream.
    if (ctx.req.socket.destroyed) return
    const stream = streams.open(ctx, ctx.state.client!)
    try {
      await start(ctx, stream)
    } catch (error) {
      streams.remove(stream)
      throw error
    }
  }
}

/** The revocation feed: server-sent events for resource servers that never call back (docs/adr/0015-status-lists.md). */
export function createRevocationFeed(services: OidcServices): RevocationFeed {
  const events = createRevocationFeedEvents(services.issuerUrl(), services.encryptionKeys)
  const streams = new FeedStreams(services, events)
  const endpoint = clientEndpoint(services, [
    (ctx) => checkReading(ctx, EVENT_STREAM),
    authenticateClient(services, { mayUseCache: () => true }),
    authorizeApi,
    openStream(services, events, streams),
  ])
  return { endpoint, close: () => streams.close() }
}
