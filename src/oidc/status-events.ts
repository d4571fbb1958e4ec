import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { encodeNow, placesOf } from '../tokens/status-bitmap.ts'
import type { ListChange, StatusChanges } from '../tokens/status-changes.ts'
import { statusUri } from '../tokens/status-lists.ts'
import { type Position, toCursor } from '../tokens/status-positions.ts'

/** More places of one list than this are told as a bitmap. */
const MOST_PLACES = 500

/** Lists in one event, each at most some 11 KiB. */
const LISTS_AN_EVENT = 32

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

function event(name: string, data: object, id?: string): string {
  return `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
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
    let text = ''
    for (let from = 0; from < own.length; from += LISTS_AN_EVENT) {
      const lists = own.slice(from, from + LISTS_AN_EVENT).map((change) => describe(change, issuer))
      // Only the last one says how far this was: whoever is cut off before it gets all of it again.
      const isLast = from + LISTS_AN_EVENT >= own.length
      text += event('revoked', { at: position.at, lists }, isLast ? cursorOf(position) : undefined)
    }
    return text
  }

  return {
    since: ({ at }) => event('since', { at }),
    revoked(changes, apiId) {
      const ofChanges = written.get(changes) ?? new Map<number, string>()
      written.set(changes, ofChanges)
      const text = ofChanges.get(apiId) ?? write(changes, apiId)
      ofChanges.set(apiId, text)
      return text
    },
    current: (position, lists) => event('current', { at: position.at, lists }, cursorOf(position)),
  }
}
