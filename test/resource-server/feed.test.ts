import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StatusListOptions } from '../../packages/resource-server/src/options.ts'
import { StatusFeed } from '../../packages/resource-server/src/status-feed.ts'
import type { StatusLists } from '../../packages/resource-server/src/status-lists.ts'
import { createVerifier, type Verifier } from '../../packages/resource-server/src/verifier.ts'
import { until } from '../support/load.ts'
import { AUDIENCE, encodeBitmap, type FakeIssuer, FEED, handClock, shifted, startFakeIssuer } from './fake-issuer.ts'

const PATH = '/oauth2/status/a'

let clock: ReturnType<typeof handClock>
let issuer: FakeIssuer
let problems: string[]
let made: Verifier[]

beforeEach(async () => {
  clock = handClock()
  issuer = await startFakeIssuer(clock)
  problems = []
  made = []
})
afterEach(async () => {
  await Promise.all(made.map((verifier) => verifier.close()))
  await issuer.close()
})

function start(statusList: StatusListOptions = {}, at = clock as { wall(): number; monotonic(): number }) {
  const onProblem = ({ code, message }: { code: string; message: string }) => problems.push(`${code}: ${message}`)
  const lists = { feed: FEED, ...statusList }
  const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, statusList: lists, onProblem }, at)
  made.push(verifier)
  verifier.start()
  const verify = (token: string) =>
    verifier.verify({ headers: { authorization: `Bearer ${token}` } }).then(
      ({ status }) => status,
      (error) => error.code as string,
    )
  return { verifier, verify }
}

const tokenAt = (idx: number, uri = issuer.url + PATH) => issuer.token({ status: { status_list: { idx, uri } } })

/** Waits for a connection, counted from 1. */
async function stream(number: number) {
  await until(() => issuer.streams.length >= number)
  return issuer.streams[number - 1]!
}

/** A verifier that follows the feed, with one list in memory. */
async function following(statusList?: StatusListOptions) {
  const list = issuer.addList()
  const { verifier, verify } = start(statusList)
  const feed = await stream(1)
  feed.current()
  await until(() => verifier.isLive())
  expect(await verify(await tokenAt(1))).toBe('valid')
  return { list, verifier, verify, feed }
}

const revoked = (idx: number[], uri = issuer.url + PATH) => ({ at: clock.wall(), lists: [{ uri, idx }] })

