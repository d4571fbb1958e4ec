import type { Knex } from 'knex'
import { roleOf } from '../accounts/memberships.ts'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { SESSIONS_OF_USER } from '../accounts/user-sessions.ts'
import { auditFields } from '../audit/audit-lines.ts'
import { exportAudit } from '../audit/audit-query.ts'
import { visibleRecord } from './attribute-changes.ts'
import { operation, requirePermission } from './operation.ts'
import type { Principal } from './principal.ts'
import { personFor } from './tenant-isolation.ts'

/** One part of what is stored about a user; its names are those of the JSON. */
export interface UserDataItem {
  readonly kind:
    | 'profile'
    | 'membership'
    | 'identity'
    | 'passkey'
    | 'second_factor'
    | 'session'
    | 'consent'
    | 'grant'
    | 'key_pair'
    | 'identity_provider'
    | 'application'
    | 'activity'
  readonly data: Record<string, unknown>
}

/** Items of a kind; an export is not read at once, but the lists of a user are short. */
const MOST = 10_000

/** How each kind is read. Secrets and password hashes are left out. */
const LISTS: readonly (readonly [kind: UserDataItem['kind'], text: string])[] = [
  [
    'profile',
    `SELECT u.id, u.email, u.email_verified, u.name, u.language, ${roleOf('u')} AS role, u.status, u.account_id,
            a.name AS account_name, u.created_at, u.updated_at, u.last_signed_in_at, u.password_changed_at, u.sessions_valid_from
       FROM users u LEFT JOIN accounts a ON a.id = u.account_id WHERE u.id = CAST(:user AS uuid)`,
  ],
  [
    'membership',
    `SELECT m.account_id, a.name AS account_name, m.role, m.status, m.created_at
       FROM memberships m JOIN accounts a ON a.id = m.account_id
      WHERE m.user_id = CAST(:user AS uuid) AND m.account_id = coalesce(CAST(:account AS uuid), m.account_id) ORDER BY m.created_at LIMIT ${MOST}`,
  ],
  [
    'identity',
    `SELECT p.issuer, p.name AS provider, p.account_id, i.subject, i.username, i.created_at, i.last_used_at
       FROM user_identities i JOIN identity_providers p ON p.id = i.provider_id
      WHERE i.user_id = CAST(:user AS uuid)
        AND (p.account_id IS NULL OR p.account_id = coalesce(CAST(:account AS uuid), p.account_id)) ORDER BY i.created_at LIMIT ${MOST}`,
  ],
  [
    'passkey',
    `SELECT p.name, p.synced, p.transports, p.created_at, p.last_used_at
       FROM passkeys p WHERE p.user_id = CAST(:user AS uuid) ORDER BY p.created_at LIMIT ${MOST}`,
  ],
  [
    'second_factor',
    `SELECT 'authenticator_app' AS factor, f.name, f.created_at, f.last_used_at
       FROM totp_factors f WHERE f.user_id = CAST(:user AS uuid) ORDER BY f.created_at LIMIT ${MOST}`,
  ],
  [
    'session',
    `SELECT s.browser, s.system, s.address, s.signed_in_at, s.last_used_at
       FROM users u CROSS JOIN LATERAL (${SESSIONS_OF_USER}) s WHERE u.id = CAST(:user AS uuid)`,
  ],
  [
    'consent',
    `SELECT c.client_id, c.name AS application, s.account_id, s.identity_scopes, s.claims, s.apis, s.allowed_at
       FROM consents s JOIN clients c ON c.id = s.client_id WHERE s.given_by = CAST(:user AS uuid) ORDER BY s.allowed_at LIMIT ${MOST}`,
  ],
  [
    'grant',
    `SELECT r.client_identifier AS client_id, s.account_id, r.audience, r.scope, r.created_at, r.expires_at, r.sign_in
       FROM active_refresh_tokens r LEFT JOIN consents s ON s.id = r.consent_id
      WHERE r.subject = :user AND r.subject <> '' ORDER BY r.created_at LIMIT ${MOST}`,
  ],
  [
    'key_pair',
    `SELECT client_id, status, created_at, deactivated_at FROM clients
      WHERE user_id = CAST(:user AS uuid) AND kind = 'key_pair' ORDER BY id LIMIT ${MOST}`,
  ],
  [
    'identity_provider',
    `SELECT account_id, user_name, external_id, given_name, family_name, updated_at
       FROM scim_users WHERE user_id = CAST(:user AS uuid) AND account_id = coalesce(CAST(:account AS uuid), account_id) ORDER BY account_id LIMIT ${MOST}`,
  ],
  [
    'application',
    `SELECT client_id, name, status, created_at FROM clients WHERE created_by = CAST(:user AS uuid) ORDER BY id LIMIT ${MOST}`,
  ],
]

/** What only operators see of a user, who may nevertheless know what is stored about them. */
const EXTERNAL = 'SELECT external_id, metadata FROM users WHERE id = CAST(:user AS uuid)'

const mayReadExternal = ({ role, userId }: Principal, user: string): boolean => role === 'operator' || userId === user

async function readExternal(knex: Knex, user: string): Promise<Record<string, unknown>> {
  const { rows } = await knex.raw(EXTERNAL, { user })
  return rows[0] ?? {}
}

async function* listed(knex: Knex, principal: Principal, user: string): AsyncGenerator<UserDataItem> {
  // An admin does not see what the identity provider of another account says.
  const account = principal.userId === user ? null : principal.accountId
  for (const [kind, text] of LISTS) {
    const { rows } = await knex.raw(text, { user, account })
    const external = kind === 'profile' && mayReadExternal(principal, user) ? await readExternal(knex, user) : {}
    for (const data of rows) yield { kind, data: { ...data, ...external } }
  }
}

/** Events that the user caused, then those about the user, newest first; as the caller may read them. */
async function* activity(knex: Knex, principal: Principal, user: string): AsyncGenerator<UserDataItem> {
  const account = principal.role === 'operator' ? {} : { accountId: principal.accountId!, forAccount: true }
  for (const filter of [{ actor: user }, { target: user }]) {
    for await (const record of exportAudit(knex, { ...account, ...filter })) {
      const isRepeated = 'target' in filter && record.actor.id === user
      if (!isRepeated) yield { kind: 'activity', data: auditFields(visibleRecord(record, principal)) }
    }
  }
}

async function* userData(knex: Knex, principal: Principal, user: string): AsyncGenerator<UserDataItem> {
  yield* listed(knex, principal, user)
  yield* activity(knex, principal, user)
}

/**
 * What is stored about a user. Users export their own data; admins and operators that of the users whom they manage.
 * @throws KeywrightError `not_found`, `forbidden`
 */
export const exportUserData = operation<{ userId: string }, AsyncIterable<UserDataItem>>(
  PERMISSIONS.exportOwnData,
  async ({ knex }, principal, { userId }) => {
    if (userId !== principal.userId) requirePermission(principal, PERMISSIONS.viewUsers)
    const { id } = await personFor(knex, principal, userId)
    return userData(knex, principal, id)
  },
)
