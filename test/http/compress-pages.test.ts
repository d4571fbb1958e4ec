import { request } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { basicHeader, send } from '../support/requests.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})
afterAll(() => server.stop())

interface Raw {
  readonly encoding: string | undefined
  readonly vary: string
  readonly cookie: string
  readonly bytes: Buffer
}

/** As it came over the wire: fetch would decompress it. */
const get = (path: string, headers: Record<string, string> = {}): Promise<Raw> =>
  new Promise((resolve, reject) => {
    const asked = request(server.url + path, { headers: { accept: 'text/html', ...headers } }, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      const { 'content-encoding': encoding, 'set-cookie': cookies = [], vary = '' } = response.headers
      resolve({ encoding, vary, cookie: cookies.join('; '), bytes: Buffer.concat(chunks) })
    })
    asked.on('error', reject).end()
  })

const GZIP = { 'accept-encoding': 'gzip' }

test.each(['/signin', '/device', '/oauth2/authorize?client_id=unknown'])('the page %s is compressed', async (path) => {
  const plain = await get(path)
  expect(plain.encoding).toBeUndefined()
  const page = await get(path, GZIP)
  expect([page.encoding, page.vary]).toEqual(['gzip', expect.stringContaining('Accept-Encoding')])
  expect(page.bytes.length).toBeLessThan(plain.bytes.length * 0.6)
  expect(gunzipSync(page.bytes).toString()).toContain('</html>')
  const brotli = await get(path, { 'accept-encoding': 'br' })
  expect(brotliDecompressSync(brotli.bytes).toString()).toContain('</html>')
})

test('a page that another site opens is not compressed', async () => {
  for (const site of ['cross-site', 'same-site']) {
    const page = await get('/signin', { ...GZIP, 'sec-fetch-site': site })
    expect([site, page.encoding, page.vary]).toEqual([site, undefined, expect.stringContaining('Sec-Fetch-Site')])
  }
  for (const site of ['same-origin', 'none']) {
    expect([site, (await get('/signin', { ...GZIP, 'sec-fetch-site': site })).encoding]).toEqual([site, 'gzip'])
  }
})

const tokensOf = (html: string) => [...html.matchAll(/name="csrf" value="([^"]*)"/g)].map(([, token]) => token!)

test('the CSRF token of a page differs in each response, and each of them is accepted', async () => {
  const first = await get('/signin')
  const cookie = /kw_csrf=[\w-]{43}/.exec(first.cookie)![0]
  const pages = await Promise.all(Array.from({ length: 5 }, () => get('/signin', { cookie })))
  const tokens = pages.flatMap(({ bytes }) => tokensOf(bytes.toString()))
  expect(new Set(tokens).size).toBe(5)
  const raw = cookie.slice('kw_csrf='.length)
  for (const token of tokens) {
    expect(token).not.toContain(raw)
    const body = new URLSearchParams({ csrf: token, email: 'nobody@example.com', password: 'wrong' })
    const answer = await send(`${server.url}/signin`, {
      method: 'POST',
      body,
      headers: { accept: 'text/html', cookie },
    })
    expect([answer.status, answer.text.includes('too old')]).not.toEqual([403, true])
  }
  const body = new URLSearchParams({ csrf: tokens[0]!.replace(/^./, (one) => (one === 'A' ? 'B' : 'A')) })
  const forged = await send(`${server.url}/signin`, { method: 'POST', body, headers: { accept: 'text/html', cookie } })
  expect(forged.status).toBe(403)
})

test('tokens, keys and streams of events are not compressed', async () => {
  const api = basicHeader(server.firstStart.api)
  expect((await get('/oauth2/jwks', GZIP)).encoding).toBeUndefined()
  expect((await get('/api/v1/openapi.json', GZIP)).encoding).toBeUndefined()
  const abort = new AbortController()
  const headers = { ...GZIP, authorization: api, accept: 'text/event-stream' }
  const feed = await fetch(`${server.url}/oauth2/status/feed`, { headers, signal: abort.signal })
  expect([feed.status, feed.headers.get('content-encoding')]).toEqual([200, null])
  abort.abort()
})
