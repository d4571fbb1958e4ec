import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasPlainHeaders, isPlainRequest } from '../../src/oidc/fast-path.ts'
import type { Form, OidcContext } from '../../src/oidc/request-state.ts'
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

/** The engine ignores an unknown parameter; the fast path leaves such a request to the engine. */
const ENGINE = { unknown: 'parameter' }

const HEADERS = ['content-type', 'cache-control', 'pragma', 'www-authenticate']

/** A response without what differs between two tokens. */
function comparable({ status, headers, body }: Answer) {
  const { access_token, ...rest } = body
  const issued = access_token && (claimsOf(access_token) as { status: { status_list: { idx: number; uri: string } } })
  const status_list = issued && { ...issued.status.status_list, idx: typeof issued.status.status_list.idx }
  const claims = issued
    ? { ...issued, jti: 'new', iat: 0, exp: 0, status: { ...issued.status, status_list } }
    : undefined
  const header = access_token && JSON.parse(Buffer.from(access_token.split('.')[0], 'base64url').toString())
  return { status, rest, claims, header, headers: HEADERS.map((name) => headers.get(name)) }
}

async function expectSame(form: FormData, options: RequestOptions = {}): Promise<void> {
  const machine = { grant_type: 'client_credentials', ...form }
  const fast = await server.token(machine, options)
  const engine = await server.token({ ...machine, ...ENGINE }, options)
  expect(comparable(fast)).toEqual(comparable(engine))
}

const inBody = ({ clientId, clientSecret }: Credentials) => ({ client_id: clientId, client_secret: clientSecret! })

describe('the fast path and the engine send the same response', () => {
  test('to credentials in the body, in a Basic header, and with the client ID in both', async () => {
    await expectSame(inBody(client))
    await expectSame({}, { basic: client })
    await expectSame({ client_id: client.clientId }, { basic: client })
  })

  test('to a part of the scope, all of it, a repeated scope, and more than is granted', async () => {
    for (const scope of ['all', 'all all', ' all ', 'all more', '"']) await expectSame({ scope }, { basic: client })
  })

  test('for the default API, another one by resource and by audience, and one that the client may not call', async () => {
    for (const resource of [...identifiers, 'https://nowhere.example']) {
      await expectSame({ resource }, { basic: client })
      await expectSame({ audience: resource }, { basic: client })
    }
  })

  test('to an API key that is right, wrong, missing, or not required', async () => {
    for (const key of [guarded.apiKey, 'kwk_wrong', '']) {
      await expectSame({}, { basic: guarded, headers: { 'x-api-key': key } })
      await expectSame({}, { basic: client, headers: { 'x-api-key': key } })
    }
  })

  test('to a wrong client secret, an unknown client ID, and two authentication methods', async () => {
    await expectSame({}, { basic: { ...client, clientSecret: guarded.clientSecret } })
    await expectSame({}, { basic: { ...client, clientId: 'kwc_nobody' } })
    await expectSame(inBody(client), { basic: client })
  })
})

/** What clients and proxies of these names send beside `host`, `content-type`, `content-length` and credentials. */
const SENDERS: Record<string, string[]> = {
  curl: ['user-agent', 'accept', 'expect'],
  'Node fetch': ['accept', 'accept-language', 'sec-fetch-mode', 'user-agent', 'accept-encoding', 'connection'],
  'Python requests': ['user-agent', 'accept-encoding', 'accept', 'connection', 'cookie'],
  'Java HttpClient': ['connection', 'http2-settings', 'upgrade', 'user-agent'],
  'a browser on the same origin': [
    'sec-ch-ua',
    'sec-ch-ua-mobile',
    'sec-fetch-site',
    'referer',
    'priority',
    'dnt',
    'te',
  ],
  'a .NET client with tracing': ['traceparent', 'tracestate', 'baggage', 'request-id', 'correlation-context'],
  nginx: ['x-real-ip', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-ssl', 'x-request-id'],
  'HAProxy and Caddy': ['forwarded', 'x-forwarded-port', 'via'],
  Cloudflare: ['cf-connecting-ip', 'cf-ipcountry', 'cf-ray', 'cf-visitor', 'cdn-loop', 'true-client-ip'],
  'AWS load balancers': ['x-amzn-trace-id', 'x-amzn-tls-version', 'x-amzn-tls-cipher-suite', 'x-amz-cf-id'],
  Envoy: ['x-envoy-expected-rq-timeout-ms', 'x-b3-traceid', 'x-datadog-trace-id', 'x-cloud-trace-context'],
}

const COMMON = ['host', 'content-type', 'content-length', 'authorization', 'x-api-key']

const headersOf = (names: readonly string[]) => Object.fromEntries([...COMMON, ...names].map((name) => [name, '1']))

describe('the fast path', () => {
  test.each(Object.entries(SENDERS))('serves the headers of %s', (_sender, names) => {
    expect(names.filter((name) => !hasPlainHeaders(headersOf([name])))).toEqual([])
  })

  test.each([
    ...['dpop', 'dpop-nonce', 'oauth-client-attestation', 'oauth-client-attestation-pop', 'oauth-anything'],
    ...['client-cert', 'client-cert-chain', 'x-client-cert', 'x-forwarded-client-cert', 'x-ssl-client-verify'],
    ...['x-amzn-mtls-clientcert', 'x-oauth-scopes', 'x-jwt-assertion', 'sec-token-binding', 'cf-access-jwt-assertion'],
    ...['origin', 'access-control-request-method', 'signature', 'signature-input', 'unknown'],
  ])('leaves a request with the header %s to the engine', (name) => {
    expect(hasPlainHeaders(headersOf([name]))).toBe(false)
  })

  test.each<[string, Form]>([
    ['another grant type', { grant_type: 'refresh_token' }],
    ['an unknown parameter', { unknown: '1' }],
    ['authorization_details', { authorization_details: '[]' }],
    ['an assertion', { client_assertion: 'a.b.c' }],
    ['a repeated scope', { scope: ['a', 'b'] }],
  ])('leaves a request with %s to the engine', (_title, parameters) => {
    const form = { grant_type: 'client_credentials', client_id: 'a', client_secret: 'b' }
    const isPlain = (more: Form) =>
      isPlainRequest({
        req: { headers: {} },
        state: { credentials: { clientId: 'a', secret: 'b' }, form: { ...form, ...more } },
      } as unknown as OidcContext)
    expect([isPlain({}), isPlain(parameters)]).toEqual([true, false])
  })

  test('counts requests against the rate limit of the client, as the engine does', async () => {
    const limited = await server.make.client({ rateLimit: { count: 2, period: 3600 } })
    const request = { grant_type: 'client_credentials' }
    expect((await server.token(request, { basic: limited })).status).toBe(200)
    expect((await server.token({ ...request, ...ENGINE }, { basic: limited })).status).toBe(200)
    expect((await server.token(request, { basic: limited })).status).toBe(429)
  })
})
