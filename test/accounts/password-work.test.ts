import argon2 from 'argon2'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { hashPassword, verifyPassword } from '../../src/accounts/passwords.ts'
import { inviteUser } from '../../src/management/invitations.ts'
import { adminOf } from '../management/principals.ts'
import { attemptOf, freshIp, gatherPeople, PASSWORD, type People } from './user-fixtures.ts'

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})
afterAll(() => on?.stop())
afterEach(() => void vi.restoreAllMocks())

/** Counts argon2's work in this process. */
function countHashing() {
  const spies = [vi.spyOn(argon2, 'hash'), vi.spyOn(argon2, 'verify')]
  return () => spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
}

const TRIES = 60

test('a user who changes to the present password again and again makes a bounded amount of work', async () => {
  const { user } = await on.person()
  const count = countHashing()
  for (let n = 0; n < TRIES; n++) {
    await on.signIn.changePassword(user.id, PASSWORD, PASSWORD, { ip: freshIp() }).catch(() => undefined)
  }
  expect(count()).toBeLessThan(2 * 35)
  const last = await on.signIn.changePassword(user.id, PASSWORD, PASSWORD, { ip: freshIp() })
  expect(last).toEqual({ retryAfter: expect.any(Number) })
})

test('a ticket that is tried with the present password again and again makes a bounded amount of work', async () => {
  const person = await on.invite()
  const { ticket } = (await on.signIn.attempt(attemptOf(person.user.email, person.password))) as { ticket: string }
  const count = countHashing()
  const outcomes: unknown[] = []
  for (let n = 0; n < TRIES; n++) {
    outcomes.push(await on.signIn.choosePassword(ticket, person.password, { type: 'user' }).catch(({ code }) => code))
  }
  expect(count()).toBeLessThan(2 * 35)
  expect(outcomes.at(-1)).toBe('rate_limited')
})

test('a user who signs in again and again makes a bounded amount of work, and nobody else is slowed', async () => {
  const { user } = await on.person()
  const ip = freshIp()
  const results = []
  for (let n = 0; n < TRIES; n++) results.push(await on.signIn.attempt(attemptOf(user.email, PASSWORD, { ip })))
  expect(results.slice(0, 20).every(({ outcome }) => outcome === 'signed_in')).toBe(true)
  expect(results.at(-1)).toMatchObject({ outcome: 'slow_down' })
  const colleague = await on.person()
  expect(await on.signIn.attempt(attemptOf(colleague.user.email, PASSWORD, { ip }))).toMatchObject({
    outcome: 'signed_in',
  })
})

test('an admin who invites too often has to wait', async () => {
  const { user } = await on.person()
  const who = adminOf(on.accountId, user.id)
  const invite = () =>
    inviteUser({ knex: on.knex, encryptionKeys: on.keys }, who, { email: on.nextEmail(), role: 'member' })
  const outcomes: unknown[] = []
  for (let n = 0; n < TRIES; n++) outcomes.push(await invite().catch(({ code }) => code))
  expect(outcomes.filter((one) => one === 'rate_limited').length).toBeGreaterThan(20)
})

test('a process hashes two passwords at once and no more, in the order of arrival', async () => {
  let now = 0
  let most = 0
  const order: string[] = []
  const plain = argon2.hash
  vi.spyOn(argon2, 'hash').mockImplementation(async (password, options) => {
    order.push(String(password))
    most = Math.max(most, ++now)
    const hash = await plain.call(argon2, password, options as never)
    now--
    return hash as never
  })
  const all = Array.from({ length: 12 }, (_, n) => `password ${n}`)
  await Promise.all(all.map((password) => hashPassword(password)))
  expect(most).toBe(2)
  expect(order).toEqual(all)
})

test('a process whose queue is full answers at once that it is busy, and works on afterwards', async () => {
  const hash = await hashPassword(PASSWORD)
  const many = await Promise.allSettled(Array.from({ length: 150 }, () => verifyPassword(hash, PASSWORD)))
  const refused = many.filter((one) => one.status === 'rejected')
  expect(refused.length).toBe(48)
  expect(refused[0]).toMatchObject({ reason: { code: 'unavailable' } })
  expect(await verifyPassword(hash, PASSWORD)).toBe(true)
})
