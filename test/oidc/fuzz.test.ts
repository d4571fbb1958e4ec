import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { createRandom } from '../support/random.ts'
import { type Answer, basicHeader, type Credentials, send } from '../support/requests.ts'

const SEED = 20_261_121
const REQUESTS = 600

let server: Keywright
/** Every legacy compatibility option is on, so that the requests reach as much code as possible. */
let client: Credentials & { apiKey: string }
let bystander: Credentials
let untouched: { access_token: string }
let pool: string[]

beforeAll(async () => {
  server = await startKeywright()
  const legacyOptionUses = { queryCredentials: true, clientCredentialsRefresh: true, apiKeyRequired: true }
  client = await server.make.client(legacyOptionUses)
  bystander = await server.make.client()
  untouched = (await server.machineToken(bystander)).body
  const own = await server.machineToken(client, {}, { headers: { 'x-api-key': client.apiKey } })
  expect(own.status).toBe(200)
  pool = [...NASTY, own.body.access_token, own.body.refresh_token, untouched.access_token, client.clientId]
})

afterAll(() => server.stop())

const NASTY = [
  ...['', ' ', '\0', '%00', '%', '%zz', '%ff%fe', '\ud83d\ude00', '\u202e', "' OR 1=1 --", '"', '\\', '\r\nX: y', '\t'],
  ...['null', 'undefined', 'true', '-1', '1e309', '9'.repeat(400), '[]', '{"a":1}', '__proto__', 'constructor'],
  ...['a.b.c', '..', 'eyJhbGciOiJub25lIn0.e30.', 'kwr_x', 'kws_', 'jti:00000000-0000-0000-0000-000000000000'],
  ...['x'.repeat(3000), 'urn:a', 'https://[', 'client_credentials', 'refresh_token', 'authorization_code'],
]

const NAMES = [
  ...['grant_type', 'client_id', 'client_secret', 'scope', 'resource', 'audience', 'refresh_token', 'token', 'code'],
  ...['token_type_hint', 'client_assertion', 'client_assertion_type', 'redirect_uri', 'username', 'dpop', 'claims'],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'a[b]', 'a[]', ''],
]

const ENDPOINTS = ['/oauth2/token', '/oauth2/token/', '/oauth2/introspect', '/oauth2/revoke']

interface Draft {
  pairs: [string, string][]
  query: [string, string][]
  headers: Record<string, string>
  body?: Buffer
}

function base(path: string, random: ReturnType<typeof createRandom>): Draft {
  const headers = { 'x-api-key': client.apiKey, authorization: basicHeader(client) }
  const grant = random.chance(0.5)
    ? [['grant_type', 'client_credentials']]
    : [['grant_type', 'refresh_token'], ['refresh_token', random.pick(pool)]] // biome-ignore format: pairs
  const pairs = path.startsWith('/oauth2/token') ? grant : [['token', random.pick(pool)]]
  return { pairs: pairs as [string, string][], query: [], headers }
}

/** Each spoils a draft in one way. */
const SPOILERS: ((draft: Draft, random: ReturnType<typeof createRandom>) => void)[] = [
  (draft, random) => draft.pairs.push([random.pick(NAMES), random.pick(pool)]),
  (draft, random) => draft.pairs.push([...random.pick(draft.pairs)]),
  (draft, random) => {
    random.pick(draft.pairs)[1] = random.pick(pool)
  },
  (draft, random) => draft.query.push([random.pick(NAMES), random.pick(pool)]),
  (draft, random) => {
    draft.query.push(...draft.pairs.splice(random.below(draft.pairs.length)))
    draft.pairs.push(['x', 'y'])
  },
  (draft, random) => {
    const scheme = random.pick(['Basic', 'basic', 'Bearer', 'DPoP', 'Negotiate', 'Basic '])
    draft.headers.authorization = `${scheme} ${random.bytes(random.below(60)).toString('base64')}`
  },
  (draft, random) => {
    draft.headers.authorization = basicHeader({ clientId: random.pick(pool), clientSecret: random.pick(pool) })
  },
  (draft) => {
    delete draft.headers.authorization
    draft.pairs.push(['client_id', client.clientId], ['client_secret', client.clientSecret!])
  },
  (draft, random) => {
    const types = ['application/json', 'text/plain', 'multipart/form-data', 'x', 'application/x-www-form-urlencoded;a']
    draft.headers['content-type'] = random.pick(types)
  },
  (draft, random) => {
    draft.headers['x-api-key'] = random.pick(['', 'kwk_', 'x'.repeat(5000)])
  },
  (draft, random) => {
    draft.headers.accept = random.pick(['text/html', 'application/token-introspection+jwt', '*/*;q=2', 'x'])
  },
  (draft, random) => {
    draft.headers[random.pick(['dpop', 'oauth-client-attestation', 'oauth-client-attestation-pop'])] = 'a.b.c'
  },
  (draft, random) => {
    draft.body = Buffer.from(encode(draft.pairs))
    for (let n = 0; n < 3; n++) draft.body[random.below(draft.body.length)] = random.below(256)
  },
  (draft, random) => {
    draft.body = random.bytes(random.below(2000))
  },
]

const encode = (pairs: [string, string][]) => new URLSearchParams(pairs).toString()

function sendDraft(path: string, draft: Draft): Promise<Answer> {
  const query = draft.query.length > 0 ? `?${encode(draft.query)}` : ''
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...draft.headers }
  const body = draft.body ? new Uint8Array(draft.body) : encode(draft.pairs)
  return send(`${server.url}${path}${query}`, { method: 'POST', headers, body })
}

function complaintsAbout(answer: Answer): string[] {
  const { status, headers, body } = answer
  const complaints = []
  if (status >= 500) complaints.push('a server error')
  if (status >= 400 && !(typeof body.error === 'string' && /^[\x20-\x7e]+$/.test(body.error)))
    complaints.push('no error')
  if (status >= 400 && !headers.get('content-type')?.startsWith('application/json')) complaints.push('not JSON')
  if (status === 401 && !headers.get('www-authenticate')) complaints.push('no WWW-Authenticate')
  if (headers.get('cache-control') !== 'no-store') complaints.push('may be cached')
  if (!headers.get('x-request-id')) complaints.push('no X-Request-Id')
  return complaints
}

test(`${REQUESTS} spoiled requests get answers in the standard's form, never a server error`, async () => {
  const random = createRandom(SEED)
  const statuses = new Map<number, number>()
  for (let n = 0; n < REQUESTS; n++) {
    const path = random.pick(ENDPOINTS)
    const draft = base(path, random)
    for (let times = random.below(3); times >= 0; times--) random.pick(SPOILERS)(draft, random)
    const answer = await sendDraft(path, draft)
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    const description = `request ${n} of seed ${SEED}: ${path} ${JSON.stringify(draft)} was answered ${answer.text}`
    expect(complaintsAbout(answer), description).toEqual([])
  }
  // Both the good and the bad must have been among them, or the requests test nothing.
  for (const status of [200, 400, 401]) expect(statuses.get(status), `${status}`).toBeGreaterThan(20)
})

test('the server still serves, no other token has changed, and no error was logged', async () => {
  expect((await server.machineToken(bystander)).status).toBe(200)
  const again = await server.make.client()
  expect((await server.machineToken(again)).status).toBe(200)
  expect(server.logLines().filter((line) => (line.level as number) >= 50)).toEqual([])
})
