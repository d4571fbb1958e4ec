import argon2 from 'argon2'
import type { Knex } from 'knex'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { savePassword } from '../../src/accounts/credentials.ts'
import { HASHING_COST } from '../../src/accounts/hashing-cost.ts'
import { hashPassword, needsRehash } from '../../src/accounts/passwords.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import {
  attemptOf,
  freshIp,
  gatherPeople,
  OTHER_PASSWORD,
  PASSWORD,
  type People,
  type Person,
} from './user-fixtures.ts'

const ACTOR = { type: 'system' } as const
const WRONG = 'no such password 1'

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})

afterAll(() => on?.stop())
afterEach(() => {
  vi.restoreAllMocks()
})

const tryAs = (email: string, password = PASSWORD) => on.signIn.attempt(attemptOf(email, password))

test('a person signs in by address and password, however they write the address', async () => {
  const { user } = await on.person()
  for (const email of [user.email, ` ${user.email.toUpperCase()} `]) {
    expect(await tryAs(email)).toEqual({ outcome: 'signed_in', user, amr: ['pwd'], browser: expect.any(String) })
  }
  const attempt = attemptOf(user.email, PASSWORD, { requestId: 'r-1' })
  await on.signIn.attempt(attempt)
  const events = await on.knex('audit_log').where({ target_id: user.id, request_id: 'r-1' })
  expect(events).toMatchObject([
    { action: 'user.signed_in', actor_type: 'user', actor_id: user.id, account_id: on.accountId, ip: attempt.ip },
  ])
})

test('a one-time password lets its person choose another one, and nothing else', async () => {
  const { user, password } = await on.invite()
  const result = await tryAs(user.email, password)
  expect(result).toEqual({
    outcome: 'choose_password',
    user,
    ticket: expect.any(String),
    browser: expect.any(String),
  })
})

/** How much work an attempt is: statements, and passwords compared, with the costs of each comparison. */
async function workOf(email: string, password: string, ip = freshIp()) {
  const verify = vi.spyOn(argon2, 'verify')
  const statements: string[] = []
  const count = ({ sql }: { sql: string }) => statements.push(sql.trim().split(/\W/)[0]!.toUpperCase())
  on.knex.on('query', count)
  const result = await on.signIn.attempt(attemptOf(email, password, { ip }))
  on.knex.off('query', count)
  const costs = verify.mock.calls.map(([hash]) => /\$m=.*?\$/.exec(hash)![0])
  verify.mockRestore()
  return { result, statements: statements.length, costs }
}

test('unknown, wrong, switched off and of an account that is switched off: refused alike, after the same work', async () => {
  const [wrong, disabled, elsewhere] = [await on.person(), await on.person(), await on.account()]
  const locked = await on.person(elsewhere)
  await changeUserStatus(on.knex, disabled.user.id, 'disabled', ACTOR)
  await changeAccountStatus(on.knex, elsewhere, 'disabled', ACTOR)
  const unknown = await workOf('nobody@example.com', PASSWORD)
  const cost = `$m=${HASHING_COST.memoryCost},p=${HASHING_COST.parallelism},t=${HASHING_COST.timeCost}$`
  expect(unknown).toMatchObject({ result: { outcome: 'refused' }, costs: [cost] })
  expect(await workOf(wrong.user.email, WRONG)).toEqual(unknown)
  expect(await workOf(disabled.user.email, PASSWORD)).toEqual(unknown)
  expect(await workOf(locked.user.email, PASSWORD)).toEqual(unknown)
})

test('an address that was tried too often is slowed with the same work, whether there is a user of it or not', async () => {
  const { user } = await on.person()
  const works = []
  for (const email of ['nobody-else@example.com', user.email]) {
    const ip = freshIp()
    for (let n = 0; n < 10; n++) await on.signIn.attempt(attemptOf(email, WRONG, { ip }))
    works.push([await workOf(email, WRONG, ip), await workOf(email, WRONG, ip)])
  }
  expect(works[0]![0]).toMatchObject({ result: { outcome: 'slow_down' }, costs: [] })
  expect(works[0]!.map(({ statements }) => statements)).toEqual(works[1]!.map(({ statements }) => statements))
})

