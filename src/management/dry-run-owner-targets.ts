import { unusedSinceOf } from '../clients/client-last-uses.ts'
import type { KeyPairOwner } from '../clients/key-pairs.ts'
import { activeTokensOf, boundedCountOf, delegatedTokensOf, MOST, ofAccount } from './bounded-counts.ts'
import { affectedCallersOf, countForEach, type DryRunTarget, MAX_AFFECTED, OF_LAST_DAY } from './dry-run.ts'
import { checkedId } from './dry-run-targets.ts'
import type { Principal } from './principal.ts'

// What users, accounts and the instance affect, as parts of the statement of a dry run.

/** SQL: a client that an account or the instance stops. An index has this condition. */
const IS_ACTIVE = `c.kind <> 'api' AND c.status = 'active'`

/** SQL: a key pair of the user `o`, in the account of `o.scope` only if there is one. */
const PAIRS_OF_USER = `
  c.user_id = o.id AND c.kind = 'key_pair' AND c.status = 'active' AND c.account_id = coalesce(o.scope, c.account_id)`

/**
 * SQL: a user as they are in the account `scope`, as `userFor` finds them; without one, in their first account, with what they have in
 * all accounts.
 */
const userIn = (id: string, scope: string) => `
  (SELECT u.id, u.email, m.account_id, u.account_id AS first_account, coalesce(m.role, u.role) AS role, ${scope} AS scope,
          CASE WHEN u.status = 'active' THEN coalesce(m.status, 'active') ELSE u.status END AS status
     FROM users u
     LEFT JOIN memberships m ON m.user_id = u.id AND m.account_id = coalesce(${scope}, u.account_id)
    WHERE u.id = ${id} AND (${scope} IS NULL OR m.account_id IS NOT NULL)) o`

/** SQL: the refresh token `r` of the user `o` acts for the account of `o.scope`, if there is one. */
const IN_SCOPE = `
  (o.scope IS NULL
    OR coalesce((SELECT s.account_id FROM consents s WHERE s.id = r.consent_id), o.first_account) = o.scope)`

interface UserRow {
  account_id: string | null
  status: string
  role: string
  email: string
}

interface Checked<Row> {
  readonly check?: (row: Row) => void
}

/** A user: their key pairs, and unless `ownOnly` is set the tokens that applications have for them. */
export const userTarget = (
  { accountId }: Pick<Principal, 'accountId'>,
  userId: string,
  { check, ownOnly }: Checked<UserRow> & { ownOnly?: boolean } = {},
): DryRunTarget<UserRow> => {
  const own = activeTokensOf('t.user_id = o.id AND t.account_id = coalesce(o.scope, t.account_id)')
  const ownRefresh = boundedCountOf(
    `active_refresh_tokens r JOIN clients c ON c.id = r.client_id
      WHERE c.user_id = o.id AND c.account_id = coalesce(o.scope, c.account_id)`,
  )
  const delegated = delegatedTokensOf(
    'o.id',
    'coalesce(t.user_account_id, o.first_account) = o.scope OR o.scope IS NULL',
  )
  const delegatedRefresh = boundedCountOf(
    `active_refresh_tokens r WHERE r.subject = CAST(o.id AS text) AND r.subject <> '' AND ${IN_SCOPE}`,
  )
  return {
    from: userIn('CAST(:userId AS uuid)', 'CAST(:scope AS uuid)'),
    bindings: { userId: checkedId(userId, 'user'), scope: accountId },
    clients: PAIRS_OF_USER,
    accessTokens: ownOnly ? own : `SELECT (${own}) + (${delegated})`,
    refreshTokens: ownOnly ? ownRefresh : `SELECT (${ownRefresh}) + (${delegatedRefresh})`,
    what: 'user',
    id: userId,
    ...(check && { check }),
  }
}

/** SQL: the callers of the key pairs of the user `u`, in the account `:account` only if it is not null. */
export const CALLERS_OF_USER = affectedCallersOf(
  { clients: PAIRS_OF_USER },
  '(SELECT u.id, CAST(:account AS uuid) AS scope) o',
)

/** The key pair of a user that new keys of this name replace. */
export const keyPairTarget = ({ userId, accountId }: KeyPairOwner, pairName: string | null): DryRunTarget<UserRow> => {
  const pair = `${PAIRS_OF_USER} AND lower(coalesce(c.pair_name, '')) = lower(CAST(:pairName AS text))`
  const count = (source: string) =>
    boundedCountOf(`clients c CROSS JOIN LATERAL (SELECT 1 FROM ${source} LIMIT ${MOST + 1}) held WHERE ${pair}`)
  return {
    from: userIn('CAST(:userId AS uuid)', 'CAST(:scope AS uuid)'),
    bindings: { userId: checkedId(userId, 'user'), scope: accountId, pairName: pairName?.trim() ?? '' },
    clients: pair,
    accessTokens: count('active_access_tokens t WHERE t.client_key = c.id'),
    refreshTokens: count('active_refresh_tokens r WHERE r.client_id = c.id'),
    what: 'user',
    id: userId,
  }
}