describe('the revocation feed', () => {
  it('makes a revoked token invalid when its event arrives, without a request', async () => {
    const { verify, feed } = await following()
    expect(feed.authorization).toBe(`Basic ${btoa(`${FEED.clientId}:${FEED.clientSecret}`)}`)
    expect(feed.cursor).toBeUndefined()
    const token = await tokenAt(9)
    expect(await verify(token)).toBe('valid')
    feed.event('revoked', revoked([8, 9]), 'c1')
    await until(async () => (await verify(token)) === 'token_revoked')
    expect(await verify(await tokenAt(10))).toBe('valid')
    expect(issuer.count(PATH)).toBe(1)
  })

  it('may report revocations as a bitmap', async () => {
    const { verify, feed } = await following()
    const bitmap = new Uint8Array(8192).fill(0b1010_1010)
    feed.event(
      'revoked',
      { at: clock.wall(), lists: [{ uri: issuer.url + PATH, bits: 1, lst: encodeBitmap(bitmap) }] },
      'c',
    )
    const token = await tokenAt(9)
    await until(async () => (await verify(token)) === 'token_revoked')
    expect(await verify(await tokenAt(10))).toBe('valid')
  })

  it('reports revocations of a list that is fetched later, also in an older copy', async () => {
    const { verify, feed } = await following()
    const other = issuer.addList('/oauth2/status/b')
    other.claims = { iat: Math.floor(clock.wall() / 1000) - 30 }
    feed.event('revoked', revoked([4], other.uri), 'c1')
    feed.event('revoked', revoked([2]), 'c2')
    const first = await tokenAt(2)
    await until(async () => (await verify(first)) === 'token_revoked')
    expect(await verify(await tokenAt(4, other.uri))).toBe('token_revoked')
    expect(await verify(await tokenAt(5, other.uri))).toBe('valid')
  })

  it('makes requests by ttl unnecessary: a list is fetched again only before it expires', async () => {
    const { verify, verifier, feed } = await following()
    const token = await tokenAt(1)
    for (let n = 0; n < 29; n++) {
      clock.advance(10_000)
      feed.current()
      await until(() => verifier.isLive())
      expect(await verify(token)).toBe('valid')
    }
    expect(issuer.count(PATH)).toBe(1)
    clock.advance(11_000)
    feed.current()
    await until(() => verifier.isLive())
    expect(await verify(token)).toBe('valid')
    await until(() => issuer.count(PATH) === 2)
  })

  it('does not extend the lifetime of a list that has expired', async () => {
    const { list, verifier, verify, feed } = await following()
    list.respond = (_req, res) => void res.writeHead(500).end()
    const token = await tokenAt(1)
    for (const [seconds, outcome] of [
      [629, 'valid'],
      [1, 'status_unknown'],
    ] as const) {
      clock.advance(seconds * 1000)
      feed.current()
      await until(() => verifier.isLive())
      feed.event('revoked', revoked([80 + (seconds % 2)]), `x${seconds}`)
      const seen = await tokenAt(80 + (seconds % 2))
      await until(async () => (await verify(seen)) === 'token_revoked')
      expect(await verify(token)).toBe(outcome)
    }
  })

  it('may report more lists than the cache holds, and no revocation is lost with an evicted list', async () => {
    const { verify, feed } = await following({ maxLists: 10 })
    const lists = Array.from({ length: 32 }, (_, n) => issuer.addList(`/oauth2/status/many-${n}`))
    lists[0]!.claims = { iat: Math.floor(clock.wall() / 1000) - 30 }
    feed.event('revoked', { at: clock.wall(), lists: lists.map(({ uri }) => ({ uri, idx: [3] })) }, 'c1')
    const last = await tokenAt(3, lists[31]!.uri)
    await until(async () => (await verify(last)) === 'token_revoked')
    expect(await verify(await tokenAt(3, lists[0]!.uri))).toBe('status_unknown')
  })

  it('does not evict a list that is being fetched', async () => {
    const { verify, feed } = await following({ maxLists: 10 })
    const list = issuer.addList('/oauth2/status/slow')
    list.revoke(5)
    const revokedCopy = await issuer.listToken('/oauth2/status/slow', list)
    let release = () => {}
    list.respond = (_req, res) => {
      release = () => void res.writeHead(200, { 'content-type': 'application/statuslist+jwt' }).end(revokedCopy)
    }
    const token = await tokenAt(5, list.uri)
    const outcome = verify(token)
    await until(() => issuer.count('/oauth2/status/slow') === 1)
    const others = Array.from({ length: 20 }, (_, n) => ({ uri: `${issuer.url}/oauth2/status/many-${n}`, idx: [3] }))
    feed.event('revoked', { at: clock.wall(), lists: others }, 'c1')
    const last = await tokenAt(3, others[19]!.uri)
    await until(async () => (await verify(last)) === 'token_revoked')
    release()
    expect(await outcome).toBe('token_revoked')
    list.respond = undefined
    list.bitmap = new Uint8Array(8192)
    list.claims = { iat: Math.floor(clock.wall() / 1000) - 60 }
    expect(await verify(token)).toBe('token_revoked')
  })

  it('does not complete a copy that is older than the start of the feed: the ttl applies', async () => {
    const list = issuer.addList()
    list.claims = { iat: Math.floor(clock.wall() / 1000) - 119 }
    issuer.settings.feedSince = clock.wall() - 120_000
    const { verifier, verify } = start()
    const feed = await stream(1)
    feed.current()
    await until(() => verifier.isLive())
    const token = await tokenAt(1)
    expect(await verify(token)).toBe('valid')
    clock.advance(10_000)
    feed.current()
    await until(() => verifier.isLive())
    await verify(token)
    await until(() => issuer.count(PATH) === 2)
  })
})

