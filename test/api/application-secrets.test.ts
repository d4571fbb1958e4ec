import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'

let server: Keywright
let api: ReturnType<typeof rawManagement>

beforeAll(async () => {
  server = await startKeywright()
  api = rawManagement(server.url, await managementToken(server, await managingApplication(server, null)))
})
afterAll(() => server?.stop())

const statusOf = async (clientId: string, clientSecret: string) =>
  (await server.machineToken({ clientId, clientSecret })).status

test('a restored application gets a new client secret, or keeps the previous one with keep_secret', async () => {
  const { clientId, clientSecret } = await server.make.client()
  const post = (step: string, body: object) => api.json('POST', `/applications/${clientId}/${step}`, body)
  await post('archive', {})
  const restored = await post('restore', {})
  expect([restored.status, await statusOf(clientId, clientSecret)]).toEqual([200, 401])
  expect(await statusOf(clientId, restored.body.client_secret)).toBe(200)
  await post('archive', {})
  const unchanged = await post('restore', { keep_secret: true })
  expect([unchanged.status, unchanged.body.client_secret]).toEqual([200, undefined])
  expect(await statusOf(clientId, restored.body.client_secret)).toBe(200)
})

test('revoking a previous client secret leaves the other secrets valid', async () => {
  const { clientId, clientSecret } = await server.make.client()
  const rotate = () => api.json('POST', `/applications/${clientId}/secrets`, { overlap: 3600 })
  const [second, newest] = [(await rotate()).body.client_secret, (await rotate()).body.client_secret]
  const { secrets } = (await api.send('GET', `/applications/${clientId}`)).body
  const oldest = secrets.find((one: { last_four: string }) => one.last_four === clientSecret.slice(-4))
  expect((await api.send('DELETE', `/applications/${clientId}/secrets/${oldest.id}`)).status).toBe(204)
  expect(await Promise.all([clientSecret, second, newest].map((one) => statusOf(clientId, one)))).toEqual([
    401, 200, 200,
  ])
  const present = secrets.find((one: { retires_at: string | null }) => one.retires_at === null)
  expect((await api.send('DELETE', `/applications/${clientId}/secrets/${present.id}`)).status).toBe(404)
})

test('a previous client secret retires when it is unused, by a request with the current revision', async () => {
  const { clientId } = await server.make.client()
  const path = `/applications/${clientId}/secrets`
  const rotated = await api.json('POST', path, { overlap: 604_800, retire_unused_hours: 24 })
  expect(rotated.status).toBe(201)
  const list = await api.send('GET', path)
  const etag = { 'if-match': list.headers.get('etag')! }
  const [current, previous] = list.body.items
  expect([current, previous]).toMatchObject([
    { is_current: true, retires_at: null, retire_unused_hours: null, callers: [] },
    { is_current: false, retire_unused_hours: 24 },
  ])
  const change = (id: number, body: object, headers?: Record<string, string>) =>
    api.json('PATCH', `${path}/${id}`, body, headers)
  expect((await change(previous.id, { retire_unused_hours: 2 })).status).toBe(428)
  expect((await change(current.id, { retire_unused_hours: 2 }, etag)).status).toBe(404)
  for (const body of [{ retire_unused_hours: 0 }, { retire_unused_hours: 2, retires_at: '2020-01-01T00:00:00Z' }, {}])
    expect((await change(previous.id, body, etag)).status).toBe(400)
  expect((await change(previous.id, { retire_unused_hours: 2 }, etag)).status).toBe(204)
  // A second page with the earlier revision changes nothing.
  expect((await change(previous.id, { retire_unused_hours: 3 }, etag)).status).toBe(412)
  expect((await api.json('POST', path, { overlap: 0 }, etag)).status).toBe(412)
  expect((await api.send('GET', path)).body.items[1].retire_unused_hours).toBe(2)
  expect((await api.send('DELETE', `${path}/${previous.id}`)).status).toBe(204)
  expect((await api.send('DELETE', `${path}/${previous.id}`)).status).toBe(409)
})

test('a client secret expires at the time that the request names; a time in the past is 400', async () => {
  const expires_at = new Date(Date.now() + 86_400_000).toISOString()
  const create = (secret_expires_at: string) =>
    api.json('POST', '/applications', {
      name: 'Expiring',
      grants: ['client_credentials'],
      account_id: null,
      secret_expires_at,
    })
  const made = await create(expires_at)
  const path = `/applications/${made.body.client_id}/secrets`
  const [secret] = (await api.send('GET', path)).body.items
  for (const time of [secret.expires_at, secret.retires_at]) expect(new Date(time).toISOString()).toBe(expires_at)
  const past = '2020-01-01T00:00:00Z'
  for (const time of [past, 'soon'])
    expect((await create(time)).body).toMatchObject({ status: 400, errors: [{ pointer: '#/secret_expires_at' }] })
  const refused = await api.json('POST', path, { overlap: 60, expires_at: past })
  expect(refused.body).toMatchObject({ status: 400, errors: [{ pointer: '#/expires_at' }] })
  expect((await api.json('POST', path, { overlap: 60, expires_at })).status).toBe(201)
})

test('the client secret of a key pair expires at the time that the request names; a time in the past is 400', async () => {
  const { id } = await server.make.user('admin', await server.make.account())
  const generate = (secret_expires_at: string) => api.json('POST', `/users/${id}/key-pair`, { secret_expires_at })
  const refused = await generate('2020-01-01T00:00:00Z')
  expect(refused.body).toMatchObject({ status: 400, errors: [{ pointer: '#/secret_expires_at' }] })
  const time = new Date(Date.now() + 86_400_000)
  const made = await generate(time.toISOString())
  const [{ expires_at }] = await server
    .knex('client_secrets as s')
    .join('clients as c', 'c.id', 's.client_id')
    .where('c.client_id', made.body.client_id)
    .select('s.expires_at')
  expect(expires_at).toEqual(time)
})
