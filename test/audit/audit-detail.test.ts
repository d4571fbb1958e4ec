import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { recordAudit } from '../../src/audit/audit-log.ts'
import { exportAudit } from '../../src/audit/audit-query.ts'
import { ACTOR, type AuditLog, openAuditLog } from './audit-log-fixtures.ts'

let log: AuditLog

beforeAll(async () => {
  log = await openAuditLog()
})

afterAll(() => log?.close())

const KILOBYTE = 1024

/** What is kept of a detail, and how many bytes of it go over the wire. */
async function kept(detail: Record<string, unknown>) {
  const target = { type: 'thing', id: 'of one test' }
  await log.knex('audit_log').where({ target_id: target.id }).delete()
  await recordAudit(log.knex, ACTOR, { action: 'thing.changed', target, detail })
  const row = await log.knex('audit_log').where({ target_id: target.id }).first('detail')
  return { detail: row.detail, bytes: Buffer.byteLength(JSON.stringify(row.detail)) }
}

const times = <Item>(count: number, make: (n: number) => Item): Item[] =>
  Array.from({ length: count }, (_, n) => make(n))

describe("an entry's detail", () => {
  test('of usual size is kept as it is', async () => {
    const usual = {
      name: 'x'.repeat(300),
      scopes: times(20, (n) => `scope-${n}`),
      nested: { to: [1.5, null, true, { a: 'Grüße' }] },
    }
    expect((await kept(usual)).detail).toEqual(usual)
  })

  test('has long texts and lists cut, with how long they were, and says that it was cut', async () => {
    const long = { kind: 'short', text: 'y'.repeat(301), deep: { list: times(100, (n) => n) } }
    const { detail } = await kept(long)
    expect(detail).toEqual({
      kind: 'short',
      text: `${'y'.repeat(300)}… (301 characters)`,
      deep: { list: [...times(20, (n) => n), '… (100 in all)'] },
      cut_from_bytes: JSON.stringify(long).length,
    })
  })

  test('of a hundred addresses of 2,000 characters is no more than 8 KB, and the same each time', async () => {
    const large = {
      redirectUris: times(100, (n) => `https://a.example/${n}/`.padEnd(2000, 'p')),
      postLogoutRedirectUris: times(100, (n) => `https://b.example/${n}/`.padEnd(2000, 'p')),
      name: 'Large',
    }
    const first = await kept(large)
    expect(first.bytes).toBeLessThan(8 * KILOBYTE)
    expect(first.detail).toMatchObject({ name: 'Large', cut_from_bytes: expect.any(Number) })
    expect(first.detail.redirectUris[0]).toMatch(/^https:\/\/a\.example\/0\/p+… \(2000 characters\)$/)
    expect(first.detail.redirectUris.at(-1)).toBe('… (100 in all)')
    expect((await kept(large)).detail).toEqual(first.detail)
  })

  test.each([
    ['has a thousand fields', Object.fromEntries(times(1000, (n) => [`field-${n}`, 'z'.repeat(300)]))],
    [
      'has long names and texts of large characters',
      Object.fromEntries(times(60, (n) => [`${n}`.padEnd(10_000, '名'), '文'.repeat(400)])),
    ],
    ['is deep', { deep: times(40, () => times(40, () => times(40, () => ({ a: '文'.repeat(400) })))) }],
    ['is nested a thousand times', times(1000, (n) => n).reduce<object>((inner) => ({ inner }), {})],
  ] as [string, Record<string, unknown>][])('that %s is no more than 8 KB', async (_, detail) => {
    const { bytes, detail: row } = await kept(detail)
    expect(bytes).toBeLessThan(8 * KILOBYTE)
    expect(row.cut_from_bytes).toBe(Buffer.byteLength(JSON.stringify(detail)))
  })

  test('is cut between characters, never within one', async () => {
    const { detail } = await kept({ text: `${'a'.repeat(299)}${'😀'.repeat(10)}` })
    expect(detail.text).toBe(`${'a'.repeat(299)}… (319 characters)`)
  })

  test('that was cut is what the chain holds to', async () => {
    await kept({ text: 'y'.repeat(5000) })
    await log.seal()
    expect(await log.verify()).toMatchObject({ verified: true })
    const row = await log.knex('audit_log').where({ target_id: 'of one test' }).first('id', 'detail')
    await log
      .knex('audit_log')
      .where({ id: row.id })
      .update({ detail: { ...row.detail, cut_from_bytes: 1 } })
    expect((await log.verify()).violations).toMatchObject([{ id: row.id, violation: 'altered' }])
  })
})

test('an export reads two hundred entries at a time', async () => {
  await recordAudit(log.knex, ACTOR, ...times(450, (n) => ({ action: 'many.done', target: { type: 't', id: `${n}` } })))
  let statements = 0
  const watch = () => statements++
  log.knex.on('query', watch)
  let count = 0
  for await (const _ of exportAudit(log.knex, { actions: 'many.' })) count++
  log.knex.removeListener('query', watch)
  expect({ count, statements }).toEqual({ count: 450, statements: 3 })
})
