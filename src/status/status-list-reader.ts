import { createBatches } from '../database/batches.ts'
import type { Database } from '../database/open-database.ts'
import type { SigningAlg } from '../shared/algorithms.ts'
import { type CachedListToken, listOf } from './cached-list-tokens.ts'
import { addIndexes, type Bitmap, decode, emptyBitmap, SMALLEST_LIST, setIndex } from './status-bitmap.ts'
import { readChanges, type StatusChanges } from './status-changes.ts'
import type { StatusList } from './status-lists.ts'

/** A list as the database has it. */
export interface ListReading {
  readonly list: StatusList
  readonly signingAlg: SigningAlg
  readonly revoked: Bitmap
  /** Everything that was committed by then is in it; milliseconds since 1970, by the database's clock. */
  readonly at: number
  /** Its signed form, where that says as much. */
  readonly copy: CachedListToken | undefined
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

// What is set: recorded in this list, and ended by something else than time. Packed, because a list may have a million.
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
  return { list: toList(row), signingAlg: row.signing_alg, revoked, at, copy: undefined }
}

const toList = (row: FoundRow): StatusList => ({ key: row.id, id: row.public_id, apiId: row.api_id })

const toCopy = ({ jwt, at, snapshot, timeline }: FoundRow): CachedListToken => ({
  jwt: jwt!,
  cursor: { at, snapshot, timeline },
})

/** From the signed form, with what was revoked since. */
function readingOfCopy(row: FoundRow, { changes, cursor }: StatusChanges): ListReading {
  const copy = toCopy(row)
  const revoked = emptyBitmap(row.size)
  addIndexes(revoked, decode(listOf(copy)))
  const since = changes.find(({ list }) => list.key === row.id)
  const changed = since ? addIndexes(revoked, since.revoked) : false
  return {
    ...{ list: toList(row), signingAlg: row.signing_alg, revoked, at: cursor.at },
    copy: changed ? undefined : copy,
  }
}

/** Reads lists of these public ids; what is asked for at once is read by one statement. Undefined: there is none. */
export type ListReader = (id: string) => Promise<ListReading | undefined>

export function createListReader(db: Database): ListReader {
  async function readRevoked(rows: FoundRow[]): Promise<(ListReading | undefined)[]> {
    const statement = { name: 'status-list', text: READ, values: [rows.map(({ id }) => id)] }
    const found = new Map((await db.query<RevokedRow>(statement)).map((row) => [row.id, row]))
    return rows.map((row) => {
      const read = found.get(row.id)
      // A list that has vanished meanwhile held nothing alive.
      return read && readingOf(row, read)
    })
  }

  // A list of a million takes seconds: several of those in one statement would reach its time limit.
  const readSmall = createBatches({ run: readRevoked, maxInFlight: 1, maxSize: 16 })
  const readLarge = createBatches({ run: readRevoked, maxInFlight: 2, maxSize: 1 })

  /** Of all that have a signed form, by one reading of what was revoked since the oldest. */
  async function changesSince(rows: FoundRow[]): Promise<StatusChanges | undefined> {
    const [oldest] = rows.filter(({ jwt }) => jwt !== null).sort((a, b) => a.at - b.at)
    return oldest && (await readChanges(db, toCopy(oldest).cursor))
  }

  type Found = { row: FoundRow; changes: StatusChanges | undefined } | undefined

  const find = createBatches<string, Found>({
    maxInFlight: 1,
    maxSize: 64,
    async run(ids) {
      const rows = await db.query<FoundRow>({ name: 'status-list-find', text: FIND, values: [ids] })
      const changes = await changesSince(rows)
      const found = new Map(rows.map((row) => [row.public_id, row]))
      const isOf = (row: FoundRow) => row.jwt !== null && row.timeline === changes?.cursor.timeline
      return ids.map((id) => {
        const row = found.get(id)
        return row && { row, changes: isOf(row) ? changes : undefined }
      })
    },
  })

  return async (id) => {
    const found = await find(id)
    if (!found) return undefined
    const { row, changes } = found
    if (changes) return readingOfCopy(row, changes)
    return await (row.size > SMALLEST_LIST ? readLarge(row) : readSmall(row))
  }
}
