import type { Knex } from 'knex'
import { lockCredentials } from '../accounts/credentials.ts'
import { checkCanSignIn } from '../accounts/sign-in-methods.ts'
import { userEntry } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { deleteIdentity, toUserIdentity, type UserIdentity, type UserIdentityRow } from './user-identities.ts'

/** Who a user is at identity providers, and the providers that they may connect. */
export interface OwnIdentities {
  /** The oldest first. */
  readonly identities: readonly UserIdentity[]
  /** Enabled ones of the instance and of the accounts of the user, at which the user has no identity. */
  readonly connectable: readonly { readonly id: string; readonly name: string }[]
}

interface OwnRow extends UserIdentityRow {
  kind: 'identity' | 'provider'
}

const MOST = 100

/** SQL. Operators only use providers for operators. */
const USABLE = `
  p.status = 'enabled' AND NOT EXISTS (
    SELECT FROM user_identities i WHERE i.user_id = :userId AND i.provider_id = p.id)
  AND (p.operators OR NOT EXISTS (SELECT FROM users u WHERE u.id = :userId AND u.role = 'operator'))`

const PROVIDER = `'provider', p.id, p.id, p.name, p.account_id, '', NULL, p.created_at, NULL::timestamptz`

const OWN = `
  (SELECT 'identity' AS kind, i.id, i.provider_id, p.name AS provider_name, p.account_id AS provider_account_id, i.subject,
          i.username, i.created_at, i.last_used_at
     FROM user_identities i JOIN identity_providers p ON p.id = i.provider_id
    WHERE i.user_id = :userId ORDER BY i.created_at LIMIT ${MOST})
   UNION ALL
  (SELECT ${PROVIDER} FROM identity_providers p WHERE p.account_id IS NULL AND ${USABLE} LIMIT ${MOST})
   UNION ALL
  (SELECT ${PROVIDER}
     FROM memberships m JOIN accounts a ON a.id = m.account_id JOIN identity_providers p ON p.account_id = m.account_id
    WHERE m.user_id = :userId AND m.status = 'active' AND a.status = 'active' AND ${USABLE} LIMIT ${MOST})
   ORDER BY created_at, id`

async function readOwn(knex: Knex, userId: string): Promise<OwnIdentities> {
  const { rows } = await knex.raw<{ rows: OwnRow[] }>(OWN, { userId })
  const identities = rows.filter(({ kind }) => kind === 'identity')
  const providers = rows.filter(({ kind }) => kind === 'provider')
  return {
    identities: identities.map(toUserIdentity),
    connectable: providers.map((row) => ({ id: row.id, name: row.provider_name })),
  }
}

/** What users see and change of their own identities. The interface has checked that they have just signed in. */
export function createOwnIdentities(knex: Knex) {
  return {
    /** In one statement. */
    read: (userId: string): Promise<OwnIdentities> => readOwn(knex, userId),

    /**
     * Removes an identity of the user, which ends the sessions that began with it. False: the user has none with this ID.
     * @throws LastSignInMethodError
     */
    remove: (userId: string, identityId: string, actor: Actor): Promise<boolean> =>
      knex.transaction(async (trx) => {
        const person = await lockCredentials(trx, userId)
        const { identities } = await readOwn(trx, userId)
        const identity = identities.find(({ id }) => id === identityId)
        if (!person || !identity) return false
        await deleteIdentity(trx, { userId, identityId })
        await checkCanSignIn(trx, userId)
        const detail = { identity_provider: identity.providerId, provider: identity.providerName }
        const entry = userEntry('user.identity_removed', person.user, detail, { subject: identity.subject })
        await recordAudit(trx, actor, entry)
        return true
      }),
  }
}
