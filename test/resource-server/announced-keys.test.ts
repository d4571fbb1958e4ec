import { afterEach, beforeEach, expect, test } from 'vitest'
import { createVerifier, type Verifier } from '../../packages/resource-server/src/verifier.ts'
import { until } from '../support/load.ts'
import { AUDIENCE, type FakeIssuer, type FakeStream, FEED, handClock, makeKey, startFakeIssuer } from './fake-issuer.ts'

const KEYS = '/oauth2/jwks'

type Key = Awaited<ReturnType<typeof makeKey>>

let clock: ReturnType<typeof handClock>
let issuer: FakeIssuer
let verifier: Verifier
let feed: FakeStream
let uri: string
let two: Key

beforeEach(async () => {
  clock = handClock()
  issuer = await startFakeIssuer(clock)
  two = await makeKey('two')
  uri = issuer.addList().uri
  const statusList = { feed: FEED }
  verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, statusList, onProblem: () => {} }, clock)
  verifier.start()
  await until(() => issuer.streams.length === 1)
  feed = issuer.streams[0]!
  feed.current()
  await until(() => verifier.isLive())
  expect(await verdict()).toBe('valid')
})
afterEach(async () => {
  await verifier.close()
  await issuer.close()
})

/** What the verifier says of a token that this key signs. */
async function verdict(key: Key = issuer.key): Promise<string> {
  const token = await issuer.token({ status: { status_list: { idx: 1, uri } } }, {}, key)
  return await verifier.verify({ headers: { authorization: `Bearer ${token}` } }).then(
    ({ status }) => status,
    ({ code }) => code,
  )
}

const publish = (...keys: Key[]) => {
  issuer.settings.jwks = keys.map(({ jwk }) => jwk)
}

const announce = (keys: string[], revoked: string[] = []) => feed.event('keys', { keys, revoked })

/** The feed stays alive. */
async function advance(milliseconds: number): Promise<void> {
  clock.advance(milliseconds)
  feed.current()
  await until(() => verifier.isLive())
}

test('a verifier refuses what a revoked signing key signed, and knows its successor, as soon as the feed announces it', async () => {
  publish(two)
  announce(['two'], ['one'])
  await until(async () => (await verdict()) === 'not_signed_by_issuer')
  await until(async () => (await verdict(two)) === 'valid')
  expect(issuer.count(KEYS)).toBe(2)
})

test('a verifier refuses a revoked signing key also while a cache still publishes it, and cannot tell about its successor', async () => {
  announce(['two'], ['one'])
  await until(async () => (await verdict()) === 'not_signed_by_issuer')
  expect(await verdict(two)).toBe('keys_unavailable')
  publish(issuer.key, two)
  // The pause after the first request begins when it is answered.
  await until(async () => {
    await advance(1000)
    return (await verdict(two)) === 'valid'
  })
  expect(await verdict()).toBe('not_signed_by_issuer')
})

test('a token without a key ID is not verified with a revoked signing key', async () => {
  announce(['two'], ['one'])
  await until(async () => (await verdict()) === 'not_signed_by_issuer')
  expect(await verdict({ ...issuer.key, kid: undefined as never })).toBe('not_signed_by_issuer')
})

test('announcements cause one request at once, and the next after 30 s', async () => {
  const three = await makeKey('three')
  publish(issuer.key, two)
  announce(['one', 'two'])
  await until(async () => (await verdict(two)) === 'valid')
  publish(issuer.key, two, three)
  for (let n = 0; n < 10; n++) announce(['one', 'two', 'three', `later-${n}`])
  announce(['one', 'two', 'three'])
  await until(async () => (await verdict(three)) === 'keys_unavailable')
  expect(await verdict(await makeKey('invented'))).toBe('not_signed_by_issuer')
  expect(issuer.count(KEYS)).toBe(2)
  await advance(29_000)
  await advance(1_000)
  await until(async () => (await verdict(three)) === 'valid')
  expect(issuer.count(KEYS)).toBe(3)
})

test('an announcement of known keys causes no request', async () => {
  publish(issuer.key, two)
  announce(['one', 'two'])
  await until(async () => (await verdict(two)) === 'valid')
  await advance(40_000)
  announce(['one', 'two'])
  announce(['two'], ['one'])
  await until(async () => (await verdict()) === 'not_signed_by_issuer')
  expect(issuer.count(KEYS)).toBe(2)
})

test('after a reset, a verifier accepts a key that the issuer publishes again', async () => {
  announce(['two'], ['one'])
  await until(async () => (await verdict()) === 'not_signed_by_issuer')
  feed.send('event: reset\ndata: {}\n\n')
  announce(['one'])
  await until(async () => (await verdict()) === 'valid')
})

test.each(['{}', '{"keys":["one"]}', '{"keys":["one"],"revoked":[1]}', '[]', 'x'])(
  'an announcement that is malformed ends the connection: %s',
  async (data) => {
    feed.send(`event: keys\ndata: ${data}\n\n`)
    await until(() => feed.closed)
    expect(await verdict()).toBe('valid')
  },
)