describe('an interrupted or delayed feed', () => {
  it('resumes after the last complete event, so that a truncated one is sent again', async () => {
    const { verify, feed } = await following()
    feed.event('revoked', revoked([20]), 'c1')
    const first = await tokenAt(20)
    await until(async () => (await verify(first)) === 'token_revoked')
    const event = `id: c2\nevent: revoked\ndata: ${JSON.stringify(revoked([21]))}\n`
    feed.send(event)
    feed.disconnect()
    const next = await stream(2)
    expect(next.cursor).toBe('c1')
    expect(await verify(await tokenAt(21))).toBe('valid')
    next.send(`${event}\n`)
    const second = await tokenAt(21)
    await until(async () => (await verify(second)) === 'token_revoked')
    expect(problems.some((problem) => problem.startsWith('feed_lost'))).toBe(true)
  })

  it('loses no revocation: lists are fetched by their ttl until it is back', async () => {
    const { list, verifier, verify, feed } = await following()
    issuer.settings.feedResponse = (res) => void res.writeHead(503, { 'retry-after': '0' }).end()
    feed.disconnect()
    await until(() => !verifier.isLive())
    list.revoke(30)
    const token = await tokenAt(30)
    expect(await verify(token)).toBe('valid')
    clock.advance(60_000)
    expect(await verify(token)).toBe('token_revoked')
    issuer.settings.feedResponse = undefined
    const next = await stream(2)
    next.event('revoked', revoked([31]), 'c3')
    next.current()
    await until(() => verifier.isLive())
    expect(await verify(await tokenAt(31))).toBe('token_revoked')
  })

  it('makes the status unknown once the lists are older than maxAge', async () => {
    const { list, verify, feed } = await following()
    issuer.settings.feedResponse = (res) => void res.writeHead(503).end()
    list.respond = (_req, res) => void res.writeHead(503).end()
    feed.disconnect()
    const token = await tokenAt(1)
    clock.advance(151_000)
    expect(await verify(token)).toBe('status_unknown')
  })

  it('is not live after 15 s without a heartbeat', async () => {
    const { verifier, verify } = await following()
    clock.advance(15_000)
    expect(verifier.isLive()).toBe(true)
    clock.advance(1)
    expect(verifier.isLive()).toBe(false)
    clock.advance(45_000)
    const before = issuer.count(PATH)
    await verify(await tokenAt(1))
    expect(issuer.count(PATH)).toBe(before + 1)
  })

  it('is not live while its heartbeats are old, as during a long transaction', async () => {
    const { verifier, verify, feed } = await following()
    const began = clock.wall()
    clock.advance(50_000)
    feed.current(began)
    feed.event('revoked', revoked([77]), 'c9')
    const token = await tokenAt(77)
    await until(async () => (await verify(token)) === 'token_revoked')
    expect(verifier.isLive()).toBe(false)
  })

  it('leaves lists to their ttl while a proxy delays its heartbeats', async () => {
    const { list, verify, feed } = await following()
    const other = issuer.addList('/oauth2/status/b')
    const token = await tokenAt(80)
    list.revoke(80)
    clock.advance(60_000)
    feed.current(clock.wall() - 100_000)
    feed.event('revoked', revoked([1], other.uri), 'late')
    const seen = await tokenAt(1, other.uri)
    await until(async () => (await verify(seen)) === 'token_revoked')
    expect(await verify(token)).toBe('token_revoked')
  })

  it('does not make lists newer if a proxy removed its cursor and it starts later', async () => {
    const { list, verifier, verify, feed } = await following()
    const token = await tokenAt(81)
    feed.disconnect()
    list.revoke(81)
    clock.advance(200_000)
    issuer.settings.feedSince = clock.wall() - 150_000
    const next = await stream(2)
    expect(next.cursor).toBeDefined()
    // A later event must not hide the missing ones before it.
    next.event('revoked', revoked([82]), 'c1')
    const seen = await tokenAt(82)
    await until(async () => (await verify(seen)) === 'token_revoked')
    next.disconnect()
    issuer.settings.feedSince = undefined
    const last = await stream(3)
    expect(last.cursor).toBe('c1')
    last.current()
    await until(() => verifier.isLive())
    expect(await verify(token)).toBe('token_revoked')
  })

  it('without a heartbeat is disconnected and connected again', async () => {
    const calls: string[] = []
    const ignored = { endContinuity: () => {}, startContinuity: () => {} }
    const keys = { announce: () => {}, forgetRevoked: () => {} }
    const lists = { ...ignored, disconnect: () => calls.push('disconnect') } as unknown as StatusLists
    const report = ({ message }: { message: string }) => void calls.push(message)
    const url = `${issuer.url}/oauth2/status/feed`
    const feed = new StatusFeed({
      url,
      credentials: FEED,
      fetch,
      lists,
      keys,
      maxListBytes: 8192,
      silence: 500,
      report,
    })
    feed.start()
    const first = await stream(1)
    // Other events do not prove that no revocation is missing: only a heartbeat does. Half a second is longer than a pause of
    // this process, which would end the connection in any case.
    const noise = setInterval(() => first.send(': still here\n\nevent: weather\ndata: fine\n\n'), 10)
    await stream(2)
    clearInterval(noise)
    expect(calls.slice(0, 2)).toEqual(['no heartbeat from the feed', 'disconnect'])
    await until(() => first.closed)
    await feed.stop()
  })

  it('starts again after a reset on the same connection: revocations stay known, and older lists are fetched', async () => {
    const { list, verifier, verify, feed } = await following()
    feed.event('revoked', revoked([40]), 'c1')
    const token = await tokenAt(40)
    await until(async () => (await verify(token)) === 'token_revoked')
    list.revoke(41)
    clock.advance(200_000)
    feed.event('reset', {})
    feed.event('since', { at: clock.wall() - 1000 })
    feed.current()
    await until(() => verifier.isLive())
    expect(await verify(await tokenAt(41))).toBe('token_revoked')
    expect(await verify(token)).toBe('token_revoked')
    expect(issuer.count(PATH)).toBe(2)
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['feed_reset'])
    expect(issuer.streams).toHaveLength(1)
    feed.disconnect()
    expect((await stream(2)).cursor).not.toBe('c1')
  })
})

