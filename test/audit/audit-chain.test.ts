import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ensureAuditChain, readAuditHead, SEALED_AUDIT_CHAIN } from '../../src/audit/audit-chain.ts'
import { recordAudit } from '../../src/audit/audit-log.ts'
import { deleteExpiredAuditEvents } from '../../src/audit/audit-sealing.ts'
import { verifyAudit } from '../../src/audit/audit-verification.ts'
import { resealColumn } from '../../src/database/resealing.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { together } from '../support/load.ts'
import { ACTOR, type AuditLog, entryOf, openAuditLog } from './audit-log-fixtures.ts'

let log: AuditLog

beforeEach(async () => {
  log = await openAuditLog()
})

afterEach(() => log.close())

const sealed = async (count: number) => {
  await log.write(count)
  await log.seal()
}

const violationsOf = async () => (await log.verify()).violations

describe('sealing', () => {
  test('takes what is committed in the order of its time, in batches, and an untouched log is verified', async () => {
    await log.write(25)
    expect((await log.verify()).unsealed).toBe(25)
    expect([await log.seal(10), await log.seal(10)]).toEqual([25, 0])
    const order = await log.knex('audit_log').orderBy(['at', 'id']).pluck('seq')
    expect(order).toEqual(Array.from({ length: 25 }, (_, n) => n + 1))
    expect(await log.verify()).toMatchObject({
      verified: true,
      entries: 25,
      unsealed: 0,
      violations: [],
      head: { seq: 25 },
    })
  })

  test('does not miss the entry of a transaction that began before others and commits after them', async () => {
    const late = await log.knex.transaction()
    await recordAudit(late, ACTOR, entryOf(0))
    await sealed(3)
    await late.commit()
    await sealed(1)
    const [first] = await log.knex('audit_log').orderBy(['at', 'id']).pluck('seq')
    expect(first).toBe(4)
    expect(await log.verify()).toMatchObject({ verified: true, entries: 5, unsealed: 0 })
  })

  test('orders changes that waited for each other as they were made, although the later one began first', async () => {
    const later = await log.knex.transaction()
    await later.raw('SELECT now()')
    await log.write(1)
    const [id] = await recordAudit(later, ACTOR, entryOf(1))
    await later.commit()
    await log.seal()
    const [begunFirst] = await log.knex('audit_log').orderBy(['at', 'id']).pluck('id')
    expect(begunFirst).toBe(id)
    expect(await log.idOf(2)).toBe(id)
    expect((await log.verify()).verified).toBe(true)
  })

  test('orders such changes also when a batch ends between them', async () => {
    const later = await log.knex.transaction()
    await later.raw('SELECT now()')
    await log.write(2)
    const [id] = await recordAudit(later, ACTOR, entryOf(2))
    await later.commit()
    expect(await log.seal(2)).toBe(3)
    expect(await log.idOf(3)).toBe(id)
    expect((await log.verify()).verified).toBe(true)
  })

  test('waits for no writer, and no writer for it', async () => {
    const writer = await log.knex.transaction()
    await recordAudit(writer, ACTOR, entryOf(0))
    await sealed(2)
    const sealing = await log.knex.transaction()
    await sealing('audit_chain').forUpdate()
    await log.write(1)
    await sealing.commit()
    await writer.commit()
    expect(await log.seal()).toBe(2)
  })

  test('by many at once gives every entry one place', async () => {
    await log.write(60)
    const counts = await together(8, () => log.seal(7))
    counts.push(await log.seal())
    expect(counts.reduce((sum, count) => sum + count)).toBe(60)
    const seqs = await log.knex('audit_log').orderBy('seq').pluck('seq')
    expect(seqs).toEqual(Array.from({ length: 60 }, (_, n) => n + 1))
    expect((await log.verify()).verified).toBe(true)
  })

  test('does not vouch for a chain whose head somebody moved', async () => {
    await sealed(3)
    await log.knex('audit_chain').update({ head_seq: 2 })
    await log.write(1)
    await expect(log.seal()).rejects.toMatchObject({ code: 'conflict' })
    expect((await log.verify()).unsealed).toBe(1)
  })
})

