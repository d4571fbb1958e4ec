import { createBatches } from '../database/batches.ts'
import type { Database } from '../database/open-database.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import { type CachedListToken, compressedListOf } from './cached-list-tokens.ts'
import { addIndexes, type Bitmap, decode, emptyBitmap, SMALLEST_LIST, setIndex } from './status-bitmap.ts'
import { readChanges, type StatusChanges } from './status-changes.ts'
import type { StatusList } from './status-lists.ts'

/** A status list as it is in the database. */
export interface ListReading {
  readonly list: StatusList
  readonly signingAlg: SigningAlg
  readonly revoked: Bitmap
  /** Milliseconds since 1970, by the database's clock: everything that was committed by then is in `revoked`. */
  readonly at: number
  /** The signed token of the list, if it lacks no revocation. */
  readonly cachedToken: CachedListToken | undefined
}

interface FoundRow {
  id: number
  public_id: string
  api_id: number
  size: number
  signing_alg: SigningAlg
  jwt: string | null
  at: number
  snapshot: string
  timeline: string
}

const FIND = `
  SELECT l.id, l.public_id, l.api_id, l.size, a.signing_alg,
         c.jwt, c.at, c.snapshot, c.timeline
    FROM status_lists l
    JOIN apis a ON a.id = l.api_id
    LEFT JOIN cached_list_tokens c ON c.list_id = l.id
   WHERE l.public_id = ANY ($1::uuid[]) AND (SELECT require_primary())`

// The revoked indexes: those of the list's tokens that are recorded and not in `client_access_tokens`. Packed as binary,
// because a list may have a million of them.
const READ = `
  SELECT l.id, floor(extract(epoch FROM statement_timestamp()) * 1000)::float8 AS at,
         (SELECT string_agg(int4send(status_index), '') FROM (
            SELECT status_index FROM access_tokens WHERE status_list = l.id
            EXCEPT
            SELECT status_index FROM client_access_tokens WHERE status_list = l.id) revoked) AS indexes
    FROM status_lists l
   WHERE l.id = ANY ($1::bigint[]) AND (SELECT require_primary())`

interface RevokedRow {
  id: number
  at: number
  indexes: Buffer | null
}

function readingOf(row: FoundRow, { indexes, at }: RevokedRow): ListReading {
  const revoked = emptyBitmap(row.size)
  for (let n = 0; indexes && n < indexes.length; n += 4) setIndex(revoked, indexes.readInt32BE(n))
  return { list: toList(row), signingAlg: row.signing_alg, revoked, at, cachedToken: undefined }
}

const toList = (row: FoundRow): StatusList => ({ key: row.id, id: row.public_id, apiId: row.api_id })

const toCachedToken = ({ jwt, at, snapshot, timeline }: FoundRow): CachedListToken => ({
  jwt: jwt!,
  cursor: { at, snapshot, timeline },
})

/** The bitmap of the signed token, with the revocations since it was signed. */
function readingOfToken(row: FoundRow, { changes, cursor }: StatusChanges): ListReading {
  const cachedToken = toCachedToken(row)
  const revoked = emptyBitmap(row.size)
  addIndexes(revoked, decode(compressedListOf(cachedToken)))
  const since = changes.find(({ list }) => list.key === row.id)
  const changed = since ? addIndexes(revoked, since.revoked) : false
  return {
    ...{ list: toList(row), signingAlg: row.signing_alg, revoked, at: cursor.at },
    cachedToken: changed ? undefined : cachedToken,
  }
}

/** Reads the status list with this public id. Undefined when there is none. Concurrent reads share a statement. */
export type ListReader = (id: string) => Promise<ListReading | undefined>

export function createListReader(db: Database): ListReader {
  async function readRevoked(rows: FoundRow[]): Promise<(ListReading | undefined)[]> {
    const statement = { name: 'status-list', text: READ, values: [rows.map(({ id }) => id)] }
    const found = new Map((await db.query<RevokedRow>(statement)).map((row) => [row.id, row]))
    return rows.map((row) => {
      const read = found.get(row.id)
      // A list that was deleted meanwhile had no valid token.
      return read && readingOf(row, read)
    })
  }

  // A list of a million takes seconds. Several of them in one statement would exceed the statement timeout.
  const readSmall = createBatches({ run: readRevoked, maxInFlight: 1, maxSize: 16 })
  const readLarge = createBatches({ run: readRevoked, maxInFlight: 2, maxSize: 1 })

  /** The revocations since the oldest signed token of these lists. */
  async function changesSince(rows: FoundRow[]): Promise<StatusChanges | undefined> {
    const [oldest] = rows.filter(({ jwt }) => jwt !== null).sort((a, b) => a.at - b.at)
    return oldest && (await readChanges(db, toCachedToken(oldest).cursor))
  }

  type Found = { row: FoundRow; changes: StatusChanges | undefined } | undefined

  const find = createBatches<string, Found>({
    maxInFlight: 1,
    maxSize: 64,
    async run(ids) {
      const rows = await db.query<FoundRow>({ name: 'status-list-find', text: FIND, values: [ids] })
      const changes = await changesSince(rows)
      const found = new Map(rows.map((row) => [row.public_id, row]))
      const isUpToDate = (row: FoundRow) => row.jwt !== null && row.timeline === changes?.cursor.timeline
      return ids.map((id) => {
        const row = found.get(id)
        return row && { row, changes: isUpToDate(row) ? changes : undefined }
      })
    },
  })

  return async (id) => {
    const found = await find(id)
    if (!found) return undefined
    const { row, changes } = found
    if (changes) return readingOfToken(row, changes)
    return await (row.size > SMALLEST_LIST ? readLarge(row) : readSmall(row))
  }
}
