import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import {
  addressBudget,
  deleteExpiredLimits,
  everywhereBudget,
  networkBudget,
  takeAttempt,
} from '../../src/accounts/sign-in-limits.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { together } from '../support/load.ts'
import {
  attemptOf,
  freshIp,
  gatherPeople,
  outcomesOf,
  PASSWORD,
  type People,
  type Person,
  withNewerKey,
} from './user-fixtures.ts'

const WRONG = 'no such password 1'
const BURST = 10
const NETWORK_BURST = 50
const EVERYWHERE_BURST = 100

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})

afterAll(() => on?.stop())
afterEach(() => {
  vi.restoreAllMocks()
})

const count = (outcomes: string[], outcome: string) => outcomes.filter((one) => one === outcome).length

/** One more comes back in so many seconds, should the machine be that slow. */
const refilled = (since: number, interval: number) => Math.floor((performance.now() - since) / 1000 / interval)

/** Strangers from so many networks that all are slowed, wherever they come from. */
async function exhaustAddress({ user }: Person): Promise<void> {
  await together(EVERYWHERE_BURST + 5, () => takeAttempt(on.knex, everywhereBudget(user.email)))
  expect(await on.signIn.attempt(attemptOf(user.email, WRONG))).toMatchObject({ outcome: 'slow_down' })
}

/** As if so many seconds had passed since. */
const letPass = (seconds: number) =>
  on.knex('sign_in_limits').update({ arrival_at: on.knex.raw('arrival_at - make_interval(secs => ?)', [seconds]) })

const SOURCES: [string, number, number, () => string][] = [
  ['one network', BURST, 30, () => '198.51.100.7'],
  ['anywhere', EVERYWHERE_BURST, 5, freshIp],
]

test.each(SOURCES)(
  'of 200 guesses at once, over two nodes and from %s, %d are looked at',
  async (_, burst, interval, ipOf) => {
    const { user } = await on.person()
    const verify = vi.spyOn(argon2, 'verify')
    const nodes = [on.signIn, on.otherNode()]
    const since = performance.now()
    const results = await together(200, (n) => nodes[n % 2]!.attempt(attemptOf(user.email, WRONG, { ip: ipOf() })))
    const looked = count(outcomesOf(results), 'refused')
    expect(looked).toBeGreaterThanOrEqual(burst)
    expect(looked).toBeLessThanOrEqual(burst + refilled(since, interval))
    expect(verify).toHaveBeenCalledTimes(looked)
    expect(count(outcomesOf(results), 'slow_down')).toBe(200 - looked)
  },
)

test('a user over the limit is refused with the right password until the reported time is over', async () => {
  const person = await on.person()
  await exhaustAddress(person)
  const slowed = await on.signIn.attempt(attemptOf(person.user.email, PASSWORD))
  expect(slowed).toEqual({ outcome: 'slow_down', retryAfter: expect.any(Number) })
  const { retryAfter } = slowed as { retryAfter: number }
  expect(retryAfter).toBeGreaterThanOrEqual(1)
  expect(retryAfter).toBeLessThanOrEqual(30)
  await letPass(retryAfter)
  expect(await on.signIn.attempt(attemptOf(person.user.email, PASSWORD))).toMatchObject({ outcome: 'signed_in' })
})

test('an address without a user is slowed just as one with a user, whatever the case of its letters', async () => {
  for (const email of ['nobody@example.com', (await on.person()).user.email]) {
    const [spelled, ip] = [[email, email.toUpperCase(), ` ${email}`], freshIp()]
    const results = await together(30, (n) => on.signIn.attempt(attemptOf(spelled[n % 3]!, WRONG, { ip })))
    expect(count(outcomesOf(results), 'refused')).toBe(BURST)
  }
})

const PAIRS = [
  ['i', 'İ'],
  ['I', 'ı'],
  ['ß', 'ẞ'],
  ['ss', 'ß'],
  ['k', '\u212A'],
  ['s', 'ſ'],
  ['σ', 'ς'],
] as const

test.each(PAIRS)(
  'writing an address with %j, then with %j does not disclose whether its user exists',
  async (one, other) => {
    vi.spyOn(argon2, 'verify').mockResolvedValue(false)
    const tails = [on.nextEmail(), on.nextEmail(), on.nextEmail()]
    for (const [n, letter] of [one, other].entries()) {
      const { user } = await on.person()
      await on
        .knex('users')
        .where({ id: user.id })
        .update({ email: `${letter}${tails[n]}` })
    }
    for (const [first, then] of [
      [one, other],
      [other, one],
    ]) {
      const seen = new Set<string>()
      for (const tail of tails) {
        const ip = freshIp()
        await together(BURST, () => on.signIn.attempt(attemptOf(`${first}${tail}`, WRONG, { ip })))
        seen.add((await on.signIn.attempt(attemptOf(`${then}${tail}`, WRONG, { ip }))).outcome)
        await on.knex('sign_in_limits').delete()
      }
      expect([...seen]).toHaveLength(1)
    }
  },
)