const columns = [
  ['action', 'x.y'],
  ['at', '2001-01-01T00:00:00Z'],
  ['actor_type', 'system'],
  ['actor_id', 'somebody'],
  ['account_id', '0191f4a0-0000-7000-8000-000000000009'],
  ['target_type', 'other'],
  ['target_id', 'other'],
  ['ip', '198.51.100.9'],
  ['request_id', null],
  ['detail', '{"n":4}'],
  ['id', '0191f4a0-0000-7000-8000-00000000000a'],
  ['chain_hash', Buffer.alloc(32)],
] as const

describe('verifying', () => {
  test.each(columns)('finds the one entry whose %s was altered', async (column, value) => {
    await sealed(9)
    await log
      .knex('audit_log')
      .where({ seq: 5 })
      .update({ [column]: value })
    expect(await log.verify()).toMatchObject({ verified: false, violationCount: 1 })
    expect(await violationsOf()).toEqual([{ seq: 5, id: await log.idOf(5), violation: 'altered' }])
  })

  test('finds an altered microsecond', async () => {
    await sealed(3)
    await log
      .knex('audit_log')
      .where({ seq: 2 })
      .update({ at: log.knex.raw(`at + interval '1 microsecond'`) })
    expect(await violationsOf()).toMatchObject([{ seq: 2, violation: 'altered' }])
  })

  test.each([
    ['first', 1],
    ['middle', 5],
    ['last', 9],
  ])('finds that the %s entry was removed', async (_, seq) => {
    await sealed(9)
    await log.knex('audit_log').where({ seq }).delete()
    expect(await violationsOf()).toEqual([{ seq, id: null, violation: 'removed' }])
  })

  test('finds entries that were removed although those behind moved up', async () => {
    await sealed(9)
    await log.knex('audit_log').where({ seq: 4 }).delete()
    for (let seq = 5; seq <= 9; seq++)
      await log
        .knex('audit_log')
        .where({ seq })
        .update({ seq: seq - 1 })
    expect((await log.verify()).verified).toBe(false)
  })

  test('finds two entries that changed places', async () => {
    await sealed(5)
    const swap = async (from: number, to: number) =>
      await log.knex('audit_log').where({ seq: from }).update({ seq: to })
    await swap(2, 100)
    await swap(3, 2)
    await swap(100, 3)
    expect((await violationsOf()).map(({ violation }) => violation)).toContain('altered')
  })

  test('finds entries numbered beyond the head or before the beginning, and an end that was cut off with its head', async () => {
    await sealed(5)
    const row = await log.knex('audit_log').where({ seq: 5 }).first()
    for (const [n, seq] of [9, 0, -7].entries()) {
      const id = `0191f4a0-0000-7000-8000-00000000000${n}`
      await log.knex('audit_log').insert({ ...row, id, seq })
    }
    expect((await violationsOf()).map(({ seq, violation }) => [seq, violation])).toEqual([
      [-7, 'forged'],
      [0, 'forged'],
      [9, 'forged'],
    ])
    await log.knex('audit_log').whereIn('seq', [-7, 0, 4, 5, 9]).delete()
    const third = await log.knex('audit_log').where({ seq: 3 }).first()
    await log.knex('audit_chain').update({ head_seq: 3, head_hash: third.chain_hash })
    expect(await violationsOf()).toEqual([{ seq: null, id: null, violation: 'forged' }])
  })

  test('finds a beginning that was cut off with its base', async () => {
    await sealed(5)
    const second = await log.knex('audit_log').where({ seq: 2 }).first()
    await log.knex('audit_log').where('seq', '<=', 2).delete()
    await log.knex('audit_chain').update({ base_seq: 2, base_hash: second.chain_hash })
    expect(await violationsOf()).toEqual([{ seq: null, id: null, violation: 'forged' }])
  })

  test('finds that the chain was taken away, and that its seals were', async () => {
    await sealed(5)
    await log.knex('audit_log').where({ seq: 3 }).update({ seq: null, chain_hash: null })
    await log.seal()
    expect(await violationsOf()).toEqual([{ seq: 3, id: null, violation: 'removed' }])
    await log.knex('audit_chain').delete()
    await ensureAuditChain(log.knex, log.keys, { isNew: false })
    expect(await log.verify()).toMatchObject({ verified: false, head: null })
  })

  test('tells a thousand violations at most, and how many there are', async () => {
    await sealed(3)
    await log.knex.raw(
      `INSERT INTO audit_log (id, action, actor_type, target_type, target_id, seq, chain_hash)
       SELECT gen_random_uuid(), 'x.y', 'system', 't', 'i', 9223372036854770000 + n, '\\x00' FROM generate_series(1, 2100) n`,
    )
    const { violations, violationCount, entries } = await log.verify()
    expect({ reported: violations.length, violationCount, entries }).toEqual({
      reported: 1000,
      violationCount: 2100,
      entries: 2103,
    })
  })

  /** So many entries that are old enough to be forgotten. */
  async function fillThePast(count: number): Promise<void> {
    await log.knex.raw(
      `INSERT INTO audit_log (id, at, action, actor_type, target_type, target_id)
       SELECT gen_random_uuid(), now() - interval '10 days', 'x.y', 'system', 't', n::text FROM generate_series(1, ?) n`,
      [count],
    )
    await log.seal()
  }

  test('does not take for removed what is forgotten before it, by a walk that has begun', async () => {
    await fillThePast(2500)
    let pages = 0
    const overtaken = Object.assign((table: string) => log.knex(table), {
      async raw(sql: string, values: never) {
        if (++pages === 2) for (let n = 0; n < 3; n++) await deleteExpiredAuditEvents(log.knex, log.keys, 5, 500)
        return await log.knex.raw(sql, values)
      },
    })
    expect(await verifyAudit(overtaken as never, log.keys)).toMatchObject({
      verified: true,
      entries: 2000,
      violations: [],
    })
  })

  test('walks more than a page while others write, seal and forget, and finds nothing', async () => {
    await fillThePast(3500)
    // Few at once: they share this process, and each step of a transaction that holds the chain waits for every other's.
    const forgetting = together(2, async () => {
      for (let n = 0; n < 15; n++) await deleteExpiredAuditEvents(log.knex, log.keys, 5, 100)
    })
    const writing = sealed(20)
    const verdicts = await together(3, () => log.verify())
    await Promise.all([forgetting, writing])
    expect(verdicts.flatMap(({ violations }) => violations)).toEqual([])
    expect(await log.verify()).toMatchObject({ verified: true, entries: 520 })
  })

  test('holds the chain to a head that was noted elsewhere, also when the whole log was set back and written anew', async () => {
    await sealed(4)
    const before = await log.knex('audit_chain').first()
    await sealed(2)
    const noted = (await readAuditHead(log.knex))!
    await sealed(2)
    expect(await log.verify(noted)).toMatchObject({ verified: true, violations: [] })
    await log.knex('audit_log').where('seq', '>', 4).delete()
    await log.knex('audit_chain').update(before)
    expect((await log.verify()).verified).toBe(true)
    expect((await log.verify(noted)).violations).toEqual([{ seq: 6, id: null, violation: 'removed' }])
    await sealed(4)
    expect((await log.verify()).verified).toBe(true)
    expect((await log.verify(noted)).violations).toEqual([{ seq: 6, id: null, violation: 'replaced' }])
  })
})