describe('a feed with malformed events', () => {
  it.each([
    ['data that is not JSON', 'revoked', '{'],
    ['data that is null', 'revoked', 'null'],
    ['an event without lists', 'revoked', '{"at":1}'],
    ['an event without a time', 'revoked', '{"lists":[]}'],
    ['a heartbeat without a time', 'current', '{}'],
    ['a negative index', 'revoked', '{"at":1,"lists":[{"uri":"URI","idx":[-1]}]}'],
    ['an index beyond every list', 'revoked', '{"at":1,"lists":[{"uri":"URI","idx":[1e15]}]}'],
    ['a malformed bitmap', 'revoked', '{"at":1,"lists":[{"uri":"URI","lst":"x","bits":1}]}'],
    ['a list at another origin', 'revoked', '{"at":1,"lists":[{"uri":"https://other.example/x","idx":[1]}]}'],
  ])('%s makes the verifier connect again without a cursor', async (_name, event, data) => {
    const { feed, verify } = await following()
    feed.event('revoked', revoked([50]), 'c1')
    const token = await tokenAt(50)
    await until(async () => (await verify(token)) === 'token_revoked')
    feed.send(`id: c2\nevent: ${event}\ndata: ${data.replace('URI', issuer.url + PATH)}\n\n`)
    const next = await stream(2)
    expect(next.cursor).toBeUndefined()
    expect(problems.some((problem) => problem.startsWith('feed_invalid'))).toBe(true)
    expect(await verify(token)).toBe('token_revoked')
  })

  it('unknown events are ignored', async () => {
    const { feed, verify } = await following()
    feed.send('event: weather\ndata: fine\nid: w\n\n: comment\n\n')
    feed.event('revoked', revoked([60]), 'c1')
    const token = await tokenAt(60)
    await until(async () => (await verify(token)) === 'token_revoked')
    expect(issuer.streams).toHaveLength(1)
  })

  it.each([
    ['has characters that no header may contain', 'ü'],
    ['is too long to send back', 'x'.repeat(9000)],
  ])(
    'a cursor that %s is not used: its event is applied, and the next connection starts without it',
    async (_name, cursor) => {
      const { feed, verify } = await following()
      feed.event('revoked', revoked([61]), cursor)
      const token = await tokenAt(61)
      await until(async () => (await verify(token)) === 'token_revoked')
      feed.disconnect()
      expect((await stream(2)).cursor).not.toBe('c1')
    },
  )

  it('a cursor that the server rejects is not used again', async () => {
    const { feed } = await following()
    feed.event('current', { at: clock.wall() }, 'c1')
    feed.event('revoked', revoked([62]), 'c2')
    issuer.settings.feedResponse = (res) => {
      issuer.settings.feedResponse = undefined
      res.writeHead(431).end()
    }
    feed.disconnect()
    expect((await stream(2)).cursor).not.toBe('c1')
  })

  it('an event without an end closes the connection', async () => {
    const { feed } = await following()
    const megabyte = 'x'.repeat(1024 * 1024)
    feed.send('data: ')
    for (let n = 0; n < 5; n++) feed.send(megabyte)
    await stream(2)
    expect(problems.some((problem) => problem.includes('more than 4194304 characters'))).toBe(true)
  })

  it.each([
    [401, 'feed_refused'],
    [403, 'feed_refused'],
    [500, 'feed_lost'],
    [302, 'feed_lost'],
    [200, 'feed_lost'],
  ])(
    'a response %d without a stream is reported as %s, and lists are fetched by their ttl',
    async (status, problem) => {
      issuer.settings.feedResponse = (res) => void res.writeHead(status, { location: '/oauth2/status/a' }).end('{}')
      const list = issuer.addList()
      const { verify } = start()
      await until(() => problems.some((one) => one.startsWith(problem)))
      const token = await tokenAt(70)
      expect(await verify(token)).toBe('valid')
      list.revoke(70)
      clock.advance(60_000)
      expect(await verify(token)).toBe('token_revoked')
    },
  )
})

