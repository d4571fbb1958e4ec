import type { Knex } from 'knex'
import { findApi } from '../apis/apis.ts'
import type { Narrowing } from '../clients/client-rights.ts'
import { isDatabaseBusy } from '../database/unavailable.ts'
import {
  ACCESS_EXCEEDS,
  bindingsOf,
  CONSENT_EXCEEDS,
  type NarrowingTarget,
  NO_FLAGS,
  ofClients,
  REFRESH_EXCEEDS,
  tokensOf,
} from './narrowing.ts'

/** What a change would revoke, at most one beyond `most` each. Null: too many to count in time. */
export interface NarrowingImpact {
  readonly accessTokens: number | null
  readonly refreshTokens: number | null
  /** Users who would be asked for consent again. */
  readonly users: number | null
}

/** What `revokeExceeding` would revoke now. */
export async function countExceeding(
  db: Knex,
  target: NarrowingTarget,
  narrowing: Narrowing,
  most: number,
): Promise<NarrowingImpact> {
  async function count(from: string): Promise<number | null> {
    const text = `SELECT count(*)::int AS count FROM (SELECT 1 FROM ${from} LIMIT :most) counted`
    try {
      return (await db.raw(text, { ...bindingsOf(target, narrowing), most: most + 1 } as never)).rows[0].count
    } catch (error) {
      if (isDatabaseBusy(error)) return null
      throw error
    }
  }
  return {
    accessTokens: await count(
      `client_access_tokens t WHERE t.expires_at > now() AND ${tokensOf(target)} AND (${ACCESS_EXCEEDS})`,
    ),
    refreshTokens: await count(`active_refresh_tokens t WHERE ${tokensOf(target)} AND (${REFRESH_EXCEEDS})`),
    users: await count(`consents s WHERE ${ofClients(target, 's.client_id')} AND ${CONSENT_EXCEEDS}`),
  }
}

/** Counts what the removal of scopes from an API would revoke. @param scopes those that remain */
export async function countRemovedScopes(
  db: Knex,
  identifier: string,
  scopes: readonly string[],
  most: number,
): Promise<NarrowingImpact> {
  const api = await findApi(db, identifier)
  if (!api) return { accessTokens: 0, refreshTokens: 0, users: 0 }
  return await countExceeding(db, { api }, { ...NO_FLAGS, remaining: [{ api: api.id, identifier, scopes }] }, most)
}
