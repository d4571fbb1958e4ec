import { createBatches } from '../database/batches.ts'
import { BEGINNING, cursorBefore, decodeCursor, type FeedCursor } from '../status/feed-cursors.ts'
import { readChanges, type StatusChanges } from '../status/status-changes.ts'
import type { OidcServices } from './oidc-services.ts'
import { RESET, type RevocationFeedEvents } from './revocation-feed-events.ts'

/** Milliseconds added to two list lifetimes, the history that a client without a cursor gets. */
const MARGIN = 30_000

/** The snapshot alone is no key: secrets retire by the clock, while a quiet database keeps one snapshot for long. */
const keyOf = ({ snapshot, at, timeline }: FeedCursor) => `${at} ${snapshot} ${timeline}`

/** Reads changes once for all clients that connect at the same cursor, as they do after a node stopped. */
function createReader({ database }: OidcServices) {
  return createBatches<FeedCursor, StatusChanges | undefined>({
    maxInFlight: 1,
    maxSize: 1000,
    async run(cursors) {
      const found = new Map<string, StatusChanges | undefined>()
      for (const cursor of cursors) {
        if (!found.has(keyOf(cursor))) found.set(keyOf(cursor), await readChanges(database, cursor))
      }
      return cursors.map((cursor) => found.get(keyOf(cursor)))
    },
  })
}

/** What a stream starts with: the introductory events, and the changes since. */
export interface FeedHistory {
  readonly introduction: string
  readonly changes: StatusChanges
}

/**
 * Reads the history for a stream: since the client's cursor, or of the time in which a cached list may lack a revocation.
 * For a cursor that can no longer be read, the history starts with a `reset` event.
 */
export function createHistoryReader(services: OidcServices, events: RevocationFeedEvents) {
  const { database, encryptionKeys, statusListTtl } = services
  const read = createReader(services)

  async function readDefault(): Promise<FeedHistory> {
    const start = await cursorBefore(database, 2000 * statusListTtl + MARGIN)
    const changes = start && (await read(start))
    if (changes) return { introduction: events.since(start), changes }
    const all = (await read(BEGINNING))!
    return { introduction: events.since(all.cursor), changes: all }
  }

  return async (cursor: string): Promise<FeedHistory> => {
    const since = cursor ? decodeCursor(encryptionKeys, cursor) : undefined
    const changes = since && (await read(since))
    if (changes) return { introduction: events.since(since), changes }
    const { introduction, ...history } = await readDefault()
    return { ...history, introduction: (cursor ? RESET : '') + introduction }
  }
}
