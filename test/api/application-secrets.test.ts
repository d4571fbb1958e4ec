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