test('a spelling that finds a user, such as the Kelvin sign for k, spends the same attempts', async () => {
  const { user } = await on.person()
  const email = `kis-${user.email}`
  await on.knex('users').where({ id: user.id }).update({ email, email_key: email })
  expect(await on.signIn.attempt(attemptOf(email.toUpperCase(), PASSWORD))).toMatchObject({ outcome: 'signed_in' })
  const kelvin = attemptOf(email.replace('k', '\u212A'), PASSWORD)
  expect(await on.signIn.attempt(kelvin)).toMatchObject({ outcome: 'signed_in' })
  const keys = [email, email.toUpperCase(), kelvin.email].map((one) => everywhereBudget(one).key.toString('hex'))
  expect(new Set(keys).size).toBe(1)
})

test('a stranger who goes on for half an hour from one network keeps nobody out of another', async () => {
  const [person, ip] = [await on.person(), freshIp()]
  vi.spyOn(argon2, 'verify').mockResolvedValue(false)
  for (let round = 0; round < 60; round++) {
    await letPass(30)
    await together(16, () => on.signIn.attempt(attemptOf(person.user.email, WRONG, { ip })))
  }
  vi.restoreAllMocks()
  expect(await on.signIn.attempt(attemptOf(person.user.email, PASSWORD, { ip }))).toMatchObject({
    outcome: 'slow_down',
  })
  expect(await on.signIn.attempt(attemptOf(person.user.email, PASSWORD))).toMatchObject({ outcome: 'signed_in' })
})

test('a success forgives the address what was spent on it before', async () => {
  const [{ user }, ip] = [await on.person(), freshIp()]
  for (let round = 0; round < 3; round++) {
    const refused = await together(BURST - 1, () => on.signIn.attempt(attemptOf(user.email, WRONG, { ip })))
    expect(count(outcomesOf(refused), 'refused')).toBe(BURST - 1)
    expect(await on.signIn.attempt(attemptOf(user.email, PASSWORD, { ip }))).toMatchObject({ outcome: 'signed_in' })
  }
})

const takeFrom = (ipOf: (n: number) => string, many = NETWORK_BURST + 10) =>
  together(many, (n) => takeAttempt(on.knex, networkBudget(ipOf(n))))

/** How many attempts passed. */
const passedFrom = async (ipOf: (n: number) => string) =>
  (await takeFrom(ipOf)).filter((retryAfter) => retryAfter === undefined).length

test.each([
  ['an IPv4 address', () => '192.0.2.7'],
  ['an IPv4 address, also as IPv6 writes it', (n: number) => (n % 2 ? '192.0.2.8' : '::ffff:192.0.2.8')],
  ['a /64 of IPv6', (n: number) => `2001:db8:1:2:${n}::1`],
  ['whatever else a proxy names', () => 'unknown'],
])('attempts from %s are slowed together', async (_network, ipOf) => {
  const since = performance.now()
  const passed = await passedFrom(ipOf)
  expect(passed).toBeGreaterThanOrEqual(NETWORK_BURST)
  expect(passed).toBeLessThanOrEqual(NETWORK_BURST + refilled(since, 2))
})

test('another /64 is another network', async () => {
  expect(await passedFrom((n) => `2001:db8:9:${n}::1`)).toBe(NETWORK_BURST + 10)
})

test('guesses at many addresses from one network are slowed', async () => {
  const [since, ip] = [performance.now(), freshIp()]
  const guess = () => on.signIn.attempt(attemptOf(on.nextEmail(), WRONG, { ip }))
  const outcomes = outcomesOf(await together(NETWORK_BURST + 10, guess))
  expect(count(outcomes, 'refused')).toBeGreaterThanOrEqual(NETWORK_BURST)
  expect(count(outcomes, 'refused')).toBeLessThanOrEqual(NETWORK_BURST + refilled(since, 2))
})

test('a network that is slowed takes nothing from the addresses that it asks for', async () => {
  const { user } = await on.person()
  const ip = freshIp()
  await takeFrom(() => ip)
  await together(BURST * 3, () => on.signIn.attempt(attemptOf(user.email, WRONG, { ip })))
  const refused = await together(BURST - 3, () => on.signIn.attempt(attemptOf(user.email, WRONG)))
  expect(count(outcomesOf(refused), 'refused')).toBe(BURST - 3)
})

test('successes cost a network nothing, and buy no guesses either', async () => {
  const [own, ip] = [await on.person(), freshIp()]
  const succeed = () => on.signIn.attempt(attemptOf(own.user.email, PASSWORD, { ip }))
  const since = performance.now()
  for (let n = 0; n < 20; n++) expect(await succeed()).toMatchObject({ outcome: 'signed_in' })
  let passed = 0
  for (let round = 0; round < 6; round++) {
    passed += (await takeFrom(() => ip, 10)).filter((retryAfter) => retryAfter === undefined).length
    await succeed()
  }
  expect(passed).toBeGreaterThanOrEqual(NETWORK_BURST)
  expect(passed).toBeLessThanOrEqual(NETWORK_BURST + refilled(since, 2))
})

