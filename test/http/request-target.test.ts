import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { sendRaw } from '../support/raw-http.ts'
import { openBrowser } from '../support/scriptless-browser.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})

afterAll(async () => {
  expect(server.logLines().filter(({ status }) => (status as number) >= 500)).toEqual([])
  await server.stop()
})

const get = (target: string, headers: Record<string, string> = {}) => {
  const all = { Host: new URL(server.url).host, Connection: 'close', Accept: 'text/html', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return sendRaw(server.url, `GET ${target} HTTP/1.1\r\n${lines.join('')}\r\n`)
}

const other = () => server.url.replace('127.0.0.1', 'localhost')

test('a target in absolute form is the same as its path (RFC 9112, section 3.2.2)', async () => {
  expect(await get(`${server.url}/healthz`)).toMatch(/^HTTP\/1.1 200 /)
  expect(await get(`${server.url}/signin?return_to=/account`)).toMatch(/^HTTP\/1.1 200 /)
  expect(await get(server.url)).toMatch(/^HTTP\/1.1 (200|303) /)
  expect(await get(`${server.url}?x=1`)).toMatch(/^HTTP\/1.1 (200|303) /)
  expect(await get('ftp://x/healthz')).toMatch(/^HTTP\/1.1 200 /)
})

test('a target in absolute form under another loopback name leads to the issuer', async () => {
  const answer = await get(`${other()}/signin?return_to=%2Faccount`)
  expect(answer).toMatch(/^HTTP\/1.1 302 /)
  expect(answer).toContain(`\r\nLocation: ${server.issuer}/signin?return_to=%2Faccount\r\n`)
})

test('the host of a target in absolute form counts, and not the Host header', async () => {
  const issuer = await get(`${server.url}/signin`, { Host: 'localhost' })
  expect(issuer).toMatch(/^HTTP\/1.1 200 /)
})

test('the page for a device without a session has a form that works', async () => {
  const browser = openBrowser(server.url)
  const shown = await browser.visit('/device/anything')
  expect(shown.status).toBe(400)
  const answered = await browser.submit(shown, /\/device$/, { user_code: 'BBBB-CCCC' })
  expect(answered.text).toContain('There is no such code')
})

test.each(['/device/anything', '/device/anything?user_code=AAAA-BBBB', '/oauth2/authorize/anything', '/device/%00'])(
  '%s without a session is a page that says what to do',
  async (path) => {
    const page = await openBrowser(server.url).visit(path)
    expect(page.status).toBeGreaterThanOrEqual(400)
    expect(page.status).toBeLessThan(500)
    expect(page.text).toContain('<h1')
  },
)
