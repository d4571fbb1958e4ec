import { afterAll, beforeAll, expect, test } from 'vitest'
import { MANAGEMENT_SCOPES } from '../../src/management/management-scopes.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, openManagement } from '../support/management.ts'

let server: Keywright
let adminToken: string
let operatorToken: string

beforeAll(async () => {
  server = await startKeywright()
  adminToken = await managementToken(server, server.firstStart.keyPair)
  operatorToken = await managementToken(server, await managingApplication(server, null))
})

afterAll(() => server?.stop())

const asAdmin = () => openManagement(server.url, adminToken)
const asOperator = () => openManagement(server.url, operatorToken)

test('a key pair acts as its owner within the account', async () => {
  const { data } = await asAdmin().GET('/api/v1/me')
  expect(data).toMatchObject({
    role: 'admin',
    account_id: server.firstStart.accountId,
    acts_as: { type: 'client', id: server.firstStart.keyPair.clientId },
    scopes: Object.keys(MANAGEMENT_SCOPES).sort(),
  })
  expect(data!.user_id).toEqual(expect.any(String))
})

test('an application of the instance acts as an operator, and an application of an account does not', async () => {
  const { data } = await asOperator().GET('/api/v1/me')
  expect(data).toMatchObject({ role: 'operator', account_id: null, user_id: null })
  const application = await managingApplication(server, server.firstStart.accountId)
  const own = openManagement(server.url, await managementToken(server, application))
  expect((await own.GET('/api/v1/me')).data).toMatchObject({ role: 'admin', user_id: null })
  expect((await own.GET('/api/v1/accounts')).response.status).toBe(403)
})

test('an operator can read every list', async () => {
  const client = asOperator()
  for (const path of [
    '/api/v1/applications',
    '/api/v1/users',
    '/api/v1/activity',
    '/api/v1/accounts',
    '/api/v1/apis',
    '/api/v1/signing-keys',
  ] as const) {
    const { data, error } = await client.GET(path)
    expect(error, path).toBeUndefined()
    expect((data as { items: unknown[] }).items.length, path).toBeGreaterThan(0)
  }
  expect((await client.GET('/api/v1/instance')).data).toMatchObject({ name: 'Keywright', api_enabled: true })
  expect((await client.GET('/api/v1/usage')).data).toMatchObject({ step: 'hour' })
})

test('an application records the user who created it, and its refresh tokens expire 366 days after the sign-in', async () => {
  const client = asAdmin()
  const body = { name: 'Added by a key pair', grants: ['client_credentials'] }
  const { data: created } = await client.POST('/api/v1/applications', { body })
  expect(created!.application.refresh_token_max_age).toBe(366 * 86_400)
  const { user_id } = (await client.GET('/api/v1/me')).data!
  const listed = await client.GET('/api/v1/applications', { params: { query: { created_by: user_id! } } })
  expect(listed.data!.items.map(({ client_id }) => client_id)).toEqual([created!.client_id])
  const user = await client.GET('/api/v1/users/{user_id}', { params: { path: { user_id: user_id! } } })
  // Reading applications requires applications:read; this request has only users:read.
  expect(JSON.stringify(user.data)).not.toContain(body.name)
  const others = { params: { query: { created_by: crypto.randomUUID() } } }
  expect((await client.GET('/api/v1/applications', others)).data!.items).toEqual([])
})

test('the maximum length of a text counts characters, in requests and in responses', async () => {
  const client = asAdmin()
  // Two UTF-16 code units each.
  const body = { name: '\u{1f600}'.repeat(200), description: '\u{1f600}'.repeat(500), grants: ['client_credentials'] }
  const { data: created } = await client.POST('/api/v1/applications', { body })
  expect(created!.application).toMatchObject(body)
  const params = { path: { client_id: created!.client_id } }
  expect((await client.GET('/api/v1/applications/{client_id}', { params })).data).toMatchObject(body)
  const longer = await client.POST('/api/v1/applications', { body: { ...body, description: `${body.description}x` } })
  expect(longer.error).toMatchObject({ status: 400, errors: [{ pointer: '#/description' }] })
})

test('an application is created, read, updated, archived and restored', async () => {
  const client = asAdmin()
  const body = { name: 'Billing', grants: ['client_credentials'] }
  const { data: created, response } = await client.POST('/api/v1/applications', { body })
  expect(response.status).toBe(201)
  expect(created).toMatchObject({ client_secret: expect.stringMatching(/^kws_/), application: body })
  const params = { path: { client_id: created!.client_id } }
  const read = await client.GET('/api/v1/applications/{client_id}', { params })
  const etag = read.response.headers.get('etag')!
  expect(read.data).toMatchObject({ ...body, active_tokens: { count: 0, is_more: false } })
  expect(read.data).not.toHaveProperty('rate_limit')
  const change = (ifMatch: string) =>
    client.PATCH('/api/v1/applications/{client_id}', {
      params: { ...params, header: { 'If-Match': ifMatch } },
      body: { name: 'Billing export' },
    })
  const changed = await change(etag)
  expect(changed.data!.application).toMatchObject({ name: 'Billing export' })
  expect((await change(etag)).error).toMatchObject({ status: 412, type: 'urn:keywright:error:stale' })
  for (const [act, status] of [
    ['archive', 'archived'],
    ['restore', 'active'],
  ] as const) {
    const { data } = await client.POST(`/api/v1/applications/{client_id}/${act}`, { params })
    expect(data).toMatchObject({ status })
  }
})
