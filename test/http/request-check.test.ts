import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { sendRaw } from '../support/raw-http.ts'
import { basicHeader, claimsOf, send } from '../support/requests.ts'

let server: Keywright
let proxied: Keywright
let client: { clientId: string; clientSecret: string }

beforeAll(async () => {
  server = await startKeywright()
  proxied = await startKeywright({ env: { ISSUER: 'https://auth.example.com' } })
  client = await server.make.client()
})
afterAll(async () => {
  expect(server.logLines().filter(({ status }) => (status as number) >= 500)).toEqual([])
  await server.stop()
  await proxied.stop()
})

const FORM = 'application/x-www-form-urlencoded'
const MACHINE = 'grant_type=client_credentials'

/** One endpoint of each interface, and what it calls bad input and an unsupported body. */
const INTERFACES = [
  ['POST', '/oauth2/token', 'application/json', /"invalid_request"/],
  ['POST', '/oauth2/introspect', 'application/json', /"invalid_request"/],
  ['POST', '/oauth2/authorize', 'text/html', /<h1/],
  ['POST', '/api/v1/applications', 'application/problem+json', /urn:keywright:error:/],
  ['POST', '/signin', 'text/html', /<h1/],
] as const

test.each(INTERFACES)(
  '%s %s refuses several Authorization headers in its own form',
  async (method, path, type, text) => {
    const basic = basicHeader(client)
    const head = `${method} ${path} HTTP/1.1\r\nHost: ${new URL(server.url).host}\r\nConnection: close\r\nAccept: text/html\r\n`
    const rest = `Content-Type: ${FORM}\r\nContent-Length: ${MACHINE.length}\r\n\r\n${MACHINE}`
    const answer = await sendRaw(server.url, `${head}Authorization: ${basic}\r\nauthorization: ${basic}\r\n${rest}`)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(answer).toContain(`\r\nContent-Type: ${type}`)
    expect(answer).toMatch(text)
  },
)

test.each(INTERFACES)('%s %s refuses a compressed body with 415 in its own form', async (method, path, type, text) => {
  const headers = { 'content-type': FORM, 'content-encoding': 'gzip', accept: 'text/html' }
  const answer = await send(server.url + path, { method, headers, body: new Uint8Array(gzipSync(MACHINE)) })
  expect([answer.status, answer.headers.get('accept-encoding')]).toEqual([415, 'identity'])
  expect(answer.headers.get('content-type')).toContain(type)
  expect(answer.text).toMatch(text)
})

test.each(INTERFACES)(
  '%s %s refuses a NUL character in its address in its own form',
  async (method, path, type, text) => {
    const headers = { 'content-type': FORM, accept: 'text/html' }
    const answer = await send(`${server.url}${path}?x=%00`, { method, headers, body: MACHINE })
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toContain(type)
    expect(answer.text).toMatch(text)
  },
)

test('Content-Encoding: identity is no compression', async () => {
  const answer = await server.machineToken(client, {}, { headers: { 'content-encoding': 'identity' } })
  expect(answer.status).toBe(200)
})

test('the command line refuses a NUL character before it opens the database', async () => {
  expect(await runProgram(['client', 'show', 'kwc_\0'])).toBe(2)
})

test('surplus spaces in scope mean nothing', async () => {
  const answer = await server.machineToken(client, { scope: '  all   all  ' })
  expect([answer.status, answer.body.scope]).toEqual([200, 'all'])
  expect(claimsOf(answer.body.access_token).scope).toBe('all')
  const only = await server.machineToken(client, { scope: '   ' })
  expect([only.status, only.body.scope]).toEqual([200, 'all'])
})

const scrape = (on: Keywright, headers: Record<string, string> = {}) => send(`${on.url}/metrics`, { headers })

test('without METRICS_TOKEN, metrics are for this machine only, and not where the issuer is public', async () => {
  expect((await scrape(server)).status).toBe(200)
  for (const name of ['x-forwarded-for', 'forwarded', 'via']) {
    expect([name, (await scrape(server, { [name]: '127.0.0.1' })).status]).toEqual([name, 403])
  }
  const { status, body } = await scrape(proxied)
  expect([status, body.error_description]).toEqual([403, 'set METRICS_TOKEN and send it as a bearer token'])
})

test('with METRICS_TOKEN, only a request with that token gets the metrics', async () => {
  const guarded = await startKeywright({ env: { METRICS_TOKEN: 'token-of-the-monitoring' } })
  for (const authorization of ['', 'Bearer another', 'token-of-the-monitoring']) {
    const { status, headers } = await scrape(guarded, authorization ? { authorization } : {})
    expect([authorization, status, headers.get('www-authenticate')]).toEqual([authorization, 401, expect.any(String)])
  }
  expect((await scrape(guarded, { authorization: 'Bearer token-of-the-monitoring' })).status).toBe(200)
  await guarded.stop()
})
