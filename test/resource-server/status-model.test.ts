/**
 * A randomized model of an issuer, its feed, an HTTP cache and a resource server. In every order of events, a token that is
 * known to be revoked is never valid again, and no token is valid by data that is older than allowed.
 */
import { expect, it } from 'vitest'
import type { Clock } from '../../packages/resource-server/src/clock.ts'
import { InvalidResponseError } from '../../packages/resource-server/src/errors.ts'
import type { FetchedList } from '../../packages/resource-server/src/list-source.ts'
import { StatusLists, type TokenStatus } from '../../packages/resource-server/src/status-lists.ts'
import { handClock } from './fake-issuer.ts'

const ORIGIN = 'https://issuer.example'
const TTL = 60_000
const LIST_SIZE = 8
const LISTS = 13
const TOLERANCE = 30_000
const MAX_AGE = 2 * TTL + 30_000
/** Milliseconds before its `iat` at which a list may miss revocations, and the fraction of a second that `iat` omits. */
const LIST_DELAY = 1500
/** A failure names its seed. That seed alone reproduces it. */
const SEEDS = Array.from({ length: 250 }, (_, n) => n + 1)
const STEPS = 400

/** A pseudo-random generator (mulberry32), so that a seed determines a run. */
function randomFrom(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return {
    below: (end: number) => Math.floor(next() * end),
    happens: (share: number) => next() < share,
    of: <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)]!,
  }
}
type Random = ReturnType<typeof randomFrom>

/** The HTTP cache and the clock of the resource server. */
interface Conditions {
  /** The cache returns any copy that it ever saw, late or not at all. */
  readonly hasCache: boolean
  /** Milliseconds by which the wall clock may differ from the issuer's. */
  readonly skew: number
  /** Milliseconds after its revocation during which a token may be valid. */
  readonly maxDelay: number
}

const anyToken = (random: Random) => ({
  uri: `${ORIGIN}/oauth2/status/${random.below(LISTS)}`,
  index: random.below(LIST_SIZE),
})

/** An issuer that revokes tokens and signs lists. */
function fakeIssuer(clock: Clock) {
  const revocations: { readonly at: number; readonly uri: string; readonly index: number }[] = []

  function revokedBits(uri: string, until: number): Uint8Array {
    const bitmap = new Uint8Array(LIST_SIZE / 8)
    for (const one of revocations)
      if (one.uri === uri && one.at < until) bitmap[one.index >> 3]! |= 1 << (one.index & 7)
    return bitmap
  }

  return {
    revoke: (token: { uri: string; index: number }) => void revocations.push({ at: clock.wall(), ...token }),
    anyRevoked: (random: Random) => (revocations.length > 0 ? random.of(revocations.slice(-5)) : anyToken(random)),
    revokedAt: (uri: string, index: number) => revocations.find((one) => one.uri === uri && one.index === index)?.at,
    between: (from: number, until: number) => revocations.filter(({ at }) => at >= from && at < until),
    /** `iat` has whole seconds: two lists of the same second may differ. */
    sign(uri: string, behind: number): FetchedList {
      const at = clock.wall() - behind
      const issuedAt = Math.floor(at / 1000) * 1000
      const expiresAt = issuedAt + 3 * TTL + 60_000
      return {
        copy: { issuedAt, expiresAt, ttl: TTL, count: LIST_SIZE, revoked: revokedBits(uri, at) },
        etag: `${uri} ${at}`,
      }
    },
  }
}
type Issuer = ReturnType<typeof fakeIssuer>

/** The server and the cache from which lists are fetched. */
function fakeServer(issuer: Issuer, reader: Clock, random: Random, hasCache: boolean) {
  const seen = new Map<string, FetchedList[]>()
  const waiting: (() => void)[] = []
  let isDown = false

  function respond(uri: string): FetchedList {
    const copies = seen.get(uri) ?? []
    seen.set(uri, copies)
    if (!hasCache || copies.length === 0 || random.happens(0.4)) copies.push(issuer.sign(uri, random.below(500)))
    return !hasCache || random.happens(0.5) ? copies.at(-1)! : random.of(copies)
  }

  /** Rejects lists as the verification of a list does. */
  function checkTimes({ issuedAt, expiresAt }: FetchedList['copy']): void {
    if (expiresAt + TOLERANCE <= reader.wall()) throw new InvalidResponseError('has expired')
    if (issuedAt > reader.wall() + TOLERANCE) throw new InvalidResponseError('was issued in the future')
  }

  return {
    goDown: (down: boolean) => {
      isDown = hasCache && down
    },
    release: (count: number) => {
      for (let n = 0; n < count; n++) waiting.splice(random.below(waiting.length), 1)[0]?.()
    },
    waiting: () => waiting.length,
    async source(uri: string, etag: string | undefined): Promise<FetchedList | undefined> {
      if (isDown) throw new Error('the server is down')
      const found = respond(uri)
      if (hasCache && random.happens(0.3)) await new Promise<void>((resolve) => void waiting.push(resolve))
      if (found.etag === etag) return undefined
      checkTimes(found.copy)
      return found
    },
  }
}