describe('forgetting', () => {
  const forget = (days: number, limit = 100) => deleteExpiredAuditEvents(log.knex, log.keys, days, limit)

  test('takes the oldest of the chain in batches, and what is left is verified', async () => {
    await log.write(12)
    await log.age(7, 30)
    await log.seal()
    expect([await forget(20, 5), await forget(20, 5), await forget(20, 5)]).toEqual([5, 2, 0])
    expect(await log.verify()).toMatchObject({ verified: true, entries: 5, head: { seq: 12 } })
    await sealed(1)
    expect(await log.verify()).toMatchObject({ verified: true, entries: 6, head: { seq: 13 } })
  })

  test('takes nothing that is not sealed, and nothing behind an entry that is too young', async () => {
    await log.write(3)
    await log.age(3, 30)
    expect(await forget(20)).toBe(0)
    await sealed(1)
    await log.write(2)
    await log.age(2, 30)
    await log.seal()
    expect(await forget(20)).toBe(3)
    const violations = [{ violation: 'misdated' }, { violation: 'misdated' }]
    expect(await log.verify()).toMatchObject({ entries: 3, violations })
  })

  test('takes all, and the next entry follows', async () => {
    await log.write(3)
    await log.age(3, 30)
    await log.seal()
    expect(await forget(20)).toBe(3)
    expect(await log.verify()).toMatchObject({ verified: true, entries: 0, head: { seq: 3 } })
    await sealed(1)
    expect(await log.verify()).toMatchObject({ verified: true, entries: 1, head: { seq: 4 } })
  })

  test('is no way to lose an entry by giving it a false date, nor one that was altered', async () => {
    await sealed(3)
    await log
      .knex('audit_log')
      .where({ seq: 1 })
      .update({ at: new Date('2001-01-01') })
    await expect(forget(20)).rejects.toMatchObject({ code: 'conflict' })
    expect(await log.knex('audit_log').whereNotNull('seq')).toHaveLength(3)
  })

  test('distinguishes a noted head from one that was removed', async () => {
    await log.write(3)
    await log.age(3, 30)
    await log.seal()
    const noted = { seq: 2, hash: (await log.knex('audit_log').where({ seq: 2 }).first()).chain_hash }
    await forget(20)
    expect((await log.verify(noted)).violations).toEqual([{ seq: 2, id: null, violation: 'forgotten' }])
  })
})

