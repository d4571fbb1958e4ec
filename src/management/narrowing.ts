import type { Knex } from 'knex'
import { findApi } from '../apis/apis.ts'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import type { Narrowing } from '../clients/client-rights.ts'
import { isDeadlock } from '../database/unavailable.ts'

/** The tokens that a change concerns: those of one client, of all clients of an account, or of an API that loses scopes. */
export type NarrowingTarget =
  | { readonly client: number }
  | { readonly account: string }
  | { readonly api: { readonly id: number; readonly identifier: string } }

/** The number of active tokens that were revoked. */
export interface RevokedByNarrowing {
  readonly accessTokens: number
  readonly refreshTokens: number
}

export const NOTHING_REVOKED: RevokedByNarrowing = { accessTokens: 0, refreshTokens: 0 }

/** The detail of the audit event; empty if nothing was revoked. */
export function revokedDetail(...parts: readonly RevokedByNarrowing[]): { revoked?: Record<string, number> } {
  const sum = (name: keyof RevokedByNarrowing) => parts.reduce((total, part) => total + part[name], 0)
  const [accessTokens, refreshTokens] = [sum('accessTokens'), sum('refreshTokens')]
  if (accessTokens + refreshTokens === 0) return {}
  return { revoked: { access_tokens: accessTokens, refresh_tokens: refreshTokens } }
}

/** Another transaction holds a row and waits for a lock of this one, which must start again. */
export class NarrowingConflict extends Error {}

type Bindings = Record<string, unknown>

const splitScope = (table: string) => `string_to_array(${table}.scope, ' ')`

/**
 * SQL: the access or refresh token `t` exceeds the remaining rights.
 * @param isOfToken SQL: the token was issued from the consent `s` of its user
 */
const exceeds = (isOfToken: string): string => `
  NOT EXISTS (SELECT 1 FROM json_to_recordset(CAST(:remaining AS json)) AS k(api int, scopes text[])
               WHERE k.api = t.api_id AND ${splitScope('t')} <@ (k.scopes || CAST(:identity AS text[])))
  OR (t.subject <> '' AND :users) OR (t.subject = '' AND :client_itself)
  OR (:skipped AND t.subject <> '' AND EXISTS (
       SELECT 1 FROM consents s
        WHERE s.client_id = t.client_id AND s.given_by::text = t.subject AND ${isOfToken} AND s.skipped
          AND s.account_id IS DISTINCT FROM CAST(:except_account AS uuid)))`

const IS_OF_ACCESS_TOKEN = '(s.account_id = t.user_account_id OR (t.user_account_id IS NULL AND s.user_id IS NOT NULL))'

export const ACCESS_EXCEEDS = `
  :access_tokens OR (:exchanged AND EXISTS (SELECT 1 FROM exchanged_tokens x WHERE x.jti = t.jti))
  OR (:asserted AND EXISTS (SELECT 1 FROM user_identities i WHERE i.id = t.grant_id)) OR ${exceeds(IS_OF_ACCESS_TOKEN)}`

export const REFRESH_EXCEEDS = `
  ${exceeds('s.id = t.consent_id')} OR (t.subject <> '' AND :refresh_users) OR (t.subject = '' AND :refresh_client_itself)
  OR (t.subject <> '' AND :without_offline_access AND 'offline_access' <> ALL (${splitScope('t')}))`

/** SQL: the part of the consent `s.apis` that is within the remaining rights. */
const REMAINING_OF_CONSENT = `
  (SELECT coalesce(jsonb_object_agg(d.key, CASE WHEN d.key <> coalesce(:only, d.key) THEN d.value ELSE (
            SELECT coalesce(jsonb_agg(w.scope ORDER BY w.n), '[]')
              FROM jsonb_array_elements_text(d.value) WITH ORDINALITY AS w(scope, n) WHERE w.scope = ANY (k.scopes)) END), '{}')
     FROM jsonb_each(s.apis) d
     LEFT JOIN json_to_recordset(CAST(:remaining AS json)) AS k(identifier text, scopes text[]) ON k.identifier = d.key
    WHERE k.identifier IS NOT NULL OR d.key <> coalesce(:only, d.key))`

