/** keywright-verify: its responses to nginx, Traefik, Caddy and Envoy, and to headers that a caller forges. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createVerifier, type Verifier } from '../../packages/resource-server/src/verifier.ts'
import { createVerifyServer } from '../../packages/resource-server/src/verify-server.ts'
import { readVerifyServerSettings } from '../../packages/resource-server/src/verify-server-settings.ts'
import { until } from '../support/load.ts'
import { AUDIENCE, type FakeIssuer, FEED, makeProver, startFakeIssuer } from './fake-issuer.ts'

const MAIN = fileURLToPath(new URL('../../packages/resource-server/src/verify-server-main.ts', import.meta.url))

let issuer: FakeIssuer
let verifier: Verifier
let list: ReturnType<FakeIssuer['addList']>
const errors: unknown[] = []
const open: Server[] = []

/** Returns its URL. */
async function listen(origin?: string): Promise<string> {
  const server = createVerifyServer({ verifier, origin, onError: (error) => errors.push(error) })
  open.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

let url: string

beforeAll(async () => {
  issuer = await startFakeIssuer()
  list = issuer.addList()
  list.revoke(9)
  verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE })
  url = await listen()
})
afterAll(async () => {
  for (const server of open) server.close().closeAllConnections()
  await verifier.close()
  await issuer.close()
})

const tokenOf = (claims: Record<string, unknown> = {}) =>
  issuer.token({ status: { status_list: { idx: 1, uri: list.uri } }, ...claims })

type SentHeaders = Record<string, string | string[]>

/** With Node's `request`: `fetch` can neither set Host nor repeat a header. */
async function ask(path: string, headers: SentHeaders, { method = 'GET', at = url } = {}) {
  const sent = request(at + path, { method, headers, agent: false }).end()
  const [response] = await once(sent, 'response')
  const text: string = await readText(response)
  return { status: response.statusCode as number, headers: response.headers, body: text ? JSON.parse(text) : undefined }
}

const PATHS = ['/auth_request', '/forward_auth', '/ext_authz/v1/weather?scope=admin']

describe.each(PATHS)('a request to %s', (path) => {
  it('returns 200 and the identity of the caller', async () => {
    const { status, headers } = await ask(path, { authorization: `Bearer ${await tokenOf()}` })
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'x-client-id': 'kwk_app', 'x-subject': 'kwk_app', 'x-scope': 'read write' })
    expect(headers['cache-control']).toBe('no-store')
  })

  it('names the account of the token, and sends the header empty if the token has none', async () => {
    const accounts = ['0ec7e9d6-8a1a-4d0c-b0a5-5b1a6a5a5a5a', undefined, ['no', 'text'], 'é']
    const answers = await Promise.all(
      accounts.map(async (account_id) => await ask(path, { authorization: `Bearer ${await tokenOf({ account_id })}` })),
    )
    expect(answers.map(({ headers }) => headers['x-account-id'])).toEqual([accounts[0], '', '', '%C3%A9'])
  })

  it('returns 401 with a challenge without a token, and for one that is revoked or for another API', async () => {
    const revoked = await tokenOf({ jti: 'j2', status: { status_list: { idx: 9, uri: list.uri } } })
    const rejected = [undefined, await tokenOf({ aud: 'https://other.example.com', jti: 'j1' }), revoked]
    const answers = await Promise.all(
      rejected.map((token) => ask(path, token ? { authorization: `Bearer ${token}` } : {})),
    )
    expect(answers.map(({ status, body }) => [status, body.code, body.jti])).toEqual([
      [401, 'token_missing', undefined],
      [401, 'wrong_audience', 'j1'],
      [401, 'token_revoked', 'j2'],
    ])
    for (const { headers } of answers) expect(headers['www-authenticate']).toMatch(/^Bearer .*DPoP /)
  })

  it('returns 503 for a token with an unknown status', async () => {
    const unknown = await tokenOf({ status: { status_list: { idx: 1, uri: `${issuer.url}/oauth2/status/gone` } } })
    const { status, headers } = await ask(path, { authorization: `Bearer ${unknown}` })
    expect({ status, retry: headers['retry-after'] }).toEqual({ status: 503, retry: '5' })
  })

  it('rejects a request with two tokens, because the API might read the other one', async () => {
    const good = `Bearer ${await tokenOf()}`
    expect((await ask(path, { authorization: [good, good] })).status).toBeGreaterThanOrEqual(400)
  })

  it('accepts a long token and the long headers that a gateway passes on', async () => {
    const authorization = `Bearer ${await tokenOf({ padding: 'p'.repeat(9000) })}`
    const { status } = await ask(path, { authorization, cookie: 'c'.repeat(16_000) })
    expect(status).toBe(200)
  })
})

