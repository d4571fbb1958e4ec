import type { Knex } from 'knex'
import { deleteMembership, lockMember, type Member, type MembershipKey } from '../accounts/membership-changes.ts'
import { lockAccountExclusive } from '../accounts/user-locks.ts'
import { userEntry } from '../accounts/users.ts'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { clientEntry, setClientStatus } from '../clients/clients.ts'
import { lockKeyPairsOf } from '../clients/key-pairs.ts'
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

/**
 * Revokes what a user has of an account: the consents and the tokens that applications hold for the user there, and the key pairs with
 * their tokens.
 * Every transaction that makes one of these holds the lock of the user, which the caller has taken exclusively.
 */
export async function revokeWithMembership(trx: Knex, member: Member): Promise<AuditEntry[]> {
  const consents = { given_by: member.id, account_id: member.accountId }
  // First, as a narrowing of the rights of an application locks them.
  await trx('consents').where(consents).orderBy('id').forUpdate().select('id')
  await revokeTokensOfHolder(trx, { userId: member.id, accountId: member.accountId! })
  await trx('consents').where(consents).delete()
  return await revokeKeyPairs(trx, member)
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
  const revoked = await revokeWithMembership(trx, member)
  await deleteMembership(trx, { userId, accountId })
  await recordAudit(trx, actor, userEntry('membership.removed', member, { role: member.role }), ...revoked)
}