/** The token that a browser keeps after its person signed in. */
async function browserOf({ user }: Person, signIn = on.signIn): Promise<string> {
  const result = await signIn.attempt(attemptOf(user.email, PASSWORD))
  expect(result).toMatchObject({ outcome: 'signed_in' })
  return (result as { browser: string }).browser
}

const tryIn = ({ user }: Person, browser: string, password = PASSWORD, signIn = on.signIn, ip = freshIp()) =>
  signIn.attempt(attemptOf(user.email, password, { browser, ip }))

test('a browser that knows its person signs in while strangers are slowed, in its own network too, and stays known', async () => {
  const [person, ip] = [await on.person(), freshIp()]
  const browser = await browserOf(person)
  await takeFrom(() => ip)
  await exhaustAddress(person)
  const elsewhere = attemptOf(person.user.email, PASSWORD)
  expect(await on.signIn.attempt(elsewhere)).toMatchObject({ outcome: 'slow_down' })
  for (const signIn of [on.signIn, on.otherNode()]) {
    expect(await tryIn(person, browser, PASSWORD, signIn, ip)).toMatchObject({ outcome: 'signed_in', browser })
  }
  expect(await on.signIn.attempt(elsewhere)).toMatchObject({ outcome: 'slow_down' })
})

test('guesses in a browser that is known are slowed as well, and take nothing from elsewhere', async () => {
  const person = await on.person()
  const browser = await browserOf(person)
  const results = await together(40, () => tryIn(person, browser, WRONG))
  expect(count(outcomesOf(results), 'refused')).toBe(BURST)
  expect(await tryIn(person, browser)).toMatchObject({ outcome: 'slow_down' })
  expect(await on.signIn.attempt(attemptOf(person.user.email, PASSWORD))).toMatchObject({ outcome: 'signed_in' })
})

test("another person's token, a forged one and one of other keys make no browser known", async () => {
  const [person, other] = [await on.person(), await on.person()]
  const [mine, theirs] = [await browserOf(person), await browserOf(other)]
  const foreign = await browserOf(person, on.otherNode(createEncryptionKeys([randomBytes(32)])))
  await exhaustAddress(person)
  const renamed = theirs.replace(other.user.id, person.user.id)
  const changed = mine.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A'))
  const another = `${mine.split('.').slice(0, 2).join('.')}.${'A'.repeat(22)}.${mine.split('.')[3]}`
  for (const token of [theirs, foreign, renamed, changed, another, '', '.', `${mine}.`, '\0', 'x'.repeat(10_000)]) {
    expect(await tryIn(person, token)).toMatchObject({ outcome: 'slow_down' })
  }
  expect(await tryIn(person, mine)).toMatchObject({ outcome: 'signed_in' })
})

test('a browser stays known while the key that vouches for it is in the list, and is then vouched for by the newer one', async () => {
  const person = await on.person()
  const browser = await browserOf(person)
  await exhaustAddress(person)
  const newer = withNewerKey(on.keys)
  expect(await tryIn(person, browser, PASSWORD, on.otherNode(newer))).toMatchObject({ outcome: 'signed_in' })
  expect(await tryIn(person, browser, PASSWORD, on.otherNode(createEncryptionKeys([randomBytes(32)])))).toMatchObject({
    outcome: 'slow_down',
  })
})

test('attempts with an earlier password leave the attempts for the next one', async () => {
  const person = await on.person()
  const gathered: string[] = []
  for (let n = 0; n < 5; n++) gathered.push(await browserOf(person))
  const next = 'a wholly new beginning 3'
  expect(await on.signIn.changePassword(person.user.id, PASSWORD, next, { ip: freshIp() })).toBe('changed')
  const results = await together(50, (n) => tryIn(person, gathered[n % 5]!, WRONG))
  expect(count(outcomesOf(results), 'refused')).toBe(BURST)
})

test('a user over the limit is recorded once in a while, and a network over the limit is not recorded', async () => {
  const person = await on.person()
  const slowings = async () => (await on.actionsOn(person.user.id)).filter((action) => action === 'user.sign_in_slowed')
  await exhaustAddress(person)
  await exhaustAddress(person)
  expect(await slowings()).toHaveLength(1)
  await letPass(600)
  await exhaustAddress(person)
  expect(await slowings()).toHaveLength(2)
  const ip = freshIp()
  await takeFrom(() => ip)
  await together(20, () => on.signIn.attempt(attemptOf(person.user.email, WRONG, { ip })))
  expect(await slowings()).toHaveLength(2)
})

test('budgets are kept under hashes, and swept in small batches once they are whole again', async () => {
  await on.knex('sign_in_limits').delete()
  for (let n = 0; n < 5; n++) await takeAttempt(on.knex, addressBudget(`swept-${n}@example.com`, '192.0.2.1'))
  await letPass(29)
  expect(await deleteExpiredLimits(on.knex, 3)).toBe(0)
  await letPass(1)
  expect(await deleteExpiredLimits(on.knex, 3)).toBe(3)
  expect(await deleteExpiredLimits(on.knex, 3)).toBe(2)
  await takeAttempt(on.knex, addressBudget('seen@example.com', '192.0.2.1'))
  const [row] = await on.knex('sign_in_limits')
  expect(row.key).toHaveLength(32)
})
