import type { Knex } from 'knex'
import { deleteMembership, lockMember, type Member, type MembershipKey } from '../accounts/membership-changes.ts'
import { lockAccountExclusive } from '../accounts/user-locks.ts'
import { userEntry } from '../accounts/users.ts'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { clientEntry, setClientStatus } from '../clients/clients.ts'
import { lockKeyPairsOf } from '../clients/key-pairs.ts'
import { deleteConsentsOf, lockConsentsOf } from '../consents/consent-deletion.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { revokeTokensOfHolder } from '../tokens/revocation.ts'

/** Revokes every key pair of a user in an account, with all its tokens. */
export async function revokeKeyPairs(
  trx: Knex,
  { id, accountId }: Pick<Member, 'id' | 'accountId'>,
): Promise<AuditEntry[]> {
  const pairs = await lockKeyPairsOf(trx, { userId: id, accountId: accountId! })
  for (const pair of pairs) await setClientStatus(trx, pair, 'replaced')
  return pairs.map((pair) => clientEntry('key_pair.ended', pair, { user_id: id }))
}

/** Ends what applications hold for a user, as `endAccess` does. */
export async function endConnections(trx: Knex, userId: string, accountId?: string): Promise<AuditEntry[]> {
  await lockConsentsOf(trx, userId, accountId)
  await revokeTokensOfHolder(trx, { userId, ...(accountId !== undefined && { accountId }) })
  return await deleteConsentsOf(trx, userId, accountId)
}

/**
 * Ends everything that a user has given or was given: consents, the tokens that applications hold for the user, and key pairs with their
 * tokens. Every transaction that makes one of these holds the lock of the user, which the caller has taken exclusively. The order of the
 * locks is that of a redemption. The consents are deleted last: by them a token is of an account. Doing it again finds nothing. Returns
 * the audit events. The caller ends the sessions.
 * @param accountId only what belongs to this account; undefined: all
 */
export async function endAccess(
  trx: Knex,
  { id }: Pick<Member, 'id'>,
  accountId: string | undefined,
): Promise<AuditEntry[]> {
  const withdrawn = await endConnections(trx, id, accountId)
  const memberships = trx('memberships').where({ user_id: id }).orderBy('account_id')
  const accounts: string[] = accountId === undefined ? await memberships.pluck('account_id') : [accountId]
  const ended: AuditEntry[] = []
  for (const one of accounts) ended.push(...(await revokeKeyPairs(trx, { id, accountId: one })))
  return [...withdrawn, ...ended]
}

/**
 * Removes a user from an account, while they belong to another one. Sessions that are fixed to the account end, others go on in
 * another account.
 * @throws KeywrightError `not_found`, `conflict` (the user belongs to no other account, or is being deleted)
 */
export async function endMembership(trx: Knex, { userId, accountId }: MembershipKey, actor: Actor): Promise<void> {
  if (!isId(accountId)) throw notFound('membership', accountId)
  await lockAccountExclusive(trx, accountId)
  const member = await lockMember(trx, userId, accountId)
  const revoked = await endAccess(trx, member, accountId)
  await deleteMembership(trx, { userId, accountId })
  await recordAudit(trx, actor, userEntry('membership.removed', member, { role: member.role }), ...revoked)
}