export const CONSENT_EXCEEDS = `
  (:consents OR (:skipped AND s.skipped) OR (:offline AND 'offline_access' = ANY (s.identity_scopes))
   OR s.apis <> ${REMAINING_OF_CONSENT})`

export function ofClients(target: NarrowingTarget, column: string): string {
  if ('client' in target) return `${column} = :client`
  if ('account' in target) return `${column} IN (SELECT x.id FROM clients x WHERE x.account_id = :account)`
  return `${column} IN (SELECT x.client_id FROM client_apis x WHERE x.api_id = :api)`
}

export const tokensOf = (target: NarrowingTarget): string =>
  `${ofClients(target, 't.client_id')} ${'api' in target ? 'AND t.api_id = :api' : ''} AND t.revoked_at IS NULL`

function targetBindings(target: NarrowingTarget): Bindings {
  if ('api' in target) return { api: target.api.id, only: target.api.identifier }
  return { ...target, only: null }
}

export function bindingsOf(target: NarrowingTarget, narrowing: Narrowing): Bindings {
  return {
    ...targetBindings(target),
    remaining: JSON.stringify(narrowing.remaining),
    identity: [...IDENTITY_SCOPES],
    access_tokens: narrowing.accessTokens,
    users: narrowing.users,
    exchanged: narrowing.exchanged,
    asserted: narrowing.asserted,
    consents: narrowing.consents,
    offline: narrowing.offlineConsents,
    client_itself: narrowing.itself,
    refresh_users: narrowing.refreshTokensOfUsers,
    refresh_client_itself: narrowing.refreshTokensOfItself,
    without_offline_access: narrowing.refreshTokensWithoutOfflineAccess,
    skipped: narrowing.skippedConsents !== null,
    except_account: narrowing.skippedConsents?.exceptAccount ?? null,
  }
}

/** The days on which access tokens may expire. Each day is a partition, which keeps each statement short. */
const DAYS = Array.from({ length: 33 }, (_, day) => day)

const OF_DAY = `
  AND t.expires_at >= date_trunc('day', now(), 'UTC') + make_interval(days => :day)
  AND t.expires_at < date_trunc('day', now(), 'UTC') + make_interval(days => :day + 1)`

const isLocked = (error: unknown): boolean => (error as { code?: unknown }).code === '55P03'

/**
 * Revokes the tokens and consents that exceed the remaining rights of a client, or of the clients of an API. Rows are
 * locked in the same order as by a redemption: consents, refresh tokens, access tokens, each sorted by its key.
 *
 * A redemption holds such rows while it waits for the lock of its client (`CLIENT_LOCKS`). So this runs twice: before that
 * lock, where it may wait for the rows, and under it with `nowait`, for the few rows that were added in between.
 * @throws NarrowingConflict if a row is locked in the mode `nowait`
 */
