/** The whole journey of an admin by the API alone, with the client that was made from its document. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, openManagement } from '../support/management.ts'
import type { Credentials } from '../support/requests.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})

afterAll(() => server?.stop())

type Made = { client_id: string; client_secret?: string } | { dry_run: true }

function credentialsOf(made: Made): Credentials {
  if ('dry_run' in made) throw new Error('a dry run made no credentials')
  return { clientId: made.client_id, clientSecret: made.client_secret }
}

test('an admin generates a pair, uses it, and generates again: the old one is dead', async () => {
  const first = server.firstStart.keyPair
  const start = openManagement(server.url, await managementToken(server, first))
  const { data: seen } = await start.GET('/api/v1/key-pair')
  expect(seen!.pair).toMatchObject({ client_id: first.clientId, active_tokens: { count: 1 } })
  expect(JSON.stringify(seen)).not.toContain(first.clientSecret)
  const { data: second } = await start.POST('/api/v1/key-pair', { body: { replaces: first.clientId } })
  expect(second).toMatchObject({ revoked: 1, client_secret: expect.stringMatching(/^kws_/) })

  expect((await start.GET('/api/v1/me')).response.status).toBe(401)
  expect((await server.machineToken(first)).status).toBe(401)
  const pair = credentialsOf(second!)
  const api = server.firstStart.api
  const { body } = await server.machineToken(pair)
  expect((await server.introspect(body.access_token, api)).body.active).toBe(true)

  const next = openManagement(server.url, await managementToken(server, pair))
  const outdated = await next.POST('/api/v1/key-pair', { body: { replaces: first.clientId } })
  expect(outdated.error).toMatchObject({ status: 412 })
  const { data: third } = await next.POST('/api/v1/key-pair', { body: {} })
  expect((await server.machineToken(pair)).status).toBe(401)
  expect((await server.introspect(body.access_token, api)).body.active).toBe(false)
  expect((await server.machineToken(credentialsOf(third!))).status).toBe(200)
})

test('an operator runs the instance: account, people, API, application, tokens, activity, settings', async () => {
  const operator = await managingApplication(server, null)
  const client = openManagement(server.url, await managementToken(server, operator))

  const account = (await client.POST('/api/v1/accounts', { body: { name: 'Journey' } })).data!
  const invitation = { email: 'journey@example.com', role: 'admin' as const, account_id: account.id }
  const invited = (await client.POST('/api/v1/users', { body: invitation })).data!
  expect(invited).toMatchObject({ email: invitation.email, role: 'admin' })
  const declared = { identifier: 'https://journey.example.com', scopes: ['read', 'write'] }
  const texts = { read: { title: 'Read everything', description: '' } }
  const api = (await client.POST('/api/v1/apis', { body: { ...declared, texts } })).data!
  const path = { identifier: declared.identifier }
  expect((await client.GET('/api/v1/apis/{identifier}', { params: { path } })).data).toMatchObject({
    client_id: api.client_id,
    scopes: [
      { scope: 'read', title: 'Read everything' },
      { scope: 'write', title: 'write' },
    ],
  })

  const settings = { name: 'Journey', grants: ['client_credentials'], apis: [declared.identifier], rate_limit: '100/s' }
  const body = { ...settings, account_id: account.id }
  const created = (await client.POST('/api/v1/applications', { body })).data!
  expect(created.application).toMatchObject({ rate_limit: '100/s', account_id: account.id })
  const tokens = await Promise.all([1, 2, 3].map(() => server.machineToken(credentialsOf(created))))
  const params = { path: { client_id: created.client_id } }
  const live = (await client.GET('/api/v1/applications/{client_id}/tokens', { params })).data!
  expect(live.items).toHaveLength(3)
  const one = { path: { ...params.path, jti: live.items[0]!.jti } }
  const ended = await client.DELETE('/api/v1/applications/{client_id}/tokens/{jti}', { params: one })
  expect(ended.response.status).toBe(204)
  expect((await client.DELETE('/api/v1/applications/{client_id}/tokens', { params })).data).toEqual({ revoked: 2 })
  const asApi = credentialsOf(api)
  for (const { body } of tokens) expect((await server.introspect(body.access_token, asApi)).body.active).toBe(false)

  const rotated = await client.POST('/api/v1/applications/{client_id}/secrets', { params, body: { overlap: 60 } })
  for (const each of [created, rotated.data!]) expect((await server.machineToken(credentialsOf(each))).status).toBe(200)

  const userPath = { path: { user_id: invited.id } }
  const user = await client.GET('/api/v1/users/{user_id}', { params: userPath })
  const header = { 'If-Match': user.response.headers.get('etag')! }
  const changed = await client.PATCH('/api/v1/users/{user_id}', {
    params: { ...userPath, header },
    body: { name: 'Journey Person', role: 'member' },
  })
  expect(changed.data).toMatchObject({ name: 'Journey Person', role: 'member' })
  expect((await client.POST('/api/v1/users/{user_id}/disable', { params: userPath })).data).toMatchObject({
    status: 'disabled',
  })

  const query = { account_id: account.id, actions: 'client.' }
  const activity = (await client.GET('/api/v1/activity', { params: { query } })).data!
  expect(activity.items.at(-1)).toMatchObject({
    action: 'client.created',
    actor: { type: 'client', id: operator.clientId },
  })
  const exported = await client.GET('/api/v1/activity/export', { params: { query }, parseAs: 'text' })
  const lines = (exported.data as string)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.map(({ id }) => id)).toEqual(activity.items.map(({ id }) => id))

  const instance = await client.GET('/api/v1/instance')
  const etag = instance.response.headers.get('etag')!
  const rename = await client.PATCH('/api/v1/instance', {
    params: { header: { 'If-Match': etag } },
    body: { name: 'Journey keys', defaults: { rate_limit: '5/min' } },
  })
  expect(rename.data).toMatchObject({ name: 'Journey keys', defaults: { rate_limit: '5/min' } })

  const off = await client.POST('/api/v1/accounts/{account_id}/disable', {
    params: { path: { account_id: account.id } },
  })
  expect(off.data).toMatchObject({ status: 'disabled' })
  expect((await server.machineToken(credentialsOf(rotated.data!))).status).toBe(401)
  expect((await client.POST('/api/v1/instance/api/disable')).data).toMatchObject({ api_enabled: false })
  expect((await client.GET('/api/v1/me')).response.status).toBe(401)
})
