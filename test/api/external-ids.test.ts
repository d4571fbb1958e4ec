/** External IDs and metadata over the management API. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { updateClient } from '../../src/management/client-registration.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { type Answer, send } from '../support/requests.ts'

let server: Keywright
let operator: string
let account: string
let admin: string

beforeAll(async () => {
  server = await startKeywright()
  operator = await managementToken(server, await managingApplication(server, null))
  account = server.firstStart.accountId
  admin = await managementToken(server, await managingApplication(server, account))
})

afterAll(async () => {
  const failures = server.logLines().filter((line) => (line.status as number) >= 500)
  expect(failures).toEqual([])
  await server.stop()
})

const call = (method: string, path: string, body?: unknown, as = operator, headers = { 'if-match': '*' }) =>
  body === undefined
    ? rawManagement(server.url, as).send(method, path, { headers })
    : rawManagement(server.url, as).json(method, path, body, headers)

const putAccount = (id: string, body: unknown, as = operator) =>
  call('PUT', `/accounts/by-external-id/${encodeURIComponent(id)}`, body, as)

const putUser = (id: string, body: unknown, as = operator) =>
  call('PUT', `/users/by-external-id/${encodeURIComponent(id)}`, body, as)

const newId = () => `ext-${randomUUID()}`
const newEmail = () => `${randomUUID()}@example.com`

const brief = ({ status, body }: Answer) => [status, body.type?.split(':').at(-1), body.errors?.[0]]

describe('PUT of an account by its external ID', () => {
  test('creates it, then leaves it, then changes what differs', async () => {
    const id = newId()
    const made = await putAccount(id, { name: 'ACME', metadata: { plan: 'gold', seats_used: { eu_west: 3 } } })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({
      external_id: id,
      name: 'ACME',
      metadata: { plan: 'gold', seats_used: { eu_west: 3 } },
      revision: 1,
    })
    const same = await putAccount(id, { name: 'ACME', metadata: { seats_used: { eu_west: 3 }, plan: 'gold' } })
    expect([same.status, same.body]).toEqual([200, made.body])
    const changed = await putAccount(id, { name: 'ACME Corp', metadata: { plan: 'silver' }, quota_per_day: 7 })
    expect([changed.status, changed.body]).toEqual([
      200,
      { ...made.body, name: 'ACME Corp', metadata: { plan: 'silver' }, quota_per_day: 7, revision: 2 },
    ])
    // What is left out stays.
    expect((await putAccount(id, { name: 'ACME Corp' })).body).toEqual(changed.body)
    const log = await server
      .knex('audit_log')
      .where({ target_id: made.body.id })
      .orderBy('seq')
      .select('action', 'detail')
    expect(log.map(({ action }) => action)).toEqual(['account.created', 'account.updated'])
    expect(log[1].detail.changes).toEqual({
      name: { from: 'ACME', to: 'ACME Corp' },
      quota_per_day: { from: null, to: 7 },
      metadata: { to: ['plan', 'seats_used'] },
    })
    expect(JSON.stringify(log)).not.toContain('gold')
  })

  test.each(['a/b', 'user@example.com', '100%', 'auth0|1?x=1#y', '...', 'x'.repeat(200)])(
    'accepts the ID %s',
    async (id) => {
      const { status, body } = await putAccount(id, { name: 'Odd' })
      expect([status, body.external_id]).toEqual([201, id])
    },
  )

  test.each(['x'.repeat(201), 'a b', 'é', '\u007f'])('rejects the ID %j at the parameter', async (id) => {
    const answer = await putAccount(id, { name: 'Odd' })
    expect(brief(answer)).toEqual([400, 'invalid_input', expect.objectContaining({ parameter: 'external_id' })])
  })

  const deep = `{"name": "Deep", "metadata": ${'{"a":'.repeat(30_000)}1${'}'.repeat(30_000)}}`

  test.each([
    ['without a name', {}, '#/name'],
    ['with another external ID', { name: 'X', external_id: 'x' }, '#/external_id'],
    ['with a list', { name: 'X', metadata: [] }, '#/metadata'],
    ['with a text', { name: 'X', metadata: 'gold' }, '#/metadata'],
    ['with null', { name: 'X', metadata: null }, '#/metadata'],
    ['with too many bytes', { name: 'X', metadata: { a: 'x'.repeat(4096) } }, '#/metadata'],
    ['with too many levels', { name: 'X', metadata: { a: { b: { c: { d: { e: 1 } } } } } }, '#/metadata'],
    ['with thousands of levels', deep, '#/metadata'],
    ['with a whole number that is not exact', '{"name": "X", "metadata": {"id": 12345678901234567890}}', '#/metadata'],
  ])('rejects a body %s', async (_, body, pointer) => {
    expect(brief(await putAccount(newId(), body))).toEqual([400, 'invalid_input', expect.objectContaining({ pointer })])
  })

  test.each([
    '{"name": "X", "metadata": {"a": 1, "a": 2}}',
    '{"name": "X", "name": "Y"}',
    '{"name": "X", "metadata": {"a": "\\u0000"}}',
    '{"name": "X", "metadata": {"\\u0000": 1}}',
    '{"name": "X", "metadata": {"a": "\\ud800"}}',
    '{"name": "X", "metadata": {"__proto__": {"a": 1}}}',
    '{"name": "X"',
  ])('rejects %s', async (body) => {
    const id = newId()
    expect(brief(await putAccount(id, body)).slice(0, 2)).toEqual([400, 'invalid_input'])
    expect(await server.knex('accounts').where({ external_id: id })).toEqual([])
  })

  test('is a conflict while the account is being deleted', async () => {
    const id = newId()
    const { body } = await putAccount(id, { name: 'Going' })
    await server.knex('accounts').where({ id: body.id }).update({ status: 'deleting' })
    expect(brief(await putAccount(id, { name: 'Going' })).slice(0, 2)).toEqual([409, 'conflict'])
  })

  test('is for operators, and tells an admin nothing about other accounts', async () => {
    const id = newId()
    await putAccount(id, { name: 'Other' })
    const answers = await Promise.all([id, newId()].map((one) => putAccount(one, { name: 'Other' }, admin)))
    expect(answers.map(({ status, body }) => [status, body.detail])).toEqual(Array(2).fill([403, expect.any(String)]))
    expect(answers[0]!.body.detail).toBe(answers[1]!.body.detail)
  })
})

describe('PUT of a user by their external ID', () => {
  test('creates them without a password, then leaves them, then changes what differs', async () => {
    const [id, email] = [newId(), newEmail()]
    const made = await putUser(id, { email, account_id: account, metadata: { team: 'north' } })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ external_id: id, email, role: 'member', account_id: account })
    const [row] = await server.knex('users').where({ external_id: id })
    expect(row.password_hash).toBeNull()
    expect(await putUser(id, { email })).toMatchObject({ status: 200, body: made.body })
    const changed = await putUser(id, { email, name: 'Ada', role: 'admin', metadata: {} })
    expect(changed.body).toMatchObject({ name: 'Ada', role: 'admin', metadata: {}, id: made.body.id })
    // An application that acts for itself may change an address.
    const moved = newEmail()
    expect((await putUser(id, { email: moved })).body).toMatchObject({ email: moved, name: 'Ada', role: 'admin' })
  })

  test('never takes over a user with the same address', async () => {
    const [email, id] = [newEmail(), newId()]
    const { body } = await call('POST', '/users', { email, role: 'member', account_id: account })
    expect(brief(await putUser(id, { email, account_id: account }))).toEqual([
      409,
      'conflict',
      expect.objectContaining({ pointer: '#/email' }),
    ])
    // An operator links them.
    expect((await call('PATCH', `/users/${body.id}`, { external_id: id })).status).toBe(200)
    expect(await putUser(id, { email })).toMatchObject({ status: 200, body: { id: body.id } })
  })

  test('is a conflict while the user is being deleted, also if nothing differs', async () => {
    const [id, email] = [newId(), newEmail()]
    const { body } = await putUser(id, { email, account_id: account })
    await server.knex('users').where({ id: body.id }).update({ status: 'deleting' })
    for (const change of [{}, { name: 'Ada' }, { role: 'admin' }])
      expect(brief(await putUser(id, { email, ...change })).slice(0, 2)).toEqual([409, 'conflict'])
  })

  test('rejects a new user without an account, an unknown account, and another kind of user', async () => {
    const [id, email] = [newId(), newEmail()]
    expect(brief(await putUser(id, { email }))).toEqual([
      400,
      'invalid_input',
      expect.objectContaining({ pointer: '#/account_id' }),
    ])
    expect((await putUser(id, { email, account_id: randomUUID() })).status).toBe(404)
    expect((await putUser(id, { email, account_id: account })).status).toBe(201)
    const other = await server.make.account()
    for (const change of [{ account_id: null }, { role: 'operator' }]) {
      expect(brief(await putUser(id, { email, ...change })).slice(0, 2)).toEqual([409, 'conflict'])
    }
    expect((await putUser(id, { email, account_id: randomUUID() })).status).toBe(404)
    const unknown = await server.knex('memberships').where({ account_id: other })
    expect(unknown).toEqual([])
    expect((await putUser(newId(), { email: newEmail(), role: 'operator' })).body).toMatchObject({ account_id: null })
  })
})

test('PUT of a user by their external ID makes them a member of a further account, with a role of its own', async () => {
  const [id, email, other] = [newId(), newEmail(), await server.make.account()]
  const { body: created } = await putUser(id, { email, account_id: account, role: 'admin' })
  for (const role of ['developer', 'viewer']) {
    const { status, body } = await putUser(id, { email, account_id: other, role })
    expect([status, body.id, body.account_id, body.role]).toEqual([200, created.id, other, role])
  }
  const { body } = await call('GET', `/users/${created.id}/memberships`)
  const first = { account_id: account, role: 'admin', status: 'active', is_first: true }
  expect(body.items).toMatchObject([first, { account_id: other, role: 'viewer', status: 'active', is_first: false }])
  expect((await putUser(id, { email })).body).toMatchObject({ account_id: account, role: 'admin' })
  const adminThere = await managementToken(server, await managingApplication(server, other))
  const member = { id: created.id, account_id: other, role: 'viewer', status: 'active' }
  expect((await call('GET', '/users', undefined, adminThere)).body.items).toMatchObject([member])
  expect((await call('GET', `/users?account_id=${other}&external_id=${id}`)).body.items).toMatchObject([member])
  const { body: all } = await call('GET', `/users?external_id=${id}`)
  expect(all.items).toMatchObject([{ id: created.id, account_id: account, role: 'admin' }])
})

test('an external ID that another object has is a conflict; of an object of another kind it is none', async () => {
  const id = newId()
  const { body: first } = await putAccount(id, { name: 'First' })
  const { body: second } = await putAccount(newId(), { name: 'Second' })
  const taken = [409, 'conflict', expect.objectContaining({ pointer: '#/external_id' })]
  expect(brief(await call('POST', '/accounts', { name: 'Third', external_id: id }))).toEqual(taken)
  expect(brief(await call('PATCH', `/accounts/${second.id}`, { external_id: id }))).toEqual(taken)
  expect((await putUser(id, { email: newEmail(), account_id: account })).status).toBe(201)
  const application = { name: 'App', type: 'service', account_id: account, external_id: id }
  expect((await call('POST', '/applications', application)).status).toBe(201)
  expect(brief(await call('POST', '/applications', application))).toEqual(taken)
  await call('PATCH', `/accounts/${first.id}`, { external_id: null })
  expect((await call('PATCH', `/accounts/${second.id}`, { external_id: id })).body.external_id).toBe(id)
})

describe('an admin', () => {
  test('sees no external ID and no metadata, of the account, its users and applications', async () => {
    const secret = `secret-${randomUUID()}`
    const values = { external_id: secret, metadata: { note: secret } }
    await call('PATCH', `/accounts/${account}`, values)
    const email = newEmail()
    const { body: user } = await call('POST', '/users', { email, role: 'member', account_id: account, ...values })
    const made = await call('POST', '/applications', { name: 'App', type: 'service', account_id: account, ...values })
    expect([user.external_id, made.body.application.metadata]).toEqual([secret, { note: secret }])
    const paths = [
      '/me',
      `/accounts/${account}`,
      '/users',
      `/users/${user.id}`,
      '/applications',
      '/activity',
      '/clients',
    ]
    for (const path of [
      ...paths,
      `/applications/${made.body.client_id}`,
      `/users?search=${secret}`,
      '/activity/export',
    ]) {
      const { status, text } = await call('GET', path, undefined, admin)
      expect([path, status, text.includes(secret)]).toEqual([path, 200, false])
    }
    const changed = await call('PATCH', `/users/${user.id}`, { name: 'Ada' }, admin)
    expect([changed.status, changed.text.includes(secret)]).toEqual([200, false])
    for (const path of ['/users', '/applications', '/clients']) {
      expect((await call('GET', `${path}?external_id=${secret}`, undefined, admin)).status).toBe(403)
      const own = await call('GET', `${path}?search=${secret}`, undefined, admin)
      expect([own.status, own.body.items]).toEqual([200, []])
    }
  })

  test('sets neither', async () => {
    const email = newEmail()
    for (const given of [{ external_id: 'x' }, { metadata: {} }]) {
      expect((await call('POST', '/users', { email, role: 'member', ...given }, admin)).status).toBe(403)
      expect(
        (await call('POST', '/applications', { name: 'App', type: 'service', external_id: 'x' }, admin)).status,
      ).toBe(403)
    }
    const { body } = await call('POST', '/users', { email, role: 'member' }, admin)
    expect((await call('PATCH', `/users/${body.id}`, { metadata: { a: 1 } }, admin)).status).toBe(403)
    expect((await call('PATCH', `/users/${body.id}`, { external_id: null }, admin)).status).toBe(403)
  })

  test('cannot find out by guesses what an application has', async () => {
    const values = { external_id: newId(), metadata: { plan: 'gold' } }
    const made = await call('POST', '/applications', { name: 'App', type: 'service', account_id: account, ...values })
    const guesses = [
      values,
      { external_id: values.external_id },
      { metadata: values.metadata },
      { external_id: 'wrong' },
    ]
    for (const guess of guesses) {
      const answer = await call('PATCH', `/applications/${made.body.client_id}`, guess, admin)
      expect([guess, answer.status]).toEqual([guess, 403])
    }
  })
})

test('operators find objects by their external IDs', async () => {
  const id = newId()
  const { body: one } = await putAccount(id, { name: 'Found' })
  const { body: person } = await putUser(id, { email: newEmail(), account_id: one.id })
  const made = await call('POST', '/applications', {
    name: 'Found',
    type: 'service',
    account_id: one.id,
    external_id: id,
  })
  for (const query of [`external_id=${id}`, `search=${id}`]) {
    const found = await Promise.all(
      ['/accounts', '/users', '/applications', '/clients'].map((path) => call('GET', `${path}?${query}`)),
    )
    expect(
      found.map(({ body }) => body.items.map((item: Record<string, string>) => item.id ?? item.client_id)),
    ).toEqual([[one.id], [person.id], [made.body.client_id], [made.body.client_id]])
  }
  expect((await call('GET', '/accounts?external_id=nobody')).body.items).toEqual([])
})

test('new keys keep the external ID and the metadata of the key pair; another key pair of the user does not get them', async () => {
  const api = await server.make.api({ keyPairs: 'named' })
  const user = await server.make.user()
  const pair = await server.make.keyPair(user.id, [api.identifier])
  const settings = { externalId: newId(), metadata: { team: 'north' } }
  await updateClient(server.knex, pair.clientId, { settings }, ACTOR)
  const { client } = await generateKeyPair(server.knex, { user: user.id, apis: [] }, ACTOR)
  expect(client).toMatchObject(settings)
  const named = await generateKeyPair(server.knex, { user: user.id, pairName: 'job', apis: [api.identifier] }, ACTOR)
  expect(named.client).toMatchObject({ externalId: null, metadata: {} })
})

describe('many accounts as JSON lines', () => {
  const NDJSON = { 'content-type': 'application/x-ndjson' }

  const upsert = async (path: string, lines: readonly unknown[] | string, headers: Record<string, string> = NDJSON) => {
    const body = typeof lines === 'string' ? lines : lines.map((line) => JSON.stringify(line)).join('\n')
    const answer = await send(`${server.url}/api/v1${path}`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${operator}`, ...headers },
    })
    const results =
      answer.status === 200
        ? answer.text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line))
        : []
    return { ...answer, results }
  }

  test('get a result for each line; one that is wrong stops no other', async () => {
    const [a, b] = [newId(), newId()]
    const text = [
      JSON.stringify({ external_id: a, name: 'A', metadata: { plan: 'gold' } }),
      '',
      '{"external_id": "x"',
      JSON.stringify({ external_id: b }),
      `{"external_id": "${b}", "name": "B", "name": "C"}`,
      JSON.stringify({ external_id: 'a b', name: 'B' }),
      JSON.stringify({ external_id: a, name: 'A', metadata: { plan: 'gold' } }),
      JSON.stringify({ external_id: a, name: 'A2' }),
      JSON.stringify({ external_id: b, name: 'B' }),
      JSON.stringify({ external_id: b, name: 'B', metadata: { a: 'x'.repeat(20_000) } }),
    ].join('\r\n')
    const { status, headers, results } = await upsert('/accounts/upsert', text)
    expect([status, headers.get('content-type')]).toEqual([200, expect.stringContaining('application/x-ndjson')])
    expect(results.map(({ line, status, problem }) => [line, status, problem?.status])).toEqual([
      [1, 'created', undefined],
      [3, 'failed', 400],
      [4, 'failed', 400],
      [5, 'failed', 400],
      [6, 'failed', 400],
      [7, 'unchanged', undefined],
      [8, 'updated', undefined],
      [9, 'created', undefined],
      [10, 'failed', 413],
    ])
    expect(results[2].problem.errors).toEqual([expect.objectContaining({ pointer: '#/name' })])
    expect(results[0]).toMatchObject({ external_id: a, id: expect.any(String) })
    const rows = await server.knex('accounts').whereIn('external_id', [a, b]).orderBy('name').select('name', 'metadata')
    expect(rows).toEqual([
      { name: 'A2', metadata: { plan: 'gold' } },
      { name: 'B', metadata: {} },
    ])
  })

  test('and users', async () => {
    const [a, b, email] = [newId(), newId(), newEmail()]
    const { results } = await upsert('/users/upsert', [
      { external_id: a, email, account_id: account, role: 'admin' },
      { external_id: b, email, account_id: account },
      { external_id: b, email: newEmail(), account_id: account },
    ])
    expect(results.map(({ status, problem }) => [status, problem?.status])).toEqual([
      ['created', undefined],
      ['failed', 409],
      ['created', undefined],
    ])
  })

  test.each([
    ['no line', '', NDJSON, 400],
    ['only empty lines', '\n\n', NDJSON, 400],
    ['another type', '{}', { 'content-type': 'application/json' }, 415],
    ['too many lines', '{}\n'.repeat(1001), NDJSON, 413],
    ['too many bytes', 'x'.repeat(4 * 1024 * 1024 + 1), NDJSON, 413],
  ])('with %s are rejected as a whole', async (_, body, headers, expected) => {
    expect((await upsert('/accounts/upsert', body, headers)).status).toBe(expected)
  })

  test('are not for admins', async () => {
    const headers = { authorization: `Bearer ${admin}`, ...NDJSON }
    const body = JSON.stringify({ external_id: newId(), name: 'A' })
    const { status } = await send(`${server.url}/api/v1/accounts/upsert`, { method: 'POST', body, headers })
    expect(status).toBe(403)
  })
})

test('the export of a user has their external ID and metadata for operators, not for admins', async () => {
  const id = newId()
  const { body } = await putUser(id, { email: newEmail(), account_id: account, metadata: { team: 'north' } })
  const profile = async (as: string) => {
    const { text } = await call('GET', `/users/${body.id}/export`, undefined, as)
    return JSON.parse(text.split('\n')[0]!).data
  }
  expect(await profile(operator)).toMatchObject({ external_id: id, metadata: { team: 'north' } })
  expect(await profile(admin)).not.toHaveProperty('metadata')
})
