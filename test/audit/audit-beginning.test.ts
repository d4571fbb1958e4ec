/** A chain that replaces a removed chain says so itself: an attacker who rewrites the log does not get a clean one. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ensureAuditChain, hasBegunLate, readAuditHead } from '../../src/audit/audit-chain.ts'
import { recordAudit } from '../../src/audit/audit-log.ts'
import { deleteExpiredAuditEvents } from '../../src/audit/audit-sealing.ts'
import { together, until } from '../support/load.ts'
import { awaitedLocks } from '../support/lock-waits.ts'
import { ACTOR, type AuditLog, entryOf, openAuditLog } from './audit-log-fixtures.ts'

let log: AuditLog

beforeEach(async () => {
  log = await openAuditLog()
})

afterEach(() => log.close())

const start = (isNew: boolean) => ensureAuditChain(log.knex, log.keys, { isNew })

async function takeChainAway(): Promise<void> {
  await log.knex('audit_log').update({ seq: null, chain_hash: null })
  await log.knex('audit_chain').delete()
}

async function rewriteLog(): Promise<void> {
  await log.write(3)
  await log.seal()
  await takeChainAway()
  await log.knex('audit_log').update({ actor_id: 'somebody else' })
}

const violationsOf = async (...expected: Parameters<AuditLog['verify']>) =>
  (await log.verify(...expected)).violations.map(({ seq, violation }) => [seq, violation])

test('a log that was rewritten, its seals and its chain taken away, is not verified after a restart', async () => {
  await rewriteLog()
  await start(false)
  expect(await hasBegunLate(log.knex)).toBe(true)
  const begun = await log.knex('audit_log').where({ action: 'audit.chain_begun' })
  expect(begun).toMatchObject([{ seq: 1, actor_type: 'system', target_type: 'audit_log' }])
  await log.seal()
  expect(await violationsOf()).toEqual([[1, 'begun']])
  await start(false)
  expect(await log.knex('audit_log')).toHaveLength(4)
})

test('no more is one that was emptied, filled anew after the restart', async () => {
  await log.write(3)
  await log.seal()
  await log.knex('audit_log').delete()
  await log.knex('audit_chain').delete()
  await start(false)
  await log.write(3)
  await log.seal()
  expect(await violationsOf()).toEqual([[1, 'begun']])
})

test('nor one whose accounts were taken away with the chain, so that it seems new', async () => {
  await rewriteLog()
  await start(true)
  await log.seal()
  expect(await violationsOf()).toEqual([[1, 'begun']])
})

test('its first entry says from which time there were entries without a chain', async () => {
  await log.write(2)
  await log.age(1, 30)
  await takeChainAway()
  const { rows } = await log.knex.raw('SELECT min(at) AS oldest, max(at) AS newest FROM audit_log')
  await start(false)
  const { detail } = await log.knex('audit_log').where({ seq: 1 }).first('detail')
  expect(detail).toEqual({ oldest: rows[0].oldest.toISOString(), newest: rows[0].newest.toISOString() })
})

test('it cannot be taken back: removed, altered or without its seal it is a violation', async () => {
  await rewriteLog()
  await start(false)
  await log.seal()
  const mark = await log.knex('audit_log').where({ seq: 1 }).first()
  await log.knex('audit_log').where({ seq: 1 }).update({ action: 'thing.changed' })
  expect(await violationsOf()).toEqual([[1, 'altered']])
  await log.knex('audit_log').where({ seq: 1 }).update({ action: mark.action, seq: null, chain_hash: null })
  expect(await violationsOf()).toEqual([[1, 'removed']])
  await log.knex('audit_log').where({ id: mark.id }).delete()
  expect(await violationsOf()).toEqual([[1, 'removed']])
})

test('an operator who noted a head of the new chain reads only the later violations', async () => {
  await rewriteLog()
  const before = { seq: 3, hash: Buffer.alloc(32, 7) }
  await start(false)
  const atOnce = (await readAuditHead(log.knex))!
  await log.seal()
  const noted = (await readAuditHead(log.knex))!
  for (const head of [atOnce, noted]) expect(await log.verify(head)).toMatchObject({ verified: true, violations: [] })
  expect(await violationsOf({ seq: 0, hash: Buffer.alloc(32) })).toEqual([[1, 'begun']])
  expect(await violationsOf(before)).toContainEqual([3, 'replaced'])
  await log.knex('audit_log').where({ seq: 2 }).delete()
  expect(await violationsOf(noted)).toEqual([[2, 'removed']])
})

test('anybody can write an entry of that name; only the one that begins a chain is a violation', async () => {
  await recordAudit(log.knex, ACTOR, { ...entryOf(1), action: 'audit.chain_begun' }, entryOf(2))
  await recordAudit(log.knex, ACTOR, { ...entryOf(3), action: 'audit.chain_begun' })
  await log
    .knex('audit_log')
    .where('target_id', 'thing-2')
    .update({ at: new Date('2026-01-01'), recorded_at: new Date('2026-01-01') })
  await log.seal()
  expect(await hasBegunLate(log.knex)).toBe(false)
  expect(await log.verify()).toMatchObject({ verified: true, entries: 3 })
})

test('is said once, however many nodes start, and goes when it is old enough', async () => {
  await rewriteLog()
  await together(8, () => start(false))
  expect(await log.knex('audit_log').where({ action: 'audit.chain_begun' })).toHaveLength(1)
  await log.seal()
  await deleteExpiredAuditEvents(log.knex, log.keys, -1, 100)
  expect(await hasBegunLate(log.knex)).toBe(false)
  expect(await log.verify()).toMatchObject({ verified: true, entries: 0 })
})

test('nodes that start together on a new database begin it in silence, though the first of them writes at once', async () => {
  await log.knex('audit_chain').delete()
  const first = await log.knex.transaction()
  await ensureAuditChain(first, log.keys, { isNew: true })
  const others = together(4, () => start(true))
  await until(async () => (await awaitedLocks(log.knex)).length === 4)
  await recordAudit(first, ACTOR, entryOf(1))
  await first.commit()
  await others
  await log.seal()
  expect(await log.verify()).toMatchObject({ verified: true, entries: 1 })
})
