import type { Database } from '../database/open-database.ts'
import { CLOCKS_DIFFER } from './status-lists.ts'

/** The status indexes of revoked tokens in one list, 4 bytes each. */
export interface RevokedIndexes {
  readonly status_list: number
  readonly indexes: Buffer
}

interface SizedList {
  id: number
  /** How many indexes were leased. */
  next: number
}

const LISTS = 'SELECT id, next FROM status_lists ORDER BY id'

/** As many lists at a time as have this many tokens together: a statement has a time limit. */
const TOKENS_PER_STATEMENT = 1_000_000

const revokedIn = (table: string) => `
  SELECT t.status_list, string_agg(int4send(t.status_index), '') AS indexes
    FROM ${table} t
   WHERE t.status_list = ANY ($1::bigint[]) AND t.signing_key = ANY ($2::int[])
     AND t.expires_at > now() - interval '${CLOCKS_DIFFER}'
   GROUP BY t.status_list`

/** Also those that were exchanged for a token of a revoked key, or depend on it in another way. */
const OF_KEYS = `${revokedIn('access_tokens')} UNION ALL ${revokedIn('exchanged_tokens')}`

export function inGroups(lists: readonly SizedList[]): number[][] {
  const groups: number[][] = []
  let tokens = TOKENS_PER_STATEMENT
  for (const { id, next } of lists) {
    if (tokens + next > TOKENS_PER_STATEMENT) {
      groups.push([])
      tokens = 0
    }
    groups.at(-1)!.push(id)
    tokens += next
  }
  return groups
}

/** Finds the tokens of revoked signing keys, list by list: an index by key would slow down every token. */
export async function* readTokensOfKeys(db: Database, keys: readonly number[]): AsyncGenerator<RevokedIndexes[]> {
  if (keys.length === 0) return
  const lists = await db.query<SizedList>({ name: 'status-list-sizes', text: LISTS, values: [] })
  for (const ids of inGroups(lists))
    yield await db.query<RevokedIndexes>({ name: 'revoked-by-key', text: OF_KEYS, values: [ids, keys] })
}
