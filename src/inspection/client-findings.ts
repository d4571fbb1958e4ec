import type { Knex } from 'knex'
import { lateralMembership } from '../accounts/memberships.ts'
import { statusInAccount } from '../accounts/users.ts'
import { USER_WITH_ADDRESS } from '../database/address-keys.ts'
import {
  ACT_COLUMNS,
  ALL_CLIENTS,
  CLIENT_COLUMNS,
  CLIENT_STOPPED_AT,
  clientJoins,
  latestEventAt,
  MAY_SEE,
  stoppedBy,
} from './client-columns.ts'
import { type ActColumns, actorOf, type ClientColumns, type Finding, findingOf, verdictOnClient } from './findings.ts'
import type { InspectionReason } from './inspection-reasons.ts'
import { MAX_CANDIDATES } from './secret-findings.ts'

const readClients = (source: string): string => `
  SELECT ${CLIENT_COLUMNS} FROM (${source}) c ${clientJoins(CLIENT_STOPPED_AT)} ORDER BY c.id`

const BY_CLIENT_ID = readClients(`SELECT c.* FROM ${ALL_CLIENTS} c WHERE c.client_id = :clientId AND ${MAY_SEE}`)

/** Matches of a name that are read; only the first of them are shown. */
const MAX_NAMED = 200

// Materialized: otherwise PostgreSQL walks all clients in the order of `id` for a name that few of them have.
const BY_NAME = `
  WITH named AS MATERIALIZED (
    SELECT c.id FROM clients c
     WHERE c.kind = 'application' AND search_words(c.name) @@ to_tsquery('simple', :words) AND ${MAY_SEE} LIMIT ${MAX_NAMED})
  ${readClients('SELECT c.* FROM clients c WHERE c.id IN (SELECT n.id FROM named n ORDER BY n.id LIMIT :limit)')}`

export const clientFinding = (row: ClientColumns): Finding => findingOf(row, verdictOnClient(row), { kind: 'client' })

/** @param account as in `findToken` */
export async function findClient(knex: Knex, account: string | null, clientId: string): Promise<Finding[]> {
  const { rows } = await knex.raw(BY_CLIENT_ID, { account, clientId } as never)
  return rows.map(clientFinding)
}

/** The separators of `search_words`, and the operators of the query language. */
const BETWEEN_WORDS = /[\s!-/:-@[-`{-~]+/u

/** Applications whose name has words with these beginnings, at most one more than `MAX_CANDIDATES`. */
export async function findByName(knex: Knex, account: string | null, name: string): Promise<Finding[]> {
  const words = name.split(BETWEEN_WORDS).filter(Boolean)
  if (words.length === 0) return []
  const query = words.map((word) => `${word}:*`).join(' & ')
  const { rows } = await knex.raw(BY_NAME, { account, words: query, limit: MAX_CANDIDATES + 1 } as never)
  return rows.map(clientFinding)
}

interface UserRow extends ActColumns {
  id: string
  email: string
  status: string
  account_id: string | null
  account_name: string | null
  account_status: string | null
}

const IN_SEARCHED_ACCOUNT = '(CAST(:account AS uuid) IS NULL OR m.account_id = CAST(:account AS uuid))'

const MEMBERSHIP_DISABLED_AT = latestEventAt(
  'membership.disabled',
  'u.id::text',
  'l.account_id = membership.account_id',
)

/** The user in the account that is searched; among all accounts, in one where they may act, the first account before others. */
const READ_USER = `
  SELECT u.id, u.email, ${statusInAccount('u')} AS status, a.id AS account_id, a.name AS account_name,
         a.status AS account_status, ${ACT_COLUMNS}
    FROM users u
    ${lateralMembership(IN_SEARCHED_ACCOUNT, undefined, 'u')}
    LEFT JOIN accounts a ON a.id = membership.account_id
    CROSS JOIN LATERAL (
      SELECT CASE WHEN a.status = 'disabled' THEN a.disabled_at
                  WHEN u.status = 'disabled' THEN ${latestEventAt('user.disabled', 'u.id::text')}
                  WHEN membership.status = 'disabled' THEN ${MEMBERSHIP_DISABLED_AT} END AS at,
             ARRAY[u.id::text, a.id::text] AS targets) stop
    ${stoppedBy()}
   WHERE u.id = ${USER_WITH_ADDRESS} AND (CAST(:account AS uuid) IS NULL OR a.id IS NOT NULL)`

function reasonOf({ status, account_status }: UserRow): InspectionReason | null {
  if (account_status === 'disabled') return 'account_disabled'
  return status === 'disabled' ? 'user_disabled' : null
}

function userFinding(row: UserRow): Finding {
  const reason = reasonOf(row)
  return {
    kind: 'user',
    works: reason === null,
    reason,
    since: row.stopped_at?.toISOString() ?? null,
    by: actorOf(row, reason),
    replacedBy: null,
    account: row.account_id === null ? null : { id: row.account_id, name: row.account_name! },
    user: { id: row.id, email: row.email },
    client: null,
    api: null,
    token: null,
    secret: null,
  }
}

/** @param account as in `findToken` */
export async function findUserByEmail(knex: Knex, account: string | null, key: string): Promise<Finding[]> {
  const { rows } = await knex.raw(READ_USER, { account, key } as never)
  return rows.map(userFinding)
}
