import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount } from '../../src/accounts/accounts.ts'
import { recordAudit } from '../../src/audit/audit-log.ts'
import {
  type AuditCursor,
  type AuditFilter,
  type AuditRecord,
  exportAudit,
  listAudit,
} from '../../src/audit/audit-query.ts'
import { createCommonFactory } from '../support/factory.ts'
import { type AuditLog, entryOf, openAuditLog } from './audit-log-fixtures.ts'

let log: AuditLog
let own: Awaited<ReturnType<typeof fillAccount>>
let other: Awaited<ReturnType<typeof fillAccount>>

/** What an account's admin did, and what its client did. */
async function fillAccount(make: ReturnType<typeof createCommonFactory>, name: string) {
  const { knex } = log
  const account = await createAccount(knex, { name })
  const user = await make.user(account.id)
  const client = await make.register({ account: account.id })
  const admin = { type: 'user' as const, id: user.id, ip: '192.0.2.7', requestId: `request-of-${name}` }
  const program = { type: 'client' as const, id: client.clientId, ip: '2001:db8::7' }
  const accountId = account.id
  await recordAudit(knex, admin, { action: 'client.noted', target: { type: 'client', id: client.clientId }, accountId })
  await recordAudit(knex, program, { action: 'clients_noted', target: { type: 'user', id: user.id }, accountId })
  await recordAudit(knex, admin, { action: 'account.noted', target: { type: 'account', id: accountId }, accountId })
  return { account, user, client, admin }
}

beforeAll(async () => {
  log = await openAuditLog()
  const make = createCommonFactory(log.knex, log.keys, async () => '')
  own = await fillAccount(make, 'Own')
  other = await fillAccount(make, 'Other')
})

afterAll(() => log?.close())

const list = (filter: AuditFilter, limit = 100, before?: AuditCursor) => listAudit(log.knex, filter, { before, limit })

const ofAccount = (filter: AuditFilter = {}) => list({ accountId: own.account.id, ...filter })

async function everyPage(filter: AuditFilter, limit: number): Promise<AuditRecord[]> {
  const all: AuditRecord[] = []
  for (let before: AuditCursor | undefined; ; ) {
    const page = await list(filter, limit, before)
    all.push(...page)
    const last = page.at(-1)
    if (!last) return all
    before = { at: last.place, id: last.id }
  }
}

describe('an entry', () => {
  test('names who did it, to what, and in which account', async () => {
    const [, byClient, byUser] = await ofAccount({ actions: '', to: new Date(Date.now() + 60_000) })
    const { account, user, client } = own
    expect(byUser).toMatchObject({
      action: 'client.noted',
      actor: { type: 'user', id: user.id, label: user.email },
      accountId: account.id,
      accountName: 'Own',
      target: { type: 'client', id: client.clientId, label: expect.stringMatching(/^client-/) },
      ip: '192.0.2.7',
      requestId: 'request-of-Own',
      seq: null,
    })
    expect(byClient).toMatchObject({
      actor: { type: 'client', id: client.clientId, label: byUser!.target.label },
      target: { type: 'user', id: user.id, label: user.email },
    })
    expect(byUser!.at).toBeInstanceOf(Date)
  })

  test('of what is no longer there, or has an id of no known form, has no names and no error', async () => {
    const strange = { type: 'user', id: 'not-a-uuid' } as const
    await recordAudit(log.knex, strange, { action: 'strange.done', target: { type: 'account', id: 'neither' } })
    await recordAudit(
      log.knex,
      { type: 'system' },
      { action: 'strange.done', target: { type: 'user', id: own.account.id } },
    )
    const found = await list({ actions: 'strange.' })
    expect(found.map(({ actor, target }) => [actor.label, target.label])).toEqual([
      [null, null],
      [null, null],
    ])
  })
})

