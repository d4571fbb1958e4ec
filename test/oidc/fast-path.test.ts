import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Answer, type Credentials, claimsOf, type FormData, type RequestOptions } from '../support/requests.ts'

let server: Keywright
let client: Credentials
let guarded: Credentials & { apiKey: string }

beforeAll(async () => {
  server = await startKeywright()
  const other = await server.make.api({ scopes: ['read', 'write'], signingAlg: 'RS256', tokenTtl: 120 })
  client = await server.make.client({}, [server.firstStart.api.identifier, other.identifier])
  guarded = await server.make.client({ apiKeyRequired: true, accessTokenTtl: 600 })
  identifiers.push(other.identifier)
})
afterAll(() => server.stop())

const identifiers: string[] = []

/** The engine passes over a parameter that it does not know; the express lane leaves such a request to it. */
const ENGINE = { unknown: 'parameter' }

const HEADERS = ['content-type', 'cache-control', 'pragma', 'www-authenticate']

/** All that an answer says, but for what is new each time. */
function saidBy({ status, headers, body }: Answer) {
  const { access_token, ...rest } = body
  const told = access_token && (claimsOf(access_token) as { status: { status_list: { idx: number; uri: string } } })
  const status_list = told && { ...told.status.status_list, idx: typeof told.status.status_list.idx }
  const claims = told ? { ...told, jti: 'new', iat: 0, exp: 0, status: { ...told.status, status_list } } : undefined
  const header = access_token && JSON.parse(Buffer.from(access_token.split('.')[0], 'base64url').toString())
  return { status, rest, claims, header, headers: HEADERS.map((name) => headers.get(name)) }
}

async function expectSame(form: FormData, options: RequestOptions = {}): Promise<void> {
  const machine = { grant_type: 'client_credentials', ...form }
  const express = await server.token(machine, options)
  const engine = await server.token({ ...machine, ...ENGINE }, options)
  expect(saidBy(express)).toEqual(saidBy(engine))
}

const inBody = ({ clientId, clientSecret }: Credentials) => ({ client_id: clientId, client_secret: clientSecret! })

describe('the fast path and the engine answer the same', () => {
  test('credentials in the body, in a Basic header, with the id in both', async () => {
    await expectSame(inBody(client))
    await expectSame({}, { basic: client })
    await expectSame({ client_id: client.clientId }, { basic: client })
  })

  test('a part of the scope, all of it, the same twice, and more than granted', async () => {
    for (const scope of ['all', 'all all', ' all ', 'all more', '"']) await expectSame({ scope }, { basic: client })
  })

  test('the default API, the other by resource and by audience, and one that the client may not call', async () => {
    for (const resource of [...identifiers, 'https://nowhere.example']) {
      await expectSame({ resource }, { basic: client })
      await expectSame({ audience: resource }, { basic: client })
    }
  })

  test('an API key that is right, wrong, missing, or not asked for', async () => {
    for (const key of [guarded.apiKey, 'kwk_wrong', '']) {
      await expectSame({}, { basic: guarded, headers: { 'x-api-key': key } })
      await expectSame({}, { basic: client, headers: { 'x-api-key': key } })
    }
  })

  test('a wrong secret, a wrong id, and two ways of authenticating', async () => {
    await expectSame({}, { basic: { ...client, clientSecret: guarded.clientSecret } })
    await expectSame({}, { basic: { ...client, clientId: 'kwc_nobody' } })
    await expectSame(inBody(client), { basic: client })
  })
})
