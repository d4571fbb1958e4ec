/** Clients that receive the same access token again while it is fresh. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { updateApi } from '../../src/management/api-changes.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together, until } from '../support/load.ts'
import {
  type Credentials,
  claimsOf,
  type FormData,
  METRICS_TOKEN,
  type RequestOptions,
  send,
} from '../support/requests.ts'

type Client = Credentials & { key: number }

let server: Keywright
let api: Credentials & { identifier: string }
let other: Credentials & { identifier: string }

beforeAll(async () => {
  server = await startKeywright({ env: { METRICS_TOKEN } })
  api = await server.make.api()
  other = await server.make.api()
})

afterAll(() => server?.stop())

const make = (settings: Partial<ClientSettings> = {}): Promise<Client> =>
  server.make.client({ reuseWindow: 600, ...settings }, [api.identifier, other.identifier])

async function tokenOf(client: Credentials, form: FormData = {}, options: RequestOptions = {}): Promise<string> {
  const { status, body } = await server.machineToken(client, form, options)
  expect([status, body.error]).toEqual([200, undefined])
  return body.access_token
}

/** Lets time pass for the tokens of a client. */
const age = (client: Client, seconds: number) =>
  server.knex.raw(
    `UPDATE reusable_tokens SET issued_at = issued_at - make_interval(secs => :seconds) WHERE client_id = :key`,
    { seconds, key: client.key },
  )

test('the same request receives the same token, and each other request its own', async () => {
  const client = await make()
  const first = await server.machineToken(client)
  const again = await server.machineToken(client)
  expect(again.body.access_token).toBe(first.body.access_token)
  const { expires_in: left, ...rest } = again.body
  expect(rest).toEqual({ access_token: expect.any(String), token_type: 'Bearer', scope: 'read write' })
  expect(left).toBeLessThanOrEqual(3600)
  expect(left).toBeGreaterThan(3500)
  const forms: FormData[] = [{ scope: 'read' }, { scope: 'write' }, { resource: other.identifier }]
  const tokens = [first.body.access_token]
  for (const form of forms) tokens.push(await tokenOf(client, form))
  tokens.push(await tokenOf(await make()))
  expect(new Set(tokens.map((token) => claimsOf(token).jti)).size).toBe(5)
  for (const [n, form] of forms.entries()) expect(await tokenOf(client, form)).toBe(tokens[n + 1])
  expect(await tokenOf(client, { scope: 'write read' })).toBe(tokens[0])
  // Through the engine.
  expect(await tokenOf(client, {}, { headers: { 'x-client-cert': 'none' } })).toBe(tokens[0])
  expect(await server.knex('access_tokens').where({ client_id: client.key })).toHaveLength(4)
})

test('a client without a window gets a new token each time', async () => {
  const client = await make({ reuseWindow: null })
  expect(await tokenOf(client)).not.toBe(await tokenOf(client))
  expect(await server.knex('reusable_tokens').where({ client_id: client.key })).toEqual([])
})

test('after the window, and shortly before it expires, a token is not used again', async () => {
  const client = await make()
  const first = await tokenOf(client)
  await age(client, 599)
  expect(await tokenOf(client)).toBe(first)
  await age(client, 2)
  const second = await tokenOf(client)
  expect(second).not.toBe(first)
  expect(await tokenOf(client)).toBe(second)
  const brief = await make({ accessTokenTtl: 60 })
  const token = await tokenOf(brief)
  await server.knex.raw(`UPDATE reusable_tokens SET expires_at = now() + interval '29 seconds' WHERE client_id = ?`, [
    brief.key,
  ])
  expect(await tokenOf(brief)).not.toBe(token)
})

test('a revoked or replaced token is never used again', async () => {
  const client = await make()
  const first = await tokenOf(client)
  await server.revoke(first, client)
  const second = await tokenOf(client)
  expect(second).not.toBe(first)
  expect((await server.introspect(second, api)).body.active).toBe(true)
  const single = await make({ policy: 'single' })
  const [all, reading] = [await tokenOf(single), await tokenOf(single, { scope: 'read' })]
  const next = await tokenOf(single)
  expect(next).not.toBe(all)
  expect(await tokenOf(single, { scope: 'read' })).not.toBe(reading)
})

test('a change of the client, of its secret or of the API ends the use of earlier tokens', async () => {
  const client = await make()
  const seen = [await tokenOf(client)]
  await updateClient(server.knex, client.clientId, { settings: { accessTokenTtl: 600 } }, ACTOR)
  seen.push(await tokenOf(client))
  expect(claimsOf(seen[1]!).exp).toBeLessThan(Date.now() / 1000 + 601)
  const { clientSecret } = await rotateSecret(server.knex, client.clientId, 300, ACTOR)
  const rotated = { ...client, clientSecret: clientSecret! }
  seen.push(await tokenOf(rotated), await tokenOf(client))
  expect(await tokenOf(rotated)).toBe(seen[2])
  expect(await tokenOf(client)).toBe(seen[3])
  await updateApi(server.knex, api.identifier, { tokenTtl: 7200 }, ACTOR)
  seen.push(await tokenOf(rotated))
  expect(new Set(seen).size).toBe(5)
})

test('a token that is used again uses up no quota, and counts as no issued token', async () => {
  const client = await make({ quotaPerDay: 1 })
  const metric = async () => {
    const { text } = await send(`${server.url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } })
    return Number(/^keywright_tokens_reused_total (\d+)$/m.exec(text)?.[1])
  }
  const before = await metric()
  const tokens = [await tokenOf(client), await tokenOf(client), await tokenOf(client)]
  expect(new Set(tokens).size).toBe(1)
  expect((await server.machineToken(client, { scope: 'read' })).status).toBe(429)
  expect(await metric()).toBe(before + 2)
  const issued = () =>
    server.knex('client_usage_hours').where({ client_id: client.key, outcome: 'issued' }).pluck('count')
  await until(async () => (await issued()).length > 0)
  expect(await issued()).toEqual([1])
})

test('requests at once receive one token, and the database holds no token that works', async () => {
  const client = await make()
  const tokens = await together(30, () => tokenOf(client))
  expect(new Set(tokens).size).toBe(1)
  expect(await server.knex('access_tokens').where({ client_id: client.key })).toHaveLength(1)
  const [row] = await server.knex('reusable_tokens').where({ client_id: client.key })
  const [, payload, signature] = tokens[0]!.split('.')
  const stored = JSON.stringify({ ...row, token: row.token.toString('latin1') })
  for (const part of [payload!, signature!]) expect(stored).not.toContain(part)
})

test('tokens that are bound to an API key are used again with the same API key only', async () => {
  const account = await server.make.account()
  const settings = { reuseWindow: 600, apiKeyRequired: true }
  const client = await server.make.register({ settings, apis: [api.identifier], account })
  const withKey = { headers: { 'x-api-key': client.apiKey } }
  const first = await tokenOf(client, {}, withKey)
  expect(await tokenOf(client, {}, withKey)).toBe(first)
  expect((await server.machineToken(client)).status).toBe(401)
})

test.each([0, 59, 86_401, 60.5])('a window of %d seconds is invalid', async (reuseWindow) => {
  await expect(make({ reuseWindow })).rejects.toMatchObject({
    code: 'invalid_input',
    fieldErrors: [{ field: 'reuseWindow' }],
  })
})
