import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eraseUserFromAudit } from '../../src/audit/audit-erasure.ts'
import { recordAudit } from '../../src/audit/audit-log.ts'
import { listAudit } from '../../src/audit/audit-query.ts'
import { deleteExpiredAuditEvents } from '../../src/audit/audit-sealing.ts'
import { newId } from '../../src/shared/ids.ts'
import { type AuditLog, openAuditLog } from './audit-log-fixtures.ts'

let log: AuditLog
let ada: string

beforeEach(async () => {
  log = await openAuditLog()
  ada = newId()
})
afterEach(() => log.close())

const IP = '203.0.113.77'
const MAIL = 'ada@example.com'

const byAda = (action = 'client.created') =>
  recordAudit(log.knex, { type: 'user', id: ada, ip: IP }, { action, target: { type: 'client', id: 'kwc_1' } })

const aboutAda = (action: string, personal = {}) =>
  recordAudit(
    log.knex,
    { type: 'user', id: newId(), ip: '192.0.2.9' },
    { action, target: { type: 'user', id: ada }, detail: { role: 'member' }, personal },
  )

/** Events by Ada and about her, her deletion, and the erasure. */
async function erased(): Promise<void> {
  await byAda()
  await aboutAda('user.updated', { changes: { email: { from: MAIL, to: 'ada@example.org' } } })
  await byAda('consent.given')
  await log.write(3)
  await aboutAda('user.deleted')
  await log.seal()
  await eraseUserFromAudit(log.knex, ada, 2)
}

const violationsOf = async () => (await log.verify()).violations.map(({ violation, seq }) => [violation, seq])

test('the addresses of a deleted user and the details about them are erased, other events keep theirs, and the chain verifies', async () => {
  await erased()
  const stored = JSON.stringify(await log.knex('audit_log'))
  for (const personal of [IP, MAIL, createHash('sha256').update(IP).digest('hex')])
    expect(stored).not.toContain(personal)
  expect(await log.verify()).toMatchObject({ verified: true, entries: 7, erased: 3, violations: [] })
  const [deletion, , , , , updated] = await listAudit(log.knex, {}, { limit: 10 })
  expect(deletion).toMatchObject({ action: 'user.deleted', ip: '192.0.2.9', isErased: false })
  expect(updated).toMatchObject({ action: 'user.updated', ip: '192.0.2.9', isErased: true, detail: { role: 'member' } })
  expect(updated!.detail.changes).toBeUndefined()
})

test('an event shows its personal details until they are erased', async () => {
  await aboutAda('user.updated', { changes: { name: { from: null, to: 'Ada' } } })
  const [event] = await listAudit(log.knex, {}, { limit: 1 })
  expect(event).toMatchObject({ isErased: false, detail: { role: 'member', changes: { name: { to: 'Ada' } } } })
})

test('an altered event is found after an erasure, whether its fields were erased or not', async () => {
  await erased()
  await log.knex('audit_log').where({ seq: 1 }).update({ action: 'client.archived' })
  await log.knex('audit_log').where({ seq: 5 }).update({ detail: '{"n":9}' })
  expect(await violationsOf()).toEqual([
    ['altered', 1],
    ['altered', 5],
  ])
})

test('a removed event, an altered address and a commitment that was replaced with its field are found', async () => {
  await erased()
  const salt = Buffer.alloc(16)
  const forged = createHash('sha256').update(salt).update('192.0.2.66').digest()
  await log.knex('audit_log').where({ seq: 4 }).update({ ip: '192.0.2.66' })
  await log.knex('audit_log').where({ seq: 5 }).update({ ip: '192.0.2.66', ip_salt: salt, ip_commitment: forged })
  await log.knex('audit_log').where({ seq: 6 }).delete()
  expect(await violationsOf()).toEqual([
    ['altered', 4],
    ['altered', 5],
    ['removed', 6],
  ])
})

test('a field of an erased event that somebody writes again is found', async () => {
  await erased()
  await log.knex('audit_log').where({ seq: 1 }).update({ ip: '192.0.2.66' })
  await log
    .knex('audit_log')
    .where({ seq: 3 })
    .update({ ip: '192.0.2.66', ip_salt: Buffer.alloc(16) })
  expect(await violationsOf()).toEqual([
    ['altered', 1],
    ['altered', 3],
  ])
})

test('fields that were erased without the deletion of their user are found', async () => {
  await log.write(2)
  await byAda()
  await log.seal()
  await eraseUserFromAudit(log.knex, ada, 10)
  expect(await violationsOf()).toEqual([['erased', 3]])
  await aboutAda('user.deleted')
  expect((await log.verify()).verified).toBe(true)
})

test('events of the former format verify beside new ones, and an alteration of them is found', async () => {
  await log.write(2)
  const former = { format: 1, ip_salt: null, ip_commitment: null, personal_salt: null, personal_commitment: null }
  await log.knex('audit_log').update(former)
  await byAda()
  await log.seal()
  expect(await log.verify()).toMatchObject({ verified: true, entries: 3 })
  await log.knex('audit_log').where({ seq: 1 }).update({ ip: null })
  await log.knex('audit_log').where({ seq: 2 }).update({ format: 2 })
  expect(await violationsOf()).toEqual([
    ['altered', 1],
    ['altered', 2],
  ])
})

test('an event whose address was altered is not deleted by age', async () => {
  await byAda()
  await log.age(1, 40)
  await log.seal()
  await log.knex('audit_log').update({ ip: '192.0.2.66' })
  await expect(deleteExpiredAuditEvents(log.knex, log.keys, 30, 10)).rejects.toMatchObject({ code: 'conflict' })
})
