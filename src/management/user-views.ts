import type { SettableStatus } from '../accounts/account-attributes.ts'
import { conditionOf, isVouched, lateralMembership, type MembershipCondition } from '../accounts/memberships.ts'
import type { AccountRole } from '../accounts/user-attributes.ts'
import { SESSIONS_OF_USER, type SessionRow, toUserSession, type UserSession } from '../accounts/user-sessions.ts'
import { membershipColumns, toUser, type User, type UserWithAccountRow } from '../accounts/users.ts'
import { isPendingKey } from '../database/address-keys.ts'
import { ADDED_APPLICATIONS, type AddedApplication } from './applications-by-creator.ts'
import { activeTokensOf, type Bounded, delegatedTokensOf, ofAccount, toBounded } from './bounded-counts.ts'
import { type AffectedCallers, type AffectedClientCaller, toAffectedCallers } from './dry-run.ts'
import { CALLERS_OF_USER } from './dry-run-owner-targets.ts'
import type { Principal } from './principal.ts'

/** A user as lists show them. */
export interface UserSummary extends User {
  /** Null for an operator. */
  readonly accountName: string | null
  readonly createdAt: Date
  /** The user has not chosen a password yet. */
  readonly isInvited: boolean
  /** Without a password the user cannot sign in until an admin or operator gives them a one-time password. */
  readonly hasPassword: boolean
  readonly lastSignedInAt: Date | null
  /** The address is that of a user elsewhere, who has not joined the account yet. Only operators learn it. */
  readonly isPending: boolean
}

/** An account of a user, as operators see it. */
export interface AccountOfDetails {
  readonly accountId: string
  readonly accountName: string
  readonly role: AccountRole
  readonly status: SettableStatus
  /** What has to happen before the user acts here in sessions of their own; null: nothing. */
  readonly waitsFor: MembershipCondition | null
}

/** At most so many accounts of a user are shown. */
const MAX_ACCOUNTS = 200

export interface UserDetails extends UserSummary {
  /** Client ID of the user's default key pair. */
  readonly keyPair: string | null
  /** Number of active named key pairs. */
  readonly namedKeyPairs: number
  readonly authenticatorApps: number
  readonly passkeys: number
  /** Unused recovery codes. */
  readonly recoveryCodes: number
  /** Number of applications that have the user's consent. */
  readonly applications: number
  /** Active access tokens of the user's key pairs. */
  readonly ownTokens: Bounded
  /** Active access tokens that applications hold for the user. */
  readonly applicationTokens: Bounded
  /** The one that was used last first, at most `MAX_SESSIONS`. */
  readonly sessions: readonly UserSession[]
  /** Newest first, at most `MAX_ADDED_APPLICATIONS`. */
  readonly addedApplications: readonly AddedApplication[]
  /** Callers of the user's key pairs; absent: not read. */
  readonly affected?: AffectedCallers
  /** The user is a member of another account as well: an admin of this one does not change what belongs to the person. */
  readonly hasOtherAccounts: boolean
  /** For operators: all accounts of the user by name, at most `MAX_ACCOUNTS`. Admins do not learn of others. */
  readonly accounts: readonly AccountOfDetails[]
  /** A membership waits until an operator, or a service of the company, confirms the address. Only operators learn it. */
  readonly waitsForAddress: boolean
  /** The account has no other active admin who can sign in. */
  readonly isLastAdmin: boolean
}

export interface UserSubjectRow extends UserWithAccountRow {
  email_key: string
  created_at: Date
  password_change_required: boolean
  password_hash: string | null
  last_signed_in_at: Date | null
}

export const toSummary = (row: UserSubjectRow, { role }: Pick<Principal, 'role'>): UserSummary => ({
  ...toUser(row),
  accountName: row.account_name,
  createdAt: row.created_at,
  isInvited: row.password_change_required,
  hasPassword: row.password_hash !== null,
  lastSignedInAt: row.last_signed_in_at,
  isPending: role === 'operator' && isPendingKey(row.email_key),
})

/** SQL: the account whose admin asks; null: an operator asks, who sees what the user has in all accounts. */
const SCOPE = 'CAST(:account AS uuid)'