describe('scopes', () => {
  it.each(['/auth_request', '/forward_auth'])('in the query of %s are required', async (path) => {
    const headers = { authorization: `Bearer ${await tokenOf({ scope: 'read' })}` }
    expect((await ask(`${path}?scope=read`, headers)).status).toBe(200)
    expect((await ask(`${path}?scope=`, headers)).status).toBe(200)
    const { status, headers: answered } = await ask(`${path}?scope=read+write`, headers)
    expect(status).toBe(403)
    expect(answered['www-authenticate']).toContain('error="insufficient_scope"')
  })

  it('with a misspelt parameter name cause a 500, and the error is logged', async () => {
    const headers = { authorization: `Bearer ${await tokenOf()}` }
    expect((await ask('/auth_request?scopes=admin', headers)).status).toBe(500)
    expect(String(errors.at(-1))).toContain('unknown parameter: scopes')
  })
})

it('a malformed request is 401 for nginx, which would answer 500 after a 400, and 400 for the other gateways', async () => {
  const [nginx, ...others] = await Promise.all(PATHS.map((path) => ask(path, { authorization: 'Bearer what' })))
  expect([nginx!.status, ...others.map(({ status }) => status)]).toEqual([401, 400, 400])
})

it('subjects with other characters than visible ASCII are percent-encoded without collisions', async () => {
  const subjects = ['zoë', 'zo%C3%AB', 'a b', 'a\nx-scope: admin', '\ud800']
  const answers = await Promise.all(
    subjects.map(async (sub) => ask('/auth_request', { authorization: `Bearer ${await tokenOf({ sub })}` })),
  )
  const seen = answers.map(({ headers }) => headers['x-subject'])
  expect(seen).toEqual(['zo%C3%AB', 'zo%25C3%25AB', 'a%20b', 'a%0Ax-scope:%20admin', '%EF%BF%BD'])
})

describe('a token that is bound to a key (DPoP)', async () => {
  const prover = await makeProver()
  const SEEN = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'api.example.com' }
  const NGINX = { ...SEEN, 'x-original-method': 'PUT', 'x-original-uri': '/v1/weather?q=1' }
  const TRAEFIK = { ...SEEN, 'x-forwarded-method': 'PUT', 'x-forwarded-uri': '/v1/weather?q=1' }
  const ENVOY = { host: 'api.example.com', 'x-forwarded-proto': 'https' }

  async function bound(htu = 'https://api.example.com/v1/weather', htm = 'PUT'): Promise<SentHeaders> {
    const token = await tokenOf({ cnf: { jkt: prover.jkt } })
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
    const proof = await prover.proof({ htm, htu, ath: Buffer.from(digest).toString('base64url') })
    return { authorization: `DPoP ${token}`, dpop: proof }
  }

  it('is accepted in each protocol with a proof for the original request', async () => {
    expect((await ask('/auth_request', { ...(await bound()), ...NGINX })).status).toBe(200)
    expect((await ask('/forward_auth', { ...(await bound()), ...TRAEFIK })).status).toBe(200)
    const envoy = await ask('/ext_authz/v1/weather?q=1', { ...(await bound()), ...ENVOY }, { method: 'PUT' })
    expect(envoy.status).toBe(200)
  })

  it('is rejected if only headers of another gateway match its proof', async () => {
    const answers = [
      await ask('/forward_auth', { ...(await bound()), ...NGINX }),
      await ask('/auth_request', { ...(await bound()), ...TRAEFIK }),
      await ask('/ext_authz/other', { ...(await bound()), ...NGINX, ...TRAEFIK, ...ENVOY }, { method: 'PUT' }),
      await ask('/auth_request', { ...(await bound()), ...NGINX, 'x-original-uri': ['/v1/weather', '/other'] }),
      await ask('/auth_request', { ...(await bound()), ...NGINX, 'x-forwarded-host': 'api.example.com/v1/weather?' }),
      await ask('/auth_request', { ...(await bound()), ...NGINX, 'x-original-uri': '@api.example.com/v1/weather' }),
    ]
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(Array(6).fill([401, 'dpop_invalid']))
  })

  it('needs a proof for the configured origin, whatever the headers say', async () => {
    const at = await listen('https://api.example.com')
    const forged = { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'evil.example' }
    expect((await ask('/auth_request', { ...(await bound()), ...NGINX, ...forged }, { at })).status).toBe(200)
    const proof = await bound('http://evil.example/v1/weather')
    expect((await ask('/auth_request', { ...proof, ...NGINX, ...forged }, { at })).body.code).toBe('dpop_invalid')
  })
})

