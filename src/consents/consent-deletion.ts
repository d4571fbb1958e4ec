import type { Knex } from 'knex'
import type { AuditEntry } from '../audit/audit-log.ts'

/**
 * Locks the consents of a user in the order in which a narrowing of the rights of an application locks them.
 * @param accountId only those for this account; undefined: all
 */
export async function lockConsentsOf(trx: Knex, userId: string, accountId: string | undefined): Promise<void> {
  const of = { given_by: userId, ...(accountId !== undefined && { account_id: accountId }) }
  await trx('consents').where(of).orderBy('id').forUpdate().select('id')
}

/**
 * Deletes the consents of a user, whose lock the caller holds, after `lockConsentsOf`; the caller revokes the tokens. Returns the audit
 * events: one for each consent.
 * @param accountId only those for this account; undefined: all
 */
export async function deleteConsentsOf(
  trx: Knex,
  userId: string,
  accountId: string | undefined,
): Promise<AuditEntry[]> {
  const of = accountId === undefined ? 'given_by = :userId' : 'given_by = :userId AND account_id = :accountId'
  const { rows } = await trx.raw<{ rows: { client_id: string; account_id: string | null }[] }>(
    `WITH deleted AS (DELETE FROM consents WHERE ${of} RETURNING client_id)
     SELECT c.client_id, c.account_id FROM deleted d JOIN clients c ON c.id = d.client_id ORDER BY c.id`,
    { userId, ...(accountId !== undefined && { accountId }) },
  )
  return rows.map(({ client_id, account_id }) => ({
    action: 'consent.withdrawn',
    target: { type: 'client', id: client_id },
    accountId: account_id,
    detail: { user_id: userId },
  }))
}
