import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { send } from '../support/requests.ts'

let server: Keywright
let direct: Keywright

beforeAll(async () => {
  server = await startKeywright({ env: { TRUST_PROXY: 'on' } })
  direct = await startKeywright()
})
afterAll(async () => {
  await server.stop()
  await direct.stop()
})

const WARNING = /names no address/

/** The address that the log has of a request with these headers. */
async function clientIpOf(headers: Record<string, string>, on = server): Promise<unknown> {
  const { headers: answered } = await send(`${on.url}/healthz`, { headers })
  const id = answered.get('x-request-id')
  return on.logLines().find((line) => line.request_id === id)?.ip
}

const XFF = 'x-forwarded-for'

test.each([
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:50123', '203.0.113.7'],
  ['2001:db8::7', '2001:db8::7'],
  ['2001:DB8:0:0::7', '2001:db8::7'],
  ['[2001:db8::7]', '2001:db8::7'],
  ['[2001:db8::7]:50123', '2001:db8::7'],
  ['"[2001:db8::7]:50123"', '2001:db8::7'],
  ['"203.0.113.7:50123"', '203.0.113.7'],
  ['203.0.113.7:_obfuscated', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['[::ffff:203.0.113.7]:50123', '203.0.113.7'],
  ['fe80::7%eth0', 'fe80::7'],
  ['198.51.100.1, 203.0.113.7', '203.0.113.7'],
  ['garbage,198.51.100.1:1,  203.0.113.7:50123 ', '203.0.113.7'],
])('X-Forwarded-For: %s is the client %s', async (header, address) => {
  expect(await clientIpOf({ [XFF]: header })).toBe(address)
})

test.each([
  ['for=203.0.113.7', '203.0.113.7'],
  ['for=198.51.100.1, For="[2001:db8::7]:50123";proto=https;by=10.0.0.1', '2001:db8::7'],
])('without X-Forwarded-For, Forwarded: %s is the client %s', async (header, address) => {
  expect(await clientIpOf({ forwarded: header })).toBe(address)
})

test('X-Forwarded-For counts where both headers are there', async () => {
  expect(await clientIpOf({ [XFF]: '203.0.113.7', forwarded: 'for=198.51.100.1' })).toBe('203.0.113.7')
})

const UNPARSABLE = ['unknown', '_hidden', 'a.b.c.d', '1', '0x7f.1', '203.0.113', '[203.0.113.7', '203.0.113.7:1:2', ',']

test('values that name no address are one client, and the log says so once', async () => {
  for (const header of [...UNPARSABLE, `x${'y'.repeat(9000)}`]) {
    expect([header, await clientIpOf({ [XFF]: header })]).toEqual([header, 'unknown'])
  }
  const warnings = server.logLines().filter(({ msg }) => WARNING.test(String(msg)))
  expect(warnings).toHaveLength(1)
  expect(String(warnings[0]!.detail).length).toBeLessThanOrEqual(100)
})

test('without TRUST_PROXY the connection counts, and without a header also behind a proxy', async () => {
  expect(await clientIpOf({ [XFF]: '203.0.113.7', forwarded: 'for=203.0.113.7' }, direct)).toBe('127.0.0.1')
  expect(await clientIpOf({})).toBe('127.0.0.1')
})

const guess = (header: string) =>
  send(`${server.url}/device`, { method: 'POST', headers: { [XFF]: header, cookie: 'kw_session=x' } })

/** User codes that one network may try at once. */
const BURST = 100

test.each([
  ['ports of one address', (n: number) => `198.51.100.9:${1000 + n}`],
  ['addresses of one IPv6 /64', (n: number) => `[2001:db8:0:1:${n.toString(16)}::1]:${1000 + n}`],
  ['values that are no address', (n: number) => `_hidden${n}`],
])('%s share one limit', async (_, headerOf) => {
  const answers = await Promise.all(Array.from({ length: BURST + 20 }, (__, n) => guess(headerOf(n))))
  expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0)
  expect((await guess('[2001:db8:0:2::1]:1')).status).not.toBe(429)
})
