import type { KeyRing } from '../keys/key-ring.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { encodeCursor, type FeedCursor } from '../status/feed-cursors.ts'
import { encodeSync, setIndexesOf } from '../status/status-bitmap.ts'
import type { ListChange, StatusChanges } from '../status/status-changes.ts'
import { statusUri } from '../status/status-lists.ts'

/** A list with more revoked indexes than this is sent as a bitmap. */
const MAX_LISTED_INDEXES = 500

/** Characters after which an event takes no further list. A list of a million indexes has up to 175,000. */
const EVENT_LENGTH = 350_000

/** Milliseconds after which a disconnected client connects again. */
export const RETRY = 'retry: 1000\n\n'

/** Continuity is lost: the client must fetch every list again. */
export const RESET = 'event: reset\ndata: {}\n\n'

export interface RevocationFeedEvents {
  /** When the following history begins. Where the cursor was lost, this is not where the client stopped. */
  since(cursor: FeedCursor): string
  /** The revoked tokens of one API; an empty text when there are none. */
  revoked(changes: StatusChanges, apiId: number): string
  /** Everything up to the cursor has been sent. */
  current(cursor: FeedCursor, lists: number): string
}

function describe({ list, revoked }: ListChange, issuer: string): object {
  const uri = statusUri(issuer, list.id)
  const idx = setIndexesOf(revoked, MAX_LISTED_INDEXES)
  return idx ? { uri, idx } : { uri, lst: encodeSync(revoked), bits: 1 }
}

/** As many lists in an event as `EVENT_LENGTH` allows. */
function inEvents(described: string[]): string[][] {
  const events: string[][] = []
  let length = EVENT_LENGTH
  for (const list of described) {
    if (length >= EVENT_LENGTH) {
      events.push([])
      length = 0
    }
    events.at(-1)!.push(list)
    length += list.length
  }
  return events
}

function event(name: string, data: string, id?: string): string {
  return `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`
}

/** The IDs of the keys that are published, and of those that were revoked: resource servers refuse their tokens at once. */
export const keysEvent = ({ keys, revoked }: KeyRing): string =>
  event('keys', JSON.stringify({ keys: keys.map(({ kid }) => kid).sort(), revoked }))

/** Revocations as server-sent events (HTML, section 9.2). Each is serialised once for all streams. */
export function createRevocationFeedEvents(issuer: string, keys: EncryptionKeys): RevocationFeedEvents {
  const written = new WeakMap<StatusChanges, Map<number, string>>()
  const encoded = new WeakMap<FeedCursor, string>()

  function encode(cursor: FeedCursor): string {
    const text = encoded.get(cursor) ?? encodeCursor(keys, cursor)
    encoded.set(cursor, text)
    return text
  }

  function write({ changes, cursor }: StatusChanges, apiId: number): string {
    const own = changes.filter(({ list }) => list.apiId === apiId)
    const described = own.map((change) => JSON.stringify(describe(change, issuer)))
    // Only the last event carries the cursor: a client that disconnects before it gets all of the events again.
    return inEvents(described)
      .map((lists, n, all) => {
        const data = `{"at":${cursor.at},"lists":[${lists.join(',')}]}`
        return event('revoked', data, n === all.length - 1 ? encode(cursor) : undefined)
      })
      .join('')
  }

  return {
    since: ({ at }) => event('since', JSON.stringify({ at })),
    revoked(changes, apiId) {
      const ofChanges = written.get(changes) ?? new Map<number, string>()
      written.set(changes, ofChanges)
      const text = ofChanges.get(apiId) ?? write(changes, apiId)
      ofChanges.set(apiId, text)
      return text
    },
    current: (cursor, lists) => event('current', JSON.stringify({ at: cursor.at, lists }), encode(cursor)),
  }
}