interface AccountRow {
  account_id: string
  status: string
}

const CLIENTS_OF_ACCOUNT = `${ofAccount('c.account_id', 'o.id')} AND ${IS_ACTIVE}`

/** SQL: the clients that were used in the last day, and others of the last week, because that is the precision of their last use. */
const RECENT_CLIENTS = `
  c.account_id = o.id AND ${IS_ACTIVE} AND ${unusedSinceOf('c')} > (now() AT TIME ZONE 'UTC')::date - 9
  ORDER BY ${unusedSinceOf('c')} DESC, c.id DESC`

/** SQL: the callers of the clients of the account in `accounts`. */
export const CALLERS_OF_ACCOUNT = affectedCallersOf(
  { clients: CLIENTS_OF_ACCOUNT, recentClients: RECENT_CLIENTS },
  'accounts o WHERE o.id = accounts.id',
)

/**
 * An account: its clients, the tokens that act for it without a user, and with `users` those that applications of any account have for
 * its users in this account.
 */
export const accountTarget = (
  accountId: string,
  { check, users }: Checked<AccountRow> & { users: boolean },
): DryRunTarget<AccountRow> => {
  const own = activeTokensOf('t.account_id = o.id')
  const ownRefresh = countForEach(
    `clients one WHERE ${ofAccount('one.account_id', 'o.id')} AND one.kind <> 'api' AND one.status = 'active'`,
    'active_refresh_tokens r WHERE r.client_id = one.id',
  )
  // The tokens of the account's own clients are counted already. Others count by the account that they act for, or where they name none
  // by the first account of their user.
  const eachMember = (tokens: string, owner: string, actsFor: string) =>
    countForEach(
      `(SELECT m.user_id AS id FROM memberships m WHERE ${ofAccount('m.account_id', 'o.id')}) one`,
      `${tokens} x WHERE x.subject = CAST(one.id AS text) AND x.subject <> '' AND ${owner} IS DISTINCT FROM o.id
         AND coalesce(${actsFor}, (SELECT u.account_id FROM users u WHERE u.id = one.id)) = o.id`,
    )
  const delegated = eachMember(
    '(SELECT * FROM client_access_tokens WHERE expires_at > now())',
    'x.account_id',
    'x.user_account_id',
  )
  const withoutUser = boundedCountOf("active_access_tokens x WHERE x.subject = CAST(o.id AS text) AND x.subject <> ''")
  const delegatedRefresh = eachMember(
    'active_refresh_tokens',
    '(SELECT owner.account_id FROM clients owner WHERE owner.id = x.client_id)',
    '(SELECT s.account_id FROM consents s WHERE s.id = x.consent_id)',
  )
  return {
    from: '(SELECT a.*, a.id AS account_id FROM accounts a WHERE a.id = :accountId) o',
    bindings: { accountId: checkedId(accountId, 'account') },
    clients: CLIENTS_OF_ACCOUNT,
    recentClients: RECENT_CLIENTS,
    accessTokens: `SELECT (${own}) + (${withoutUser})${users ? ` + (${delegated})` : ''}`,
    refreshTokens: users ? `SELECT (${ownRefresh}) + (${delegatedRefresh})` : `SELECT ${ownRefresh}`,
    what: 'account',
    id: accountId,
    ...(check && { check }),
  }
}

/** Every client of the instance. The latest callers are found by their time. */
export const INSTANCE_TARGET: DryRunTarget = {
  from: '(SELECT CAST(NULL AS uuid) AS account_id) o',
  bindings: {},
  clients: IS_ACTIVE,
  accessTokens: activeTokensOf('true'),
  refreshTokens: boundedCountOf('active_refresh_tokens'),
  callers: `
    SELECT k.client_id AS client_key, k.ip, k.api_id, k.last_used_at
      FROM client_callers k JOIN clients c ON c.id = k.client_id AND ${IS_ACTIVE}
     WHERE ${OF_LAST_DAY} ORDER BY k.last_used_at DESC LIMIT ${MAX_AFFECTED + 1}`,
  what: 'instance',
  id: 'instance',
}

/** SQL: the latest callers of all clients. */
export const CALLERS_OF_INSTANCE = affectedCallersOf(INSTANCE_TARGET, '(SELECT 1) o')
