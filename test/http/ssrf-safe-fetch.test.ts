import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSsrfSafeFetch, type SsrfSafeFetch } from '../../src/http/ssrf-safe-fetch.ts'
import { isPublicAddress, parseAddress } from '../../src/shared/host-rules.ts'

const LIMIT = 64 * 1024
const FORBIDDEN = { name: 'KeywrightError', code: 'forbidden' }
const UNAVAILABLE = { name: 'KeywrightError', code: 'unavailable' }

const allowed = createSsrfSafeFetch({ allow: ['127.0.0.1'] })
const strict = createSsrfSafeFetch({ allow: [] })

let server: Server
let port: number
let received: (IncomingMessage & { at: string | undefined })[]

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks = await Array.fromAsync(request)
  return Buffer.concat(chunks).toString()
}

async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, headers } = request
  response.end(JSON.stringify({ method, headers, body: await bodyOf(request) }))
}

function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write('.'), 100)
  response.on('close', () => clearInterval(timer))
}

function pourForever(response: ServerResponse): void {
  const pour = () => response.writable && response.write('x'.repeat(10_000), () => setImmediate(pour))
  pour()
}

const ANSWERS: Record<string, RequestListener> = {
  '/echo': echo,
  '/redirect': (_request, response) => response.writeHead(302, { location: `http://127.0.0.1:${port}/echo` }).end(),
  '/none': (_request, response) => response.writeHead(204).end(),
  '/unusable': (_request, response) => response.writeHead(799).end('?'),
  '/slow-headers': () => {},
  '/slow-body': (_request, response) => drip(response),
  '/endless': (_request, response) => pourForever(response),
  '/at-limit': (_request, response) => response.end('x'.repeat(LIMIT)),
  '/over-limit': (_request, response) => response.end('x'.repeat(LIMIT + 1)),
  '/packed': (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('small when packed')),
  '/bomb': (_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(LIMIT + 1))),
  '/cookie': (_request, response) => response.writeHead(200, { 'set-cookie': 'a=b' }).end(),
  '/cut': (_request, response) => {
    response.writeHead(200, { 'content-length': 100 })
    response.write('not a hundred', () => response.destroy())
  },
}

beforeAll(async () => {
  received = []
  server = createServer((request, response) => {
    received.push(Object.assign(request, { at: request.socket.localAddress }))
    ANSWERS[request.url!]!(request, response)
  })
  // On both families, so that what slips past a guard is served and not merely refused a connection.
  server.listen(0, '::')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})

afterAll(async () => {
  await Promise.all([allowed.close(), strict.close()])
  server.closeAllConnections()
  server.close()
})

const at = (path: string, host = '127.0.0.1') => `http://${host}:${port}${path}`

