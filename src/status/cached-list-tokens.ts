import type { Database } from '../database/open-database.ts'
import type { FeedCursor } from './feed-cursors.ts'

/** The signed form of a list, as one node made it for all. */
export interface CachedListToken {
  readonly jwt: string
  /** What was revoked up to there is in it. */
  readonly cursor: FeedCursor
}

interface Parts {
  readonly header: { kid?: string }
  readonly claims: { iss?: string; sub?: string; ttl?: number; status_list: { lst: string } }
}

/** It comes from a table of our own, so its signature is not verified. */
function partsOf({ jwt }: CachedListToken): Parts {
  const [header, claims] = jwt.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { header, claims }
}

/** `lst` of its list. */
export const listOf = (copy: CachedListToken): string => partsOf(copy).claims.status_list.lst

/** Whether this node would say the same of the list, and sign it with the same key. */
export function isSignedAlike(
  copy: CachedListToken,
  own: { kid: string; iss: string; sub: string; ttl: number },
): boolean {
  const { header, claims } = partsOf(copy)
  return header.kid === own.kid && claims.iss === own.iss && claims.sub === own.sub && claims.ttl === own.ttl
}

const READ = 'SELECT jwt, at, snapshot, timeline FROM cached_list_tokens WHERE list_id = $1'

export async function readCachedListToken(db: Database, list: number): Promise<CachedListToken | undefined> {
  const statement = { name: 'status-copy', text: READ, values: [list] }
  const [row] = await db.query<{ jwt: string; at: number; snapshot: string; timeline: string }>(statement)
  return row && { jwt: row.jwt, cursor: { at: row.at, snapshot: row.snapshot, timeline: row.timeline } }
}

// The newest stays, of two nodes that signed at once; of another timeline none is newer. A list that has gone takes none.
const SAVE = `
  INSERT INTO cached_list_tokens AS c (list_id, jwt, at, snapshot, timeline)
  SELECT id, $2, $3, $4, $5 FROM status_lists WHERE id = $1
  ON CONFLICT (list_id) DO UPDATE
     SET jwt = excluded.jwt, at = excluded.at, snapshot = excluded.snapshot, timeline = excluded.timeline
   WHERE c.at < excluded.at OR c.timeline <> excluded.timeline`

export async function saveCachedListToken(db: Database, list: number, { jwt, cursor }: CachedListToken): Promise<void> {
  const { at, snapshot, timeline } = cursor
  await db.query({
    name: 'status-copy-save',
    text: SAVE,
    values: [list, jwt, at, snapshot, timeline],
    share: 'changes',
  })
}
