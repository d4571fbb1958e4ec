import type { Knex } from 'knex'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { invalidInput } from '../shared/errors.ts'
import { isReplaced } from '../shared/secret-lifetimes.ts'

/** Seconds that the clock of a caller may be ahead of the database's. */
const TOLERANCE = 60

const LIMIT = `
  SELECT l.seconds, least(now() + make_interval(secs => l.seconds), ?::timestamptz) AS expiry, ?::timestamptz <= now() AS is_past,
         ?::timestamptz > now() + make_interval(secs => l.seconds + ${TOLERANCE}) AS is_too_late
    FROM (SELECT least((SELECT a.max_secret_lifetime FROM accounts a WHERE a.id = c.account_id),
                       (SELECT min(p.max_secret_lifetime)
                          FROM client_apis x JOIN apis p ON p.id = x.api_id WHERE x.client_id = c.id)) AS seconds
            FROM clients c WHERE c.id = ?) l`

const DAY = 86_400

const inWords = (seconds: number): string => (seconds % DAY === 0 ? `${seconds / DAY} days` : `${seconds} seconds`)

/** When a new secret shall expire; without a time, after the longest lifetime that its account and APIs allow. */
export interface RequestedExpiry {
  readonly at?: Date | null | undefined
  /** The field of the request that says so. */
  readonly field: 'expiresAt' | 'secretExpiresAt'
}

/**
 * When a new secret of a client expires: as requested, or after the longest lifetime that its account and APIs allow. Null: never.
 * @throws KeywrightError `invalid_input`
 */
export async function expiryFor(
  trx: Knex,
  clientKey: number,
  { at = null, field }: RequestedExpiry,
): Promise<Date | null> {
  const { rows } = await trx.raw(LIMIT, [at, at, at, clientKey] as never)
  const { seconds, expiry, is_past, is_too_late } = rows[0]
  if (is_past) throw invalidInput('the expiry must be in the future', field)
  if (is_too_late) {
    throw invalidInput(`the account or an API limits the lifetime of client secrets to ${inWords(seconds)}`, field)
  }
  return expiry
}

/** A notice is written so many days before a secret expires. */
const NOTICE_DAYS = [90, 30, 14, 7, 1]

// A secret that was generated for a shorter time than a notice is early gets no such notice. Of notices that are due at once, the
// latest one is written.
const ADD_NOTICES = `
  WITH due AS MATERIALIZED (
    SELECT s.id, s.kind, s.last_four, s.expires_at, c.client_id, c.account_id,
           (SELECT min(d) FROM unnest(ARRAY[${NOTICE_DAYS}]) d
             WHERE s.expires_at <= now() + make_interval(days => d) AND s.expires_at > s.created_at + make_interval(days => d)) AS days
      FROM client_secrets s JOIN clients c ON c.id = s.client_id
     WHERE s.expires_at > now() AND s.expires_at <= now() + make_interval(days => ${NOTICE_DAYS[0]}) AND s.retires_at > now()
       AND c.status = 'active'
       AND NOT ${isReplaced('s')}),
  written AS (
    INSERT INTO secret_expiry_notices AS n (secret_id, account_id, expires_at, days)
    SELECT id, account_id, expires_at, days FROM due
     WHERE days IS NOT NULL AND NOT EXISTS (SELECT FROM secret_expiry_notices p WHERE p.secret_id = due.id AND p.days <= due.days)
     ORDER BY id LIMIT ?
    ON CONFLICT (secret_id) DO UPDATE SET days = excluded.days WHERE n.days > excluded.days
    RETURNING secret_id, days)
  SELECT d.kind, d.last_four, d.expires_at, d.client_id, d.account_id, w.days FROM written w JOIN due d ON d.id = w.secret_id`

interface NoticeRow {
  kind: string
  last_four: string
  expires_at: Date
  client_id: string
  account_id: string | null
  days: number
}

const ACTOR: Actor = { type: 'system', id: 'secret expiry' }

const toEntry = ({ client_id, account_id, ...detail }: NoticeRow): AuditEntry => ({
  action: 'client.secret_expires',
  target: { type: 'client', id: client_id },
  accountId: account_id,
  detail: { ...detail },
})

/** Notes at most `limit` secrets that expire soon, once per secret and number of days over all nodes. Returns how many. */
export async function addExpiryNotices(knex: Knex, limit: number): Promise<number> {
  return await knex.transaction(async (trx) => {
    const rows: NoticeRow[] = (await trx.raw(ADD_NOTICES, [limit])).rows
    if (rows.length > 0) await recordAudit(trx, ACTOR, ...rows.map(toEntry))
    return rows.length
  })
}
