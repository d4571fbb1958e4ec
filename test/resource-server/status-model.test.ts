/**
 * An issuer, its feed, a cache between and a reader, driven by chance: whatever happens in whatever order, what was known to
 * be revoked never passes again, and `valid` is never said by what is older than it may be.
 */
import { expect, it } from 'vitest'
import type { Clock } from '../../packages/resource-server/src/clock.ts'
import { InvalidAnswerError } from '../../packages/resource-server/src/errors.ts'
import type { FetchedList } from '../../packages/resource-server/src/list-source.ts'
import { StatusLists, type Verdict } from '../../packages/resource-server/src/status-lists.ts'
import { handClock } from './fake-issuer.ts'

const ORIGIN = 'https://issuer.example'
const TTL = 60_000
const LIST_SIZE = 8
const LISTS = 13
const TOLERANCE = 30_000
const MAX_AGE = 2 * TTL + 30_000
/** What a list may lack when it is signed (milliseconds), and what `iat` leaves out. */
const LACKING = 1500
/** A fault names its seed: with that one alone, it happens again. */
const SEEDS = Array.from({ length: 250 }, (_, n) => n + 1)
const STEPS = 400

/** A generator of its own (mulberry32), so that a seed tells what happened. */
function chances(seed: number) {
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
type Chances = ReturnType<typeof chances>

/** What stands between, and the reader's clock. */
interface World {
  /** Answers with any copy that it ever saw, as late as it likes; or nothing at all. */
  readonly isWild: boolean
  /** Milliseconds by which the clock on the wall may be set to differ from the issuer's. */
  readonly skew: number
  /** Milliseconds after its revocation for which a token may be told to be valid. */
  readonly most: number
}

const anyToken = (chance: Chances) => ({
  uri: `${ORIGIN}/oauth2/status/${chance.below(LISTS)}`,
  index: chance.below(LIST_SIZE),
})

/** What the issuer did, and what it said of it at any time. */
function fakeIssuer(clock: Clock) {
  const revoked: { readonly at: number; readonly uri: string; readonly index: number }[] = []

  function dead(uri: string, until: number): Uint8Array {
    const bitmap = new Uint8Array(LIST_SIZE / 8)
    for (const one of revoked) if (one.uri === uri && one.at < until) bitmap[one.index >> 3]! |= 1 << (one.index & 7)
    return bitmap
  }

  return {
    revoke: (token: { uri: string; index: number }) => void revoked.push({ at: clock.wall(), ...token }),
    anyRevoked: (chance: Chances) => (revoked.length > 0 ? chance.of(revoked.slice(-5)) : anyToken(chance)),
    revokedAt: (uri: string, index: number) => revoked.find((one) => one.uri === uri && one.index === index)?.at,
    between: (from: number, until: number) => revoked.filter(({ at }) => at >= from && at < until),
    /** `iat` is in whole seconds: two lists of one second may differ. */
    sign(uri: string, behind: number): FetchedList {
      const at = clock.wall() - behind
      const issuedAt = Math.floor(at / 1000) * 1000
      const expiresAt = issuedAt + 3 * TTL + 60_000
      return { copy: { issuedAt, expiresAt, ttl: TTL, count: LIST_SIZE, dead: dead(uri, at) }, etag: `${uri} ${at}` }
    },
  }
}
type Issuer = ReturnType<typeof fakeIssuer>

/** Where the reader fetches its lists. */
function fakeServer(issuer: Issuer, reader: Clock, chance: Chances, isWild: boolean) {
  const seen = new Map<string, FetchedList[]>()
  const waiting: (() => void)[] = []
  let isDown = false

  function answer(uri: string): FetchedList {
    const copies = seen.get(uri) ?? []
    seen.set(uri, copies)
    if (!isWild || copies.length === 0 || chance.happens(0.4)) copies.push(issuer.sign(uri, chance.below(500)))
    return !isWild || chance.happens(0.5) ? copies.at(-1)! : chance.of(copies)
  }

  /** As what verifies a list does, before anything is taken from it. */
  function checkTimes({ issuedAt, expiresAt }: FetchedList['copy']): void {
    if (expiresAt + TOLERANCE <= reader.wall()) throw new InvalidAnswerError('has expired')
    if (issuedAt > reader.wall() + TOLERANCE) throw new InvalidAnswerError('is of the future')
  }

  return {
    goDown: (down: boolean) => {
      isDown = isWild && down
    },
    release: (count: number) => {
      for (let n = 0; n < count; n++) waiting.splice(chance.below(waiting.length), 1)[0]?.()
    },
    waiting: () => waiting.length,
    async source(uri: string, etag: string | undefined): Promise<FetchedList | undefined> {
      if (isDown) throw new Error('is away')
      const found = answer(uri)
      if (isWild && chance.happens(0.3)) await new Promise<void>((resolve) => void waiting.push(resolve))
      if (found.etag === etag) return undefined
      checkTimes(found.copy)
      return found
    },
  }
}

/** Calls as `StatusFeed` does, without the network. */
function fakeFeed(issuer: Issuer, clock: Clock, lists: StatusLists, chance: Chances, onTold: (token: string) => void) {
  let cursor: number | undefined
  let from: number | undefined
  let joined = 0
  let late = 0

  function cut(): void {
    if (from === undefined) return
    from = undefined
    lists.disconnected()
    if (chance.happens(0.2)) cursor = undefined
  }

  return {
    cut,
    connect() {
      if (from !== undefined) return
      if (cursor === undefined || clock.wall() - cursor > 3_600_000) {
        cursor = undefined
        lists.reset()
      }
      joined = clock.wall()
      late = chance.happens(0.3) ? chance.below(200_000) : 0
      // Another node may have been told another `ttl`.
      const begun = clock.wall() - (chance.happens(0.5) ? 2 * TTL + 30_000 : chance.below(TTL))
      if (cursor === undefined) lists.begin(begun)
      from = cursor ?? begun
    },
    /** Tells what happened meanwhile; it may be held back by what stands between, or cut before it says how far that was. */
    look() {
      if (from === undefined) return
      const until = Math.max(from, joined, clock.wall() - late)
      const news = issuer.between(from, until)
      const uris = [...new Set(news.map(({ uri }) => uri))]
      const indexes = (uri: string) => news.filter((one) => one.uri === uri).map(({ index }) => index)
      if (news.length > 0)
        lists.apply(
          uris.map((uri) => ({ uri, indexes: indexes(uri) })),
          until,
        )
      for (const { uri, index } of news) onTold(`${uri} ${index}`)
      if (chance.happens(0.1)) return cut()
      from = cursor = until
      if (chance.happens(0.8)) lists.heard(until)
    },
  }
}

/** Answers what should not have happened. */
async function drive(seed: number, { isWild, skew, most }: World): Promise<string[]> {
  const chance = chances(seed)
  const clock = handClock(1_700_000_000_000)
  let ahead = 0
  const reader = { wall: () => clock.wall() + ahead, monotonic: clock.monotonic }
  const issuer = fakeIssuer(clock)
  const server = fakeServer(issuer, reader, chance, isWild)
  const options = { maxAge: undefined, clockTolerance: TOLERANCE, maxLists: 10, report: () => {} }
  const lists = new StatusLists({ source: server.source, clock: reader, origin: ORIGIN, ...options })
  const known = new Set<string>()
  const feed = fakeFeed(issuer, clock, lists, chance, (token) => known.add(token))
  const faults: string[] = []

  function judge(token: string, verdict: Verdict, wasKnown: boolean, age: number): void {
    const say = (what: string) => faults.push(`seed ${seed}: ${token} ${what}`)
    if (verdict === 'revoked') known.add(token)
    if (wasKnown && verdict === 'valid') say('passes again')
    if (wasKnown && verdict === 'unknown') say('may pass again, as unknown')
    if (verdict === 'valid' && age > most) say(`passes ${age} ms after it was revoked`)
  }

  async function check(): Promise<void> {
    // Rather one that is revoked: of the others nothing can be said wrongly.
    const { uri, index } = chance.happens(0.7) ? issuer.anyRevoked(chance) : anyToken(chance)
    const token = `${uri} ${index}`
    const wasKnown = known.has(token)
    const age = clock.wall() - (issuer.revokedAt(uri, index) ?? Number.POSITIVE_INFINITY)
    judge(token, await lists.check(uri, index), wasKnown, age)
  }

  const checks: Promise<void>[] = []
  const acts: [weight: number, act: () => void][] = [
    [40, () => void checks.push(check())],
    [8, () => issuer.revoke(anyToken(chance))],
    [12, () => clock.advance(chance.below(500))],
    [8, () => clock.advance(chance.below(20_000))],
    [1, () => clock.advance(chance.below(400_000))],
    [1, () => (ahead = chance.below(2 * skew + 1) - skew)],
    [3, () => feed.connect()],
    [1, () => feed.cut()],
    [14, () => feed.look()],
    [6, () => server.release(1)],
    [1, () => server.goDown(chance.happens(0.5))],
  ]
  const drawn = acts.flatMap(([weight, act]) => Array<() => void>(weight).fill(act))
  for (let step = 0; step < STEPS; step++) {
    chance.of(drawn)()
    for (let turn = 0; turn < 10; turn++) await undefined
  }
  server.release(server.waiting())
  await Promise.all(checks)
  return faults
}

it.each<[string, World]>([
  // A feed that is late by as much as clocks may differ is not told from one that is not.
  ['lists come fresh', { isWild: false, skew: 0, most: TTL + TOLERANCE + LACKING }],
  ['caches answer as they like', { isWild: true, skew: 0, most: MAX_AGE + LACKING }],
  ['clocks differ a little', { isWild: true, skew: TOLERANCE, most: MAX_AGE + 2 * TOLERANCE + LACKING }],
  ['clocks are set by minutes', { isWild: true, skew: 300_000, most: Number.POSITIVE_INFINITY }],
])('what was known to be revoked never passes again, and the rest not for longer than it may: %s', async (_, world) => {
  const faults: string[] = []
  for (const seed of SEEDS) faults.push(...(await drive(seed, world)))
  expect(faults.slice(0, 10)).toEqual([])
})