/** SQL: the details of one user, by the ID. @param columns SQL: further columns */
const selectUser = (columns = ''): string => `
  SELECT u.*, ${membershipColumns('u')},
         (SELECT c.client_id FROM clients c
           WHERE c.user_id = u.id AND c.account_id = membership.account_id AND c.kind = 'key_pair' AND c.status <> 'replaced' AND c.pair_name IS NULL) AS key_pair,
         (SELECT count(*)::int FROM clients c
           WHERE c.user_id = u.id AND c.account_id = membership.account_id AND c.kind = 'key_pair' AND c.status = 'active'
             AND c.pair_name IS NOT NULL) AS named_key_pairs,
         (SELECT count(*)::int FROM totp_factors f WHERE f.user_id = u.id) AS authenticator_apps,
         (SELECT count(*)::int FROM passkeys p WHERE p.user_id = u.id) AS passkeys,
         (SELECT count(*)::int FROM recovery_codes r WHERE r.user_id = u.id AND r.used_at IS NULL) AS recovery_codes,
         (SELECT count(*)::int FROM consents s
           WHERE s.given_by = u.id AND (${SCOPE} IS NULL OR s.account_id = ${SCOPE})) AS applications,
         (${activeTokensOf(`t.user_id = u.id AND t.account_id = coalesce(${SCOPE}, t.account_id)`)}) AS own_tokens,
         (${delegatedTokensOf('u.id', `${SCOPE} IS NULL OR coalesce(t.user_account_id, u.account_id) = ${SCOPE}`)}) AS application_tokens,
         (SELECT json_agg(s) FROM (${SESSIONS_OF_USER}) s) AS sessions,
         ${SCOPE} IS NULL AND NOT coalesce(${isVouched('u')}, false)
           AND EXISTS (SELECT FROM memberships w WHERE w.user_id = u.id AND w.needs_proof) AS waits_for_address,
         (SELECT json_agg(listed) FROM (
            SELECT m.account_id AS "accountId", a.name AS "accountName", m.role, m.status, ${conditionOf('u')} AS "waitsFor"
              FROM memberships m JOIN accounts a ON a.id = m.account_id
             WHERE m.user_id = u.id AND ${SCOPE} IS NULL ORDER BY lower(a.name), a.id LIMIT ${MAX_ACCOUNTS}) listed) AS accounts,
         (${ADDED_APPLICATIONS}) AS added_applications, ${columns}
         membership.role = 'admin' AND membership.status = 'active' AND u.status = 'active' AND NOT EXISTS (
           SELECT FROM memberships p JOIN users o ON o.id = p.user_id
            WHERE ${ofAccount('p.account_id', 'membership.account_id')} AND p.role = 'admin' AND p.status = 'active'
              AND o.status = 'active' AND o.id <> u.id AND o.password_hash IS NOT NULL) AS is_last
    FROM users u ${lateralMembership(`m.account_id = coalesce(${SCOPE}, m.account_id)`, undefined, 'u')}
   WHERE u.id = :user AND (${SCOPE} IS NULL OR membership.account_id IS NOT NULL)`

export const READ_USER = selectUser()

/** SQL: also the callers, for the pages that show whom an action affects. */
export const READ_USER_WITH_CALLERS = selectUser(`(${CALLERS_OF_USER}) AS callers,`)

export interface DetailsRow extends UserSubjectRow {
  key_pair: string | null
  named_key_pairs: number
  authenticator_apps: number
  passkeys: number
  recovery_codes: number
  applications: number
  own_tokens: number
  application_tokens: number
  sessions: SessionRow[] | null
  added_applications: AddedApplication[] | null
  callers?: AffectedClientCaller[] | null
  accounts: AccountOfDetails[] | null
  waits_for_address: boolean
  is_last: boolean
}

export const toDetails = (row: DetailsRow, principal: Pick<Principal, 'role'>): UserDetails => ({
  ...toSummary(row, principal),
  keyPair: row.key_pair,
  namedKeyPairs: row.named_key_pairs,
  authenticatorApps: row.authenticator_apps,
  passkeys: row.passkeys,
  recoveryCodes: row.recovery_codes,
  applications: row.applications,
  ownTokens: toBounded(row.own_tokens),
  applicationTokens: toBounded(row.application_tokens),
  sessions: (row.sessions ?? []).map(toUserSession),
  addedApplications: row.added_applications ?? [],
  ...(row.callers !== undefined && { affected: toAffectedCallers(row.callers) }),
  hasOtherAccounts: row.has_other_accounts,
  accounts: row.accounts ?? [],
  waitsForAddress: row.waits_for_address,
  isLastAdmin: row.is_last,
})