it('the server serves the metadata of the API, its health, and nothing else', async () => {
  const metadata = await ask('/.well-known/oauth-protected-resource/v1', {})
  expect(metadata.body).toMatchObject({ resource: AUDIENCE, authorization_servers: [issuer.url] })
  expect((await ask('/healthz', {})).body).toEqual({ status: 'ok', feed: 'off' })
  for (const path of ['/', '/verify', '/auth_request/x', '/ext_authzx']) expect((await ask(path, {})).status).toBe(404)
})

describe('the settings of keywright-verify', () => {
  const settingsOf = (env: Record<string, string | undefined>) => readVerifyServerSettings(env, () => {})

  it('are validated all at once, with the names of the variables', () => {
    const env = {
      ISSUER: 'http://auth.example.com',
      ON_UNKNOWN: 'maybe',
      MAX_AGE: 'soon',
      CLOCK_TOLERANCE: '-1',
      CERTIFICATE_HEADER: 'X SSL',
      ALLOW_HTTP: 'true',
      API_ID: 'kwa_weather',
      ORIGIN: 'https://api.example.com/v1',
      PORT: '80800',
    }
    const named = 'ISSUER AUDIENCE CLOCK_TOLERANCE CERTIFICATE_HEADER ON_UNKNOWN MAX_AGE API_ID ORIGIN PORT ALLOW_HTTP'
    expect(() => settingsOf(env)).toThrow(new RegExp(named.split(' ').join(' .*; ')))
  })

  it('need the client ID and one secret for the feed, or neither', () => {
    const base = { ISSUER: 'https://auth.example.com', AUDIENCE: AUDIENCE }
    const wrong = [{ API_ID: 'a' }, { API_SECRET: 's' }, { API_ID: 'a', API_SECRET: 's', API_SECRET_FILE: '/f' }]
    for (const some of wrong) expect(() => settingsOf({ ...base, ...some })).toThrow('API_ID needs exactly one of')
    expect(settingsOf({ ...base, API_ID: '', API_SECRET: '' }).verifier.statusList).toMatchObject({ feed: undefined })
  })
})