/** Calls `StatusLists` as `StatusFeed` does, without a network. */
function fakeFeed(
  issuer: Issuer,
  clock: Clock,
  lists: StatusLists,
  random: Random,
  onReported: (token: string) => void,
) {
  let cursor: number | undefined
  let from: number | undefined
  let joined = 0
  let late = 0

  function cut(): void {
    if (from === undefined) return
    from = undefined
    lists.disconnect()
    if (random.happens(0.2)) cursor = undefined
  }

  return {
    cut,
    connect() {
      if (from !== undefined) return
      if (cursor === undefined || clock.wall() - cursor > 3_600_000) {
        cursor = undefined
        lists.endContinuity()
      }
      joined = clock.wall()
      late = random.happens(0.3) ? random.below(200_000) : 0
      // Another node may have another `ttl`.
      const start = clock.wall() - (random.happens(0.5) ? 2 * TTL + 30_000 : random.below(TTL))
      if (cursor === undefined) lists.startContinuity(start)
      from = cursor ?? start
    },
    /** Reports new revocations, perhaps late, and perhaps disconnects before the heartbeat. */
    report() {
      if (from === undefined) return
      const until = Math.max(from, joined, clock.wall() - late)
      const news = issuer.between(from, until)
      const uris = [...new Set(news.map(({ uri }) => uri))]
      const indexes = (uri: string) => news.filter((one) => one.uri === uri).map(({ index }) => index)
      if (news.length > 0)
        lists.applyChanges(
          uris.map((uri) => ({ uri, indexes: indexes(uri) })),
          until,
        )
      for (const { uri, index } of news) onReported(`${uri} ${index}`)
      if (random.happens(0.1)) return cut()
      from = cursor = until
      if (random.happens(0.8)) lists.extendContinuity(until)
    },
  }
}

/** Runs one seed and returns the violations. */
async function run(seed: number, { hasCache, skew, maxDelay }: Conditions): Promise<string[]> {
  const random = randomFrom(seed)
  const clock = handClock(1_700_000_000_000)
  let ahead = 0
  const reader = { wall: () => clock.wall() + ahead, monotonic: clock.monotonic }
  const issuer = fakeIssuer(clock)
  const server = fakeServer(issuer, reader, random, hasCache)
  const options = { maxAge: undefined, clockTolerance: TOLERANCE, maxLists: 10, report: () => {} }
  const lists = new StatusLists({ source: server.source, clock: reader, origin: ORIGIN, ...options })
  const known = new Set<string>()
  const feed = fakeFeed(issuer, clock, lists, random, (token) => known.add(token))
  const violations: string[] = []

  function assess(token: string, status: TokenStatus, wasKnown: boolean, age: number): void {
    const add = (what: string) => violations.push(`seed ${seed}: ${token} ${what}`)
    if (status === 'revoked') known.add(token)
    if (wasKnown && status === 'valid') add('is valid again')
    if (wasKnown && status === 'unknown') add('is unknown again, which may be accepted')
    if (status === 'valid' && age > maxDelay) add(`is valid ${age} ms after its revocation`)
  }

  async function check(): Promise<void> {
    // Mostly revoked tokens: the others cannot violate anything.
    const { uri, index } = random.happens(0.7) ? issuer.anyRevoked(random) : anyToken(random)
    const token = `${uri} ${index}`
    const wasKnown = known.has(token)
    const age = clock.wall() - (issuer.revokedAt(uri, index) ?? Number.POSITIVE_INFINITY)
    assess(token, await lists.check(uri, index), wasKnown, age)
  }

  const checks: Promise<void>[] = []
  const steps: [weight: number, step: () => void][] = [
    [40, () => void checks.push(check())],
    [8, () => issuer.revoke(anyToken(random))],
    [12, () => clock.advance(random.below(500))],
    [8, () => clock.advance(random.below(20_000))],
    [1, () => clock.advance(random.below(400_000))],
    [1, () => (ahead = random.below(2 * skew + 1) - skew)],
    [3, () => feed.connect()],
    [1, () => feed.cut()],
    [14, () => feed.report()],
    [6, () => server.release(1)],
    [1, () => server.goDown(random.happens(0.5))],
  ]
  const weighted = steps.flatMap(([weight, step]) => Array<() => void>(weight).fill(step))
  for (let n = 0; n < STEPS; n++) {
    random.of(weighted)()
    for (let tick = 0; tick < 10; tick++) await undefined
  }
  server.release(server.waiting())
  await Promise.all(checks)
  return violations
}

it.each<[string, Conditions]>([
  // A feed that is late by less than the clock tolerance cannot be distinguished from one that is on time.
  ['without an HTTP cache', { hasCache: false, skew: 0, maxDelay: TTL + TOLERANCE + LIST_DELAY }],
  ['with an HTTP cache that returns old copies', { hasCache: true, skew: 0, maxDelay: MAX_AGE + LIST_DELAY }],
  [
    'with clocks that differ within the tolerance',
    { hasCache: true, skew: TOLERANCE, maxDelay: MAX_AGE + 2 * TOLERANCE + LIST_DELAY },
  ],
  ['with clocks that are set by minutes', { hasCache: true, skew: 300_000, maxDelay: Number.POSITIVE_INFINITY }],
])(
  'a token known to be revoked is never valid again, and no revoked token is valid for too long: %s',
  async (_, conditions) => {
    const violations: string[] = []
    for (const seed of SEEDS) violations.push(...(await run(seed, conditions)))
    expect(violations.slice(0, 10)).toEqual([])
  },
)
