import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { encodeCursor, type FeedCursor } from '../status/feed-cursors.ts'
import { encodeSync, setIndexesOf } from '../status/status-bitmap.ts'
import type { ListChange, StatusChanges } from '../status/status-changes.ts'
import { statusUri } from '../status/status-lists.ts'

/** More places of one list than this are told as a bitmap. */
const MOST_LISTED_INDEXES = 500

/** Characters after which an event takes no further list: one of a million indexes has up to 175,000. */
const EVENT_LENGTH = 350_000

/** Milliseconds after which whoever was cut off comes again. */
export const RETRY = 'retry: 1000\n\n'

/** What was known may lack something: everything is to be fetched anew. */
export const RESET = 'event: reset\ndata: {}\n\n'

export interface RevocationFeedEvents {
  /** Where what follows begins: not where whoever comes left off, if its cursor was lost on the way. */
  since(cursor: FeedCursor): string
  /** What was revoked of one API's tokens; empty when nothing was. */
  revoked(changes: StatusChanges, apiId: number): string
  /** That everything up to there has been sent. */
  current(cursor: FeedCursor, lists: number): string
}

function describe({ list, revoked }: ListChange, issuer: string): object {
  const uri = statusUri(issuer, list.id)
  const idx = setIndexesOf(revoked, MOST_LISTED_INDEXES)
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

/** Revocations as server-sent events (HTML, section 9.2). What many streams are told is written once. */
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
    // Only the last event says how far this was: those who are cut off before it get all of it again.
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