/** Resolves to these addresses, one at each lookup; the last one is used for all later lookups. */
function resolving(allow: string[], ...answers: string[][]): SsrfSafeFetch & { lookups: string[] } {
  const lookups: string[] = []
  const lookup = async (host: string) => {
    lookups.push(host)
    const addresses = answers[Math.min(lookups.length, answers.length) - 1]!
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
  return { ...createSsrfSafeFetch({ allow }, { lookup }), lookups }
}

describe('what is called', () => {
  const SPELLINGS = [
    ...['127.0.0.1', '127.1', '127.0.1', '2130706433', '0x7f.1', '0x7f000001', '0177.0.0.1', '017700000001', '0'],
    ...[
      '127.255.255.254',
      '0.0.0.0',
      '１２７.0.0.1',
      '127。0。0。1',
      '[::1]',
      '[::]',
      '[0:0:0:0:0:0:0:1]',
      '127.0.0.1.',
    ],
    ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[::ffff:0:127.0.0.1]', '[64:ff9b::127.0.0.1]'],
    ...['[64:ff9b:1::127.0.0.1]', '[2002:7f00:1::]', '[2001:0:7f00:1::]', 'localhost', 'LOCALHOST'],
  ]
  test.each(SPELLINGS)('loopback is refused however it is spelt: %s', async (host) => {
    const before = received.length
    await expect(strict.fetch(at('/echo', host))).rejects.toMatchObject(FORBIDDEN)
    expect(received.length).toBe(before)
  })

  test('so is a name that means loopback, in whatever case and with a dot at its end', async () => {
    for (const host of ['localhost', 'LocalHost', 'localhost.']) {
      await expect(resolving([], ['127.0.0.1']).fetch(at('/echo', host))).rejects.toMatchObject(FORBIDDEN)
    }
  })

  // What follows is judged alone, because a test calls no strangers, not even when it fails.
  const ELSEWHERE = [
    ...['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254', '100.64.0.1', '0.1.2.3'],
    ...['192.0.0.1', '192.0.2.1', '198.18.0.1', '198.51.100.1', '203.0.113.1', '192.88.99.1', '224.0.0.1'],
    ...['240.0.0.1', '255.255.255.255', 'fe80::1', 'fc00::1', 'fd12:3456::1', 'fec0::1', 'ff02::1'],
    ...['100::1', '2001:db8::1', '3fff::1', '2001:2::1', '4000::1', '::ffff:10.0.0.1', '2002:a00:1::'],
  ]
  test.each(ELSEWHERE)('%s is not public', (text) => {
    expect(isPublicAddress(parseAddress(text))).toBe(false)
  })

  test.each(['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '::ffff:1.1.1.1'])(
    '%s is public',
    (text) => {
      expect(isPublicAddress(parseAddress(text))).toBe(true)
    },
  )

  test('a refusal names the host, and tells neither the address nor what stood in the URL', async () => {
    const named = resolving([], ['127.1.2.3'])
    const failure = await named.fetch('http://named.example/hush?token=hush#hush').catch((error) => error)
    expect(failure.message).toContain('named.example')
    expect(failure.message).not.toMatch(/127\.1\.2\.3|hush/)
  })

  test.each([
    ...['file:///etc/passwd', 'data:text/plain,x', 'blob:nodedata:x', 'ftp://127.0.0.1/', 'about:blank', 'gopher://a/'],
    ...['', '/path', 'nowhere', 'http://', 'http://a b/', 'ws://127.0.0.1/', 'javascript:1'],
  ])('only http and https are fetched: %j is not', async (url) => {
    await expect(allowed.fetch(url)).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test.each(['user:hush@', 'hush@', ':hush@'])('an address with %s is refused, and not repeated', async (userinfo) => {
    const failure = await allowed.fetch(`http://${userinfo}127.0.0.1:${port}/echo`).catch((error) => error)
    expect(failure).toMatchObject({ code: 'invalid_input' })
    expect(failure.message).toContain('127.0.0.1')
    expect(failure.message).not.toContain('hush')
  })
})

describe('names', () => {
  test('a name is resolved once, and anew, for each exchange, and called at the very address that was judged', async () => {
    const rebinding = resolving(['127.0.0.2'], ['127.0.0.2'], ['127.0.0.1'])
    expect((await rebinding.fetch(at('/echo', 'rebind.example'))).status).toBe(200)
    expect([rebinding.lookups, received.at(-1)!.at]).toEqual([['rebind.example'], '::ffff:127.0.0.2'])
    await expect(rebinding.fetch(at('/echo', 'rebind.example'))).rejects.toMatchObject(FORBIDDEN)
  })

  test('of several addresses only those that are permitted are called', async () => {
    const mixed = resolving(['127.0.0.1'], ['127.0.0.3', '::1', '127.0.0.2', '127.0.0.1'])
    expect((await mixed.fetch(at('/echo', 'mixed.example'))).status).toBe(200)
    expect(received.at(-1)!.at).toBe('::ffff:127.0.0.1')
    const none = resolving([], ['127.0.0.3', '::1', '127.0.0.1'])
    await expect(none.fetch(at('/echo', 'none.example'))).rejects.toMatchObject(FORBIDDEN)
  })

  test('a name that resolves to IPv4 written as IPv6 is judged as IPv4', async () => {
    await expect(resolving([], ['::ffff:127.0.0.1']).fetch(at('/echo', 'a.example'))).rejects.toMatchObject(FORBIDDEN)
    const mapped = resolving(['127.0.0.0/8'], ['::ffff:127.0.0.1'])
    expect((await mapped.fetch(at('/echo', 'a.example'))).status).toBe(200)
  })

  test('a name that does not resolve is unavailable, and named', async () => {
    const failure = await allowed.fetch('http://nowhere.invalid/').catch((error) => error)
    expect(failure).toMatchObject(UNAVAILABLE)
    expect(failure.message).toContain('nowhere.invalid')
  })
})

describe('the allow-list', () => {
  const loopback = ['127.0.0.1']
  const calls = (allow: string[], host: string) => resolving(allow, loopback).fetch(at('/echo', host))

  test.each([
    ...['hooks.internal', 'HOOKS.internal', '127.0.0.1', '127.0.0.0/8', '127.0.0.1/32', '0.0.0.0/0'],
    ...['hooks.internal:PORT', '127.0.0.1:PORT'],
  ])('%s permits a name that leads to loopback', async (entry) => {
    expect((await calls([entry.replace('PORT', `${port}`)], 'hooks.internal')).status).toBe(200)
  })

  test.each([
    ...['other.internal', 'internal', '127.0.0.2', '127.0.0.2/31', 'hooks.internal:1', '127.0.0.1:1', '::1', '::/0'],
    ...['x.hooks.internal', 'hooks.internal.'],
  ])('%s does not', async (entry) => {
    await expect(calls([entry], 'hooks.internal')).rejects.toMatchObject(FORBIDDEN)
  })

  test.each(['::1', '[::1]:PORT', '::/64'])('%s permits the literal address [::1]', async (entry) => {
    const outgoing = createSsrfSafeFetch({ allow: [entry.replace('PORT', `${port}`)] })
    expect((await outgoing.fetch(at('/echo', '[::1]'))).status).toBe(200)
    await expect(outgoing.fetch(at('/echo'))).rejects.toMatchObject(FORBIDDEN)
  })

  test('a host without a port in its URL is on the port of its scheme', async () => {
    const outgoing = createSsrfSafeFetch({ allow: ['127.0.0.1:80'] })
    // A web server of this machine may answer.
    const failure = await outgoing.fetch('http://127.0.0.1/').catch((error) => error)
    expect(failure).not.toMatchObject(FORBIDDEN)
    await expect(outgoing.fetch('https://127.0.0.1/')).rejects.toMatchObject(FORBIDDEN)
  })

  test.each([
    ...['', ' ', '*.example.com', 'a b', 'http://a', 'a/path', 'user@a', 'a:', 'a:0', 'a:70000', 'a:b', '10.0.0.0/33'],
    ...['::/129', '10.0.0.256', '10.0.0.0/', '/8', '10/8', '[::1', '::ffff:10.0.0.0/104', 'a?b', 'a#b'],
  ])('%j is no entry', (entry) => {
    expect(() => createSsrfSafeFetch({ allow: [entry] })).toThrow(expect.objectContaining({ code: 'misconfigured' }))
  })
})

describe('the exchange', () => {
  test('sends the given request, as Keywright, without cookies', async () => {
    await allowed.fetch(at('/cookie'))
    const body = new URLSearchParams({ logout_token: 'x.y.z' })
    const headers = { 'x-more': 'yes', 'user-agent': 'someone else' }
    const answer = await allowed.fetch(at('/echo'), { method: 'POST', headers, body })
    const received = (await answer.json()) as { headers: Record<string, string> }
    expect(received).toMatchObject({ method: 'POST', body: 'logout_token=x.y.z' })
    const type = 'application/x-www-form-urlencoded;charset=UTF-8'
    expect(received.headers).toMatchObject({ 'user-agent': 'Keywright', 'x-more': 'yes', 'content-type': type })
    expect(received.headers).not.toHaveProperty('cookie')
  })

  test('answers a Response of the platform, with body and headers as they were meant', async () => {
    const answer = await allowed.fetch(new URL(at('/packed')))
    expect(answer).toBeInstanceOf(Response)
    expect(answer.headers.get('content-encoding')).toBeNull()
    expect(await answer.text()).toBe('small when packed')
    expect(await allowed.fetch(at('/none'))).toMatchObject({ status: 204, body: null })
  })

  test('does not follow a redirect, whatever the caller asks', async () => {
    for (const redirect of ['manual', 'follow', 'error'] as const) {
      const before = received.length
      const answer = await allowed.fetch(at('/redirect'), { redirect })
      expect([answer.status, answer.headers.get('location')]).toEqual([302, at('/echo')])
      expect(received.length).toBe(before + 1)
    }
  })

  test('passes over a dispatcher of the caller, and proxies of the environment', async () => {
    const dispatcher = { dispatch: () => expect.unreachable('the guard was passed by') }
    const init = { dispatcher } as unknown as RequestInit
    await expect(strict.fetch(at('/echo'), init)).rejects.toMatchObject(FORBIDDEN)
    process.env.HTTP_PROXY = at('')
    const unproxied = createSsrfSafeFetch({ allow: ['127.0.0.1'] })
    expect((await unproxied.fetch(at('/echo'))).status).toBe(200)
    delete process.env.HTTP_PROXY
  })

  test('takes a body of 64 KiB, and none that is longer, packed or not', async () => {
    expect((await (await allowed.fetch(at('/at-limit'))).text()).length).toBe(LIMIT)
    for (const path of ['/over-limit', '/bomb']) {
      await expect(allowed.fetch(at(path))).rejects.toMatchObject({ ...UNAVAILABLE, message: /more than 65536 bytes/ })
    }
  })

  test('hangs up on a body without end', async () => {
    await expect(allowed.fetch(at('/endless'))).rejects.toMatchObject({ message: /more than 65536 bytes/ })
    const { socket } = received.findLast(({ url }) => url === '/endless')!
    if (!socket.closed) await once(socket, 'close')
  })

  test('an answer that is cut off, or that no Response can hold, is unavailable', async () => {
    for (const path of ['/cut', '/unusable']) {
      await expect(allowed.fetch(at(path))).rejects.toMatchObject({ ...UNAVAILABLE, message: /127\.0\.0\.1:\d+/ })
    }
  })

  async function secondsUntilGivenUp(call: Promise<Response>): Promise<number> {
    const startedAt = performance.now()
    await expect(call).rejects.toMatchObject({ ...UNAVAILABLE, message: /did not answer within 5 s/ })
    return (performance.now() - startedAt) / 1000
  }

  test('ends after 5 s, whatever is slow: the name, the headers or the body', async () => {
    const unresolved = createSsrfSafeFetch({ allow: [] }, { lookup: () => new Promise(() => {}) })
    const calls = [unresolved.fetch('http://a.example/'), allowed.fetch(at('/slow-headers'))]
    const took = await Promise.all([...calls, allowed.fetch(at('/slow-body'))].map(secondsUntilGivenUp))
    // What is slow here would take for ever.
    for (const seconds of took) expect(seconds).toBeGreaterThan(4.9)
  })

  test('ends when the caller gives up', async () => {
    const signal = AbortSignal.timeout(50)
    await expect(allowed.fetch(at('/slow-body'), { signal })).rejects.toMatchObject(UNAVAILABLE)
    await expect(allowed.fetch(at('/echo'), { signal: AbortSignal.abort() })).rejects.toMatchObject(UNAVAILABLE)
  })

  test('keeps no connection, and takes no call once closed', async () => {
    const outgoing = createSsrfSafeFetch({ allow: ['127.0.0.1'] })
    await outgoing.fetch(at('/echo'))
    const { headers, socket } = received.at(-1)!
    expect(headers.connection).toBe('close')
    if (!socket.closed) await once(socket, 'close')
    await outgoing.close()
    await expect(outgoing.fetch(at('/echo'))).rejects.toMatchObject(UNAVAILABLE)
  })
})
