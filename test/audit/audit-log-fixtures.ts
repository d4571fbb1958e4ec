import { randomBytes } from 'node:crypto'
import { ensureAuditChain } from '../../src/audit/audit-chain.ts'
import { type Actor, type AuditEntry, recordAudit } from '../../src/audit/audit-log.ts'
import { sealAudit } from '../../src/audit/audit-sealing.ts'
import { verifyAudit } from '../../src/audit/audit-verification.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { createTestDatabase } from '../support/postgres.ts'

/** An audit log in a database of its own, with nobody else at it. */
export type AuditLog = Awaited<ReturnType<typeof openAuditLog>>

export const ACTOR: Actor = {
  type: 'user',
  id: '0191f4a0-0000-7000-8000-000000000001',
  ip: '192.0.2.1',
  requestId: 'r-1',
}

export const entryOf = (n: number): AuditEntry => ({
  action: 'thing.changed',
  target: { type: 'thing', id: `thing-${n}` },
  detail: { n, text: 'Grüße "quoted" \\ back', nested: { b: 1, a: [1.5, null] } },
})

export async function openAuditLog() {
  const created = await createTestDatabase()
  const { knex, query, close } = openDatabase(created.url)
  const keys = createEncryptionKeys([randomBytes(32)])
  await ensureAuditChain(knex, keys, { isNew: true })

  const seal = (batch = 500) => sealAudit(knex, keys, batch)

  return {
    knex,
    query,
    keys,
    /** As many entries, each of a transaction of its own. */
    async write(count: number): Promise<void> {
      for (let n = 0; n < count; n++) await recordAudit(knex, ACTOR, entryOf(n))
    },
    seal,
    verify: (expect?: { seq: number; hash: Buffer }) => verifyAudit(knex, keys, expect),
    /** Moves the times of the first entries into the past, before they are sealed. */
    async age(count: number, days: number): Promise<void> {
      await knex.raw(
        `UPDATE audit_log SET at = at - make_interval(days => ?)
          WHERE id IN (SELECT id FROM audit_log WHERE seq IS NULL ORDER BY at, id LIMIT ?)`,
        [days, count],
      )
    },
    async idOf(seq: number): Promise<string> {
      return (await knex('audit_log').where({ seq }).first('id')).id
    },
    async close() {
      await close()
      await created.drop()
    },
  }
}