it('the function for the client secret is called for each connection', async () => {
  let secret = 'first'
  start({ feed: { clientId: 'kwa_weather', clientSecret: async () => secret } })
  const feed = await stream(1)
  expect(feed.authorization).toBe(`Basic ${btoa('kwa_weather:first')}`)
  secret = 'second %'
  feed.disconnect()
  expect((await stream(2)).authorization).toBe(`Basic ${btoa('kwa_weather:second+%25')}`)
})

it('the function for the client secret is called again after it failed', async () => {
  const secrets = [() => Promise.reject(new Error('the vault is sealed')), () => Promise.reject(), async () => 'secret']
  start({ feed: { clientId: 'kwa_weather', clientSecret: () => (secrets.shift() ?? (async () => 'secret'))() } })
  await stream(1)
  expect(problems).toEqual(['feed_lost: the vault is sealed', 'feed_lost: undefined'])
})

it.each([20_000, -20_000])(
  'a clock that differs by %d ms, within the tolerance, changes nothing',
  async (milliseconds) => {
    issuer.addList()
    const { verifier, verify } = start({}, shifted(clock, milliseconds))
    const feed = await stream(1)
    feed.current(clock.wall())
    await until(() => verifier.isLive())
    expect(await verify(await tokenAt(1))).toBe('valid')
    feed.event('revoked', revoked([1]), 'c')
    const token = await tokenAt(1)
    await until(async () => (await verify(token)) === 'token_revoked')
  },
)

it('a closed verifier keeps no connection and opens none', async () => {
  const { verifier, feed } = await following()
  await verifier.close()
  await until(() => feed.closed)
  verifier.start()
  expect(issuer.streams).toHaveLength(1)
})