describe('a filter', () => {
  test('by account is a wall', async () => {
    const found = await ofAccount()
    expect(found.length).toBeGreaterThanOrEqual(3)
    expect(new Set(found.map(({ accountId }) => accountId))).toEqual(new Set([own.account.id]))
    expect(await list({ accountId: 'no-id' })).toEqual([])
    for (const filter of [
      { actor: other.user.id },
      { target: other.client.clientId },
      { requestId: 'request-of-Other' },
    ]) {
      expect(await ofAccount(filter)).toEqual([])
    }
  })

  test.each([
    ['actions', () => ({ actions: 'client.' }), 2],
    ['actor', () => ({ actor: own.user.id }), 2],
    ['target', () => ({ target: own.account.id }), 1],
    ['ip', () => ({ ip: '2001:db8::7' }), 1],
    ['requestId', () => ({ requestId: 'request-of-Own' }), 2],
    ['from', () => ({ from: new Date(Date.now() + 3_600_000) }), 0],
    ['to', () => ({ to: new Date(Date.now() - 3_600_000) }), 0],
  ])('by %s finds those and no others', async (_, filter, count) => {
    const wanted = filter()
    expect(await ofAccount(wanted)).toHaveLength(count)
  })

  test.each(['client%', 'c_ient.', '%', '_', '\\'])('takes %s for the letters that it is', async (actions) => {
    expect(await list({ actions })).toEqual([])
  })

  test.each([
    ['from', { from: new Date(Number.NaN) }],
    ['to', { to: new Date(8.64e15) }],
    ['from', { from: new Date(-8.64e15) }],
  ])('that no entry can meet for its %s is bad input', async (field, filter) => {
    await expect(list(filter)).rejects.toMatchObject({ code: 'invalid_input', fieldErrors: [{ field }] })
  })

  test.each([
    { at: 'yesterday', id: '0191f4a0-0000-7000-8000-000000000001' },
    { at: '2026-02-31T00:00:00.000000Z', id: 'x' },
    { at: '2026', id: '0191f4a0-0000-7000-8000-000000000001' },
    { at: '2026-01-01T00:00:00Z\0', id: '0191f4a0-0000-7000-8000-000000000001' },
    { at: '9'.repeat(10_000), id: '0191f4a0-0000-7000-8000-000000000001' },
    { at: '2026-02-31T00:00:00.000000Z', id: '0191f4a0-0000-7000-8000-000000000001' },
  ])('goes on from no place like $at', async (before) => {
    await expect(list({}, 10, before)).rejects.toMatchObject({
      code: 'invalid_input',
      fieldErrors: [{ field: 'after' }],
    })
  })
})

describe('a list', () => {
  /** Of one millisecond, some of one microsecond. */
  const crowd = { actions: 'crowd.' }
  beforeAll(async () => {
    await log.knex.raw(
      `INSERT INTO audit_log (id, at, action, actor_type, target_type, target_id)
       SELECT gen_random_uuid(), timestamptz '2026-01-01 00:00:00.123Z' + make_interval(secs => (n / 3) * 0.000001),
              'crowd.moved', 'system', 't', n::text FROM generate_series(0, 2399) n`,
    )
  })

  test.each([1000, 7])(
    'read in parts of %i has every entry once, newest first, though all are of one millisecond',
    async (limit) => {
      const all = await everyPage(crowd, limit)
      expect(all).toHaveLength(2400)
      expect(new Set(all.map(({ id }) => id)).size).toBe(2400)
      const places = all.map(({ place, id }) => `${place} ${id}`)
      expect(places).toEqual(places.toSorted().toReversed())
    },
  )

  test('is exported whole, and what is written meanwhile does not disturb it', async () => {
    const ids = new Set<string>()
    for await (const { id } of exportAudit(log.knex, crowd)) {
      if (ids.size % 200 === 0)
        await recordAudit(log.knex, { type: 'system' }, { ...entryOf(1), action: 'crowd.joined' })
      ids.add(id)
    }
    expect(ids.size).toBe(2400)
  })
})

test('a page takes one statement, and neither it nor its names read a whole table of many entries', async () => {
  // In several statements, because on a busy machine one takes longer than the statement timeout.
  for (let from = 1; from <= 50_000; from += 5000) {
    await log.knex.raw(
      `INSERT INTO audit_log (id, at, action, actor_type, actor_id, account_id, target_type, target_id, ip, request_id)
     SELECT gen_random_uuid(), now() - make_interval(secs => n), (ARRAY['client.updated', 'user.signed_in'])[1 + n % 2],
            'user', 'actor-' || n % 500, CASE WHEN n % 100 = 0 THEN ?::uuid END, 'client', 'target-' || n % 700,
            '198.51.' || n % 200 || '.1', 'many-' || n FROM generate_series(?::int, ?::int) n`,
      [own.account.id, from, from + 4999],
    )
  }
  await log.knex.raw('ANALYZE')
  const statements: { sql: string; bindings: unknown[] }[] = []
  const watch = (query: { sql: string; bindings: unknown[] }) => statements.push(query)
  log.knex.on('query', watch)
  const filters: AuditFilter[] = [
    {},
    { accountId: own.account.id },
    { actor: 'actor-7' },
    { target: 'target-7' },
    { ip: '198.51.7.1' },
    { requestId: 'many-7' },
    { actions: 'strange.' },
    { actions: 'client.' },
    { from: new Date(Date.now() - 7200_000), to: new Date(Date.now() - 3600_000) },
  ]
  for (const filter of filters) {
    await list(filter, 50, { at: new Date(), id: '0191f4a0-0000-7000-8000-000000000001' })
  }
  log.knex.removeListener('query', watch)
  expect(statements).toHaveLength(filters.length)
  for (const { sql, bindings } of statements) {
    const lines = await log.query<Record<string, string>>({ name: '', text: `EXPLAIN ${sql}`, values: bindings })
    const plan = lines.map((line) => line['QUERY PLAN']).join('\n')
    expect(plan, `${bindings}`).not.toContain('Seq Scan on audit_log')
  }
})
