import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { type Position, toCursor } from '../status/feed-cursors.ts'
import { encodeNow, placesOf } from '../status/status-bitmap.ts'
import type { ListChange, StatusChanges } from '../status/status-changes.ts'
import { statusUri } from '../status/status-lists.ts'

/** More places of one list than this are told as a bitmap. */
const MOST_PLACES = 500

/** Characters after which an event takes no further list: one of a million indexes has up to 175,000. */
const EVENT_LENGTH = 350_000

/** Milliseconds after which whoever was cut off comes again. */
export const RETRY = 'retry: 1000\n\n'

/** What was known may lack something: everything is to be fetched anew. */
export const RESET = 'event: reset\ndata: {}\n\n'

export interface StatusEvents {
  /** Where what follows begins: not where whoever comes left off, if its cursor was lost on the way. */
  since(position: Position): string
  /** What was revoked of one API's tokens; empty when nothing was. */
  revoked(changes: StatusChanges, apiId: number): string
  /** That everything up to there has been sent. */
  current(position: Position, lists: number): string
}

function describe({ list, revoked }: ListChange, issuer: string): object {
  const uri = statusUri(issuer, list.id)
  const idx = placesOf(revoked, MOST_PLACES)
  return idx ? { uri, idx } : { uri, lst: encodeNow(revoked), bits: 1 }
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
export function createStatusEvents(issuer: string, keys: EncryptionKeys): StatusEvents {
  const written = new WeakMap<StatusChanges, Map<number, string>>()
  const cursors = new WeakMap<Position, string>()

  function cursorOf(position: Position): string {
    const cursor = cursors.get(position) ?? toCursor(keys, position)
    cursors.set(position, cursor)
    return cursor
  }

  function write({ changes, position }: StatusChanges, apiId: number): string {
    const own = changes.filter(({ list }) => list.apiId === apiId)
    const described = own.map((change) => JSON.stringify(describe(change, issuer)))
    // Only the last event says how far this was: those who are cut off before it get all of it again.
    return inEvents(described)
      .map((lists, n, all) => {
        const data = `{"at":${position.at},"lists":[${lists.join(',')}]}`
        return event('revoked', data, n === all.length - 1 ? cursorOf(position) : undefined)
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
    current: (position, lists) => event('current', JSON.stringify({ at: position.at, lists }), cursorOf(position)),
  }
}
