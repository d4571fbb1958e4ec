import type { Knex } from 'knex'
import { HAS_EXPIRED, replaces } from '../shared/secret-lifetimes.ts'
import { hashSecret } from '../shared/secrets.ts'
import { CLIENT_COLUMNS, CLIENT_STOPPED_AT, clientJoins, MAY_SEE } from './client-columns.ts'
import { type ClientColumns, type Finding, findingOf, type Verdict, verdictOnClient } from './findings.ts'

/** A partial match lists at most so many candidates. */
export const MAX_CANDIDATES = 10

interface SecretRow extends ClientColumns {
  secret_id: number
  kind: 'secret' | 'api_key'
  last_four: string
  created_at: Date
  retires_at: Date | null
  retired: boolean
  /** It stopped because its expiry came. */
  expired: boolean
}

/**
 * SQL: when somebody retired the secret `s` of the client `c`: at once, or by the rotation whose overlap has ended. The
 * rotation made the next secret in its transaction.
 */
export const SECRET_STOPPED_AT = `
  CASE WHEN s.retires_at <= now() AND ${HAS_EXPIRED} THEN s.retires_at WHEN s.retires_at <= now() THEN coalesce(
    (SELECT l.at FROM audit_log l WHERE l.target_id = c.client_id AND l.at = s.retires_at LIMIT 1),
    (SELECT min(n.created_at) FROM client_secrets n
      WHERE n.client_id = s.client_id AND n.created_at > s.created_at AND ${replaces('n', 's')} AND s.retires_at > n.created_at),
    s.retires_at) END`

const readSecrets = (condition: string): string => `
  SELECT s.id AS secret_id, s.kind, s.last_four, s.created_at, s.retires_at, coalesce(s.retires_at <= now(), false) AS retired,
         coalesce(${HAS_EXPIRED}, false) AS expired,
         ${CLIENT_COLUMNS}
    FROM (SELECT s.* FROM client_secrets s JOIN clients c ON c.id = s.client_id
           WHERE ${condition} AND ${MAY_SEE} ORDER BY s.id DESC LIMIT :limit) s
    JOIN clients c ON c.id = s.client_id
    ${clientJoins(`coalesce(${CLIENT_STOPPED_AT}, ${SECRET_STOPPED_AT})`)}
   ORDER BY s.id DESC`

const BY_HASH = readSecrets('s.hash = :hash')
const BY_LAST_FOUR = readSecrets('s.last_four = :lastFour')

function verdictOn(row: SecretRow): Verdict {
  const client = verdictOnClient(row)
  if (client.reason !== null || !row.retired) return client
  return { reason: row.expired ? 'secret_expired' : 'secret_retired', since: row.retires_at }
}

function toFinding(row: SecretRow): Finding {
  const secret = {
    id: row.secret_id,
    lastFour: row.last_four,
    createdAt: row.created_at.toISOString(),
    retiresAt: row.retires_at?.toISOString() ?? null,
  }
  return findingOf(row, verdictOn(row), { kind: row.kind === 'secret' ? 'client_secret' : 'api_key', secret })
}

/** @param account as in `findToken` */
export async function findSecret(knex: Knex, account: string | null, text: string): Promise<Finding[]> {
  const { rows } = await knex.raw(BY_HASH, { account, hash: hashSecret(text), limit: 1 } as never)
  return rows.map(toFinding)
}

/** Secrets with these last four characters, the newest first, at most one more than `MAX_CANDIDATES`. */
export async function findByLastFour(knex: Knex, account: string | null, lastFour: string): Promise<Finding[]> {
  const { rows } = await knex.raw(BY_LAST_FOUR, { account, lastFour, limit: MAX_CANDIDATES + 1 } as never)
  return rows.map(toFinding)
}