test.each(['', 'x', `${'x'.repeat(300)}@example.com`, '%@example.com', "'; --"])(
  'an address such as %j is refused',
  async (email) => {
    expect(await tryAs(email)).toEqual({ outcome: 'refused' })
    expect(await tryAs(email, '')).toEqual({ outcome: 'refused' })
  },
)

test('a failed sign-in is recorded for an existing user, without naming who tried, and for no other', async () => {
  const { user } = await on.person()
  const before = await on.knex('audit_log').count('* AS entries').first()
  await tryAs('unheard-of@example.com', WRONG)
  expect(await on.knex('audit_log').count('* AS entries').first()).toEqual(before)
  const attempt = attemptOf(user.email, WRONG, { requestId: 'r-2' })
  await on.signIn.attempt(attempt)
  expect(await on.knex('audit_log').where({ request_id: 'r-2' })).toMatchObject([
    { action: 'user.sign_in_refused', actor_type: 'user', actor_id: null, target_id: user.id, ip: attempt.ip },
  ])
})

/** Makes a change that is committed when the password was looked at, and the attempt waits for it. */
const whileSigningIn = ({ user }: Person, change: (trx: Knex) => Promise<unknown>) =>
  on.whileOpen(change, () => tryAs(user.email))

test('a user who is disabled, or whose account is, while the password is verified is refused', async () => {
  const person = await on.person()
  const disable = (trx: Knex) => changeUserStatus(trx, person.user.id, 'disabled', ACTOR)
  expect(await whileSigningIn(person, disable)).toEqual({ outcome: 'refused' })
  const account = await on.account()
  const disableAccount = (trx: Knex) => changeAccountStatus(trx, account, 'disabled', ACTOR)
  expect(await whileSigningIn(await on.person(account), disableAccount)).toEqual({ outcome: 'refused' })
})

test('a password that is changed while it is looked at no longer lets in', async () => {
  const person = await on.person()
  const hash = await hashPassword(OTHER_PASSWORD)
  expect(await whileSigningIn(person, (trx) => savePassword(trx, person.user.id, hash))).toEqual({ outcome: 'refused' })
  expect(await tryAs(person.user.email, OTHER_PASSWORD)).toMatchObject({ outcome: 'signed_in' })
})

const weakHash = () => argon2.hash(PASSWORD, { memoryCost: 1024, timeCost: 2, parallelism: 1 })

async function withWeakHash(): Promise<Person> {
  const person = await on.person()
  await on
    .knex('users')
    .where({ id: person.user.id })
    .update({ password_hash: await weakHash() })
  return person
}

test('a hash of earlier parameters is renewed at a sign-in, which ends no session; a refused one renews nothing', async () => {
  const { user } = await withWeakHash()
  const before = await on.row(user.id)
  await tryAs(user.email, WRONG)
  expect((await on.row(user.id)).password_hash).toBe(before.password_hash)
  expect(await tryAs(user.email)).toMatchObject({ outcome: 'signed_in' })
  const after = await on.row(user.id)
  expect(needsRehash(after.password_hash)).toBe(false)
  const { password_hash, last_signed_in_at } = after
  expect(after).toEqual({ ...before, password_hash, last_signed_in_at })
  expect(await tryAs(user.email)).toMatchObject({ outcome: 'signed_in' })
  expect((await on.row(user.id)).password_hash).toBe(after.password_hash)
})

test('two that renew a hash at once are both let in, and the first renewal stays', async () => {
  const person = await withWeakHash()
  const renewed = await hashPassword(PASSWORD)
  const renew = (trx: Knex) => trx('users').where({ id: person.user.id }).update({ password_hash: renewed })
  expect(await whileSigningIn(person, renew)).toMatchObject({ outcome: 'signed_in' })
  expect((await on.row(person.user.id)).password_hash).toBe(renewed)
})

test('no password is kept anywhere, right or wrong', async () => {
  const { user } = await on.person()
  await tryAs(user.email, WRONG)
  await tryAs(user.email)
  const kept = JSON.stringify([await on.knex('audit_log'), await on.knex('users'), await on.knex('sign_in_limits')])
  for (const password of [PASSWORD, WRONG]) expect(kept).not.toContain(password)
})
