import type { Database } from '../database/open-database.ts'
import type { FeedCursor } from './feed-cursors.ts'

/** A status list token that one node signed for all nodes. */
export interface CachedListToken {
  readonly jwt: string
  /** The token contains every revocation up to this cursor. */
  readonly cursor: FeedCursor
}

interface Parts {
  readonly header: { kid?: string }
  readonly claims: { iss?: string; sub?: string; ttl?: number; status_list: { lst: string } }
}

/** Does not verify the signature: the token comes from the database of this server. */
function decodeParts({ jwt }: CachedListToken): Parts {
  const [header, claims] = jwt.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { header, claims }
}

/** The token's `lst`: its compressed bitmap. */
export const compressedListOf = (token: CachedListToken): string => decodeParts(token).claims.status_list.lst

/** Whether this node would sign the list with the same key and the same claims. */
export function isSignedAlike(
  token: CachedListToken,
  own: { kid: string; iss: string; sub: string; ttl: number },
): boolean {
  const { header, claims } = decodeParts(token)
  return header.kid === own.kid && claims.iss === own.iss && claims.sub === own.sub && claims.ttl === own.ttl
}

const READ = 'SELECT jwt, at, snapshot, timeline FROM cached_list_tokens WHERE list_id = $1'

export async function readCachedListToken(db: Database, list: number): Promise<CachedListToken | undefined> {
  const statement = { name: 'cached-list-token', text: READ, values: [list] }
  const [row] = await db.query<{ jwt: string; at: number; snapshot: string; timeline: string }>(statement)
  return row && { jwt: row.jwt, cursor: { at: row.at, snapshot: row.snapshot, timeline: row.timeline } }
}

// If two nodes sign at once, the newer token stays. A token of another timeline is always replaced. Nothing is saved for a list
// that was deleted.
const SAVE = `
  INSERT INTO cached_list_tokens AS c (list_id, jwt, at, snapshot, timeline)
  SELECT id, $2, $3, $4, $5 FROM status_lists WHERE id = $1
  ON CONFLICT (list_id) DO UPDATE
     SET jwt = excluded.jwt, at = excluded.at, snapshot = excluded.snapshot, timeline = excluded.timeline
   WHERE c.at < excluded.at OR c.timeline <> excluded.timeline`

export async function saveCachedListToken(db: Database, list: number, { jwt, cursor }: CachedListToken): Promise<void> {
  const { at, snapshot, timeline } = cursor
  await db.query({
    name: 'cached-list-token-save',
    text: SAVE,
    values: [list, jwt, at, snapshot, timeline],
    share: 'changes',
  })
}
