import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCallers } from '../guarantees/all-routes.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { send } from '../support/requests.ts'
import { foundIn } from '../support/secret-search.ts'

let server: Keywright
let callers: Awaited<ReturnType<typeof createCallers>>
let client: { key: number; clientId: string; clientSecret: string }
let token: string

beforeAll(async () => {
  server = await startKeywright()
  callers = await createCallers(server)
  client = await server.make.register({ settings: { name: 'Zürich Trains' }, account: callers.home })
  token = (await server.machineToken(client)).body.access_token
})
afterAll(() => server?.stop())

/** `GET /api/v1/inspect`, with the bytes of the text in the header. */
function ask(text: string | undefined, { query = '', as = 'operator' as keyof typeof callers.tokens } = {}) {
  const bytes = text === undefined ? undefined : Buffer.from(text).toString('latin1')
  const headers = {
    authorization: `Bearer ${callers.tokens[as]}`,
    ...(bytes !== undefined && { 'keywright-inspect': bytes }),
  }
  return send(`${server.url}/api/v1/inspect${query}`, { headers })
}

test('the text of a GET request is in a header, and what the API expects in the query', async () => {
  for (const text of [token, client.clientId, client.clientSecret, 'zürich']) {
    const { status, body } = await ask(text, { as: 'admin' })
    expect([status, body]).toMatchObject([200, { works: true, findings: [{ client: { client_id: client.clientId } }] }])
  }
  const { body } = await ask(token, { query: '?scope=never-granted' })
  expect(body).toMatchObject({ works: false, reason: 'insufficient_scope' })
})

test('the same request of another account finds nothing', async () => {
  const [theirs, none] = [await ask(client.clientId, { as: 'stranger' }), await ask(`kwc_${'0'.repeat(20)}`)]
  expect([theirs.status, theirs.body]).toEqual([200, none.body])
})

test('a missing text, a text in the query, bytes that are no text and a header of 20 KiB are bad requests', async () => {
  const missing = await ask(undefined)
  expect([missing.status, missing.body.errors]).toMatchObject([400, [{ parameter: 'Keywright-Inspect' }]])
  expect((await ask(undefined, { query: `?text=${client.clientId}` })).status).toBe(400)
  const headers = { authorization: `Bearer ${callers.tokens.operator}`, 'keywright-inspect': '\xff\xfe' }
  expect((await send(`${server.url}/api/v1/inspect`, { headers })).status).toBe(400)
  expect((await ask('x'.repeat(20_000))).status).toBe(431)
})

test('no request leaves the text in the log', async () => {
  for (const text of [token, client.clientSecret]) expect((await ask(text)).status).toBe(200)
  const secrets = { token, signature: token.split('.')[2]!, secret: client.clientSecret }
  expect(foundIn(JSON.stringify(server.logLines()), secrets)).toEqual([])
})