describe("the chain's key", () => {
  test('opens only with the encryption key that sealed it, and can be sealed anew with another one', async () => {
    await sealed(2)
    const newer = randomBytes(32)
    const alone = createEncryptionKeys([newer])
    await expect(verifyAudit(log.knex, alone)).rejects.toMatchObject({ code: 'misconfigured' })
    const both = createEncryptionKeys([newer, log.keys.all[0]!.secret])
    expect(await resealColumn(log.knex, both, SEALED_AUDIT_CHAIN)).toBe(1)
    expect(await verifyAudit(log.knex, alone)).toMatchObject({ verified: true, entries: 2 })
    await expect(log.verify()).rejects.toMatchObject({ code: 'misconfigured' })
  })

  test('is made once, however many nodes start', async () => {
    await log.knex('audit_chain').delete()
    await together(8, () => ensureAuditChain(log.knex, log.keys, { isNew: true }))
    expect(await log.knex('audit_chain')).toHaveLength(1)
    expect(await log.knex('audit_log')).toEqual([])
  })

  test('that was altered is reported without a stack trace', async () => {
    await sealed(1)
    const { sealed_key } = await log.knex('audit_chain').first()
    sealed_key[sealed_key.length - 1] ^= 1
    await log.knex('audit_chain').update({ sealed_key })
    await expect(log.verify()).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('an entry that somebody inserts by SQL', () => {
  const insert = (at: string) =>
    log.knex.raw(
      `INSERT INTO audit_log (id, at, action, actor_type, actor_id, target_type, target_id, detail)
       VALUES (gen_random_uuid(), ${at}, 'client.archived', 'user', 'somebody', 'client', 'kwc_x', '{}')`,
    )

  test.each([
    ['a month ago', `now() - interval '30 days'`],
    ['an hour ago', `now() - interval '1 hour'`],
    ['tomorrow', `now() + interval '1 day'`],
  ])('with the time of %s is found, and its neighbours are not blamed', async (_, at) => {
    await sealed(3)
    await insert(at)
    await log.seal()
    await sealed(3)
    expect(await violationsOf()).toEqual([{ seq: 4, id: await log.idOf(4), violation: 'misdated' }])
  })

  test('among many is found by a walk of several pages', async () => {
    await sealed(1500)
    await insert(`now() - interval '10 minutes'`)
    await log.seal()
    await sealed(700)
    expect(await log.verify()).toMatchObject({ verified: false, violationCount: 1, violations: [{ seq: 1501 }] })
  })
})

test('entries of a transaction that took minutes are no violation', async () => {
  await sealed(3)
  await log.write(1)
  await log
    .knex('audit_log')
    .whereNull('seq')
    .update({ at: log.knex.raw(`now() - interval '4 minutes'`) })
  await log.seal()
  expect(await log.verify()).toMatchObject({ verified: true, entries: 4 })
})