describe('the keywright-verify process', () => {
  async function start(env: Record<string, string>, ...args: string[]) {
    const child = spawn(process.execPath, [MAIN, ...args], { env: { PORT: '0', ...env } })
    let output = ''
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output += text
    })
    const ended = once(child, 'close').then(([code]) => code as number)
    return { child, ended, output: () => output }
  }

  /** The URL at which a process listens. */
  async function listening(output: () => string): Promise<string> {
    await until(() => output().includes('listening'))
    return JSON.parse(output().trim().split('\n')[0]!).url
  }

  it('exits with 2 and names the missing variables', async () => {
    const { ended, output } = await start({})
    expect(await ended).toBe(2)
    const errors = output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).msg)
    expect(errors).toEqual(['ISSUER is not a URL', 'AUDIENCE is empty'])
  })

  it('exits with 1 if it cannot listen', async () => {
    const { ended, output } = await start({ ISSUER: issuer.url, AUDIENCE, PORT: new URL(url).port })
    expect(await ended).toBe(1)
    expect(output()).toContain('EADDRINUSE')
  })

  it('lists all its variables in its help', async () => {
    const { child, ended } = await start({}, '--help')
    const help = await readText(child.stdout)
    expect(await ended).toBe(0)
    for (const name of ['ISSUER', 'AUDIENCE', 'API_SECRET_FILE', 'PORT'])
      expect(help).toMatch(new RegExp(`^ +${name} `, 'm'))
  })

  it('exits after SIGTERM also with an idle connection and an unfinished request', async () => {
    const { child, ended, output } = await start({ ISSUER: issuer.url, AUDIENCE })
    const port = Number(new URL(await listening(output)).port)
    const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    for (const socket of sockets) socket.on('error', () => {}).resume()
    sockets[1]!.write('GET /auth_request HTTP/1.1\r\nHost: x\r\n')
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    // A response proves that the server has accepted the connections before.
    await ask('/healthz', {}, { at: `http://127.0.0.1:${port}` })
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('follows the feed with the secret in a file, and exits after SIGTERM', async () => {
    const home = await mkdtemp(join(tmpdir(), 'keywright-verify-'))
    const file = join(home, 'secret')
    await writeFile(file, `${FEED.clientSecret}\n`)
    const env = { ISSUER: issuer.url, AUDIENCE, API_ID: FEED.clientId, API_SECRET_FILE: file }
    const { child, ended, output } = await start(env)
    const at = await listening(output)
    await until(() => issuer.streams.length > 0)
    const stream = issuer.streams.at(-1)!
    const basic = Buffer.from(stream.authorization!.slice(6), 'base64').toString()
    expect(basic).toBe(`${FEED.clientId}:${FEED.clientSecret}`)
    stream.current()
    await until(async () => (await ask('/healthz', {}, { at })).body.feed === 'live')
    const headers = {
      authorization: `Bearer ${await tokenOf({ status: { status_list: { idx: 77, uri: list.uri } } })}`,
    }
    expect((await ask('/auth_request', headers, { at })).status).toBe(200)
    stream.event('revoked', { at: Date.now(), lists: [{ uri: list.uri, idx: [77] }] }, 'v1')
    await until(async () => (await ask('/auth_request', headers, { at })).status === 401)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(output()).not.toContain(FEED.clientSecret)
    await rm(home, { recursive: true })
  })
  it('reads the client certificate in the header of CERTIFICATE_HEADER, and in no other', async () => {
    const { child, ended, output } = await start({
      ISSUER: issuer.url,
      AUDIENCE,
      CERTIFICATE_HEADER: 'X-SSL-Client-Cert',
    })
    const at = await listening(output)
    const certificate = Buffer.from('only the hash of a certificate counts')
    const thumbprint = createHash('sha256').update(certificate).digest('base64url')
    const authorization = `Bearer ${await tokenOf({ cnf: { 'x5t#S256': thumbprint } })}`
    const askWith = async (headers: SentHeaders) => {
      const { status, body } = await ask('/auth_request', { authorization, ...headers }, { at })
      return [status, body?.code]
    }
    const value = certificate.toString('base64')
    expect(await askWith({ 'x-ssl-client-cert': value })).toEqual([200, undefined])
    expect(await askWith({ 'x-ssl-client-cert': Buffer.from('other').toString('base64') })).toEqual([
      401,
      'certificate_wrong',
    ])
    expect(await askWith({ 'client-cert': value })).toEqual([401, 'certificate_missing'])
    const metadata = await ask('/.well-known/oauth-protected-resource/v1', {}, { at })
    expect(metadata.body.tls_client_certificate_bound_access_tokens).toBe(true)
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })
})