export async function revokeExceeding(
  trx: Knex,
  target: NarrowingTarget,
  narrowing: Narrowing,
  mode: 'wait' | 'nowait',
): Promise<RevokedByNarrowing> {
  const bindings = bindingsOf(target, narrowing)
  const waiting = mode === 'wait' ? '' : 'NOWAIT'
  const run = async (text: string, more: Bindings = {}): Promise<number> =>
    (await trx.raw(text, { ...bindings, ...more } as never)).rowCount ?? 0

  async function lock(from: string, order: string, table: string, more?: Bindings): Promise<void> {
    const rows = `SELECT 1 FROM ${from} ORDER BY ${order} FOR NO KEY UPDATE OF ${table} ${waiting}`
    await run(`SELECT count(*) FROM (${rows}) locked`, more)
  }

  async function revoke(table: string, key: string, condition: string, more?: Bindings): Promise<number> {
    await lock(`${table} t WHERE ${condition}`, key, 't', more)
    return await run(`UPDATE ${table} t SET revoked_at = now() WHERE ${condition}`, more)
  }

  async function revokeAccessTokens(): Promise<number> {
    const condition = `${tokensOf(target)} AND (${ACCESS_EXCEEDS})`
    const active =
      'AND t.revocation_epoch = (SELECT c.revocation_epoch FROM clients c WHERE c.id = t.client_id) AND t.expires_at > now()'
    if (mode === 'nowait') return await revoke('access_tokens', 't.expires_at, t.jti', `${condition} ${active}`)
    let revoked = 0
    for (const day of DAYS) {
      revoked += await revoke('access_tokens', 't.expires_at, t.jti', `${condition} ${active} ${OF_DAY}`, { day })
    }
    return revoked
  }

  async function narrowConsents(): Promise<void> {
    const own = ofClients(target, 's.client_id')
    await run(`
      DELETE FROM consents s
       WHERE ${own}
         AND (:consents OR (:skipped AND s.skipped AND s.account_id IS DISTINCT FROM CAST(:except_account AS uuid)))`)
    await run(`UPDATE consents s SET apis = ${REMAINING_OF_CONSENT} WHERE ${own} AND s.apis <> ${REMAINING_OF_CONSENT}`)
    await run(`
      UPDATE consents s SET identity_scopes = array_remove(s.identity_scopes, 'offline_access')
       WHERE ${own} AND :offline AND 'offline_access' = ANY (s.identity_scopes)`)
  }

  try {
    // Networks, which only access tokens depend on, are all that an account can lose.
    if ('account' in target) return { accessTokens: await revokeAccessTokens(), refreshTokens: 0 }
    await lock(`consents s WHERE ${ofClients(target, 's.client_id')} AND ${CONSENT_EXCEEDS}`, 's.id', 's')
    const refreshTokens = await revoke('refresh_tokens', 't.grant_id', `${tokensOf(target)} AND (${REFRESH_EXCEEDS})`)
    const accessTokens = await revokeAccessTokens()
    await narrowConsents()
    return { accessTokens, refreshTokens }
  } catch (error) {
    if (mode === 'nowait' && isLocked(error)) throw new NarrowingConflict('a row is locked', { cause: error })
    throw error
  }
}

export const NO_FLAGS = {
  accessTokens: false,
  users: false,
  itself: false,
  exchanged: false,
  asserted: false,
  consents: false,
  offlineConsents: false,
  refreshTokensOfUsers: false,
  refreshTokensOfItself: false,
  refreshTokensWithoutOfflineAccess: false,
  skippedConsents: null,
}

/** Revokes the tokens and consents with scopes that are removed from an API. @param scopes those that remain; undefined: all */
export async function revokeRemovedScopes(
  trx: Knex,
  identifier: string,
  scopes: readonly string[] | undefined,
  mode: 'wait' | 'nowait',
): Promise<RevokedByNarrowing> {
  const api = scopes && (await findApi(trx, identifier))
  if (!api || api.scopes.every((scope) => scopes.includes(scope))) return NOTHING_REVOKED
  const remaining = [{ api: api.id, identifier, scopes }]
  return await revokeExceeding(trx, { api }, { ...NO_FLAGS, remaining }, mode)
}

/** Attempts of a change that conflicts with other transactions. */
const ATTEMPTS = 8

/** Runs a transaction that narrows rights. It starts again after a `NarrowingConflict` or a deadlock. */
export async function narrowInTransaction<T>(knex: Knex, change: (trx: Knex) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await knex.transaction(change)
    } catch (error) {
      const isConflict = error instanceof NarrowingConflict || isDeadlock(error)
      if (!isConflict || attempt === ATTEMPTS) throw error instanceof NarrowingConflict ? error.cause : error
    }
  }
}
