import type { Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAccount, setAccountStatus } from '../../src/accounts/accounts.ts'
import { addUser, resetPassword, saveProfile } from '../../src/accounts/user-administration.ts'
import { findUserById } from '../../src/accounts/users.ts'
import { getClient } from '../../src/clients/clients.ts'
import { changeUserRole, changeUserStatus } from '../../src/management/user-changes.ts'
import { newId } from '../../src/shared/ids.ts'
import { ACTOR, createMaker } from '../support/factory.ts'
import { attemptOf, gatherPeople, PASSWORD, type People, type Person } from './user-fixtures.ts'

let on: People
let make: ReturnType<typeof createMaker>

beforeAll(async () => {
  on = await gatherPeople()
  make = createMaker(on.database, on.keys)
})

afterAll(() => on?.stop())

const KEEP = { keepAdmin: true }

/** An account with so many admins. */
async function admins(count: number): Promise<[string, Person[]]> {
  const account = await on.account()
  const people: Person[] = []
  for (let n = 0; n < count; n++) people.push(await on.person(account))
  return [account, people]
}

const member = async (account: string) => await on.invite(account, 'member')
const roleOf = async (id: string) => (await findUserById(on.knex, id))!.role
const activeAdmins = async (account: string) =>
  (await on.knex('users').where({ account_id: account, role: 'admin', status: 'active' })).length

describe('a person is added', () => {
  test('with a one-time password and an audit entry', async () => {
    const person = { email: on.nextEmail(), role: 'member' as const, accountId: on.accountId, name: 'Ann' }
    const { user, password } = await addUser(on.knex, person, ACTOR)
    expect(user).toMatchObject({ ...person, status: 'active', revision: 1 })
    expect(await on.signIn.attempt(attemptOf(user.email, password))).toMatchObject({ outcome: 'choose_password' })
    expect(await on.actionsOn(user.id)).toEqual(['user.created', 'user.signed_in'])
  })

  test('to no account that is not there or switched off, nor by an address that is no address or taken', async () => {
    const off = (await createAccount(on.knex, { name: 'Off' })).id
    await setAccountStatus(on.knex, off, 'disabled')
    const { user } = await on.person()
    const refusals: [object, string][] = [
      [{ accountId: off }, 'conflict'],
      [{ accountId: newId() }, 'not_found'],
      [{ accountId: '\0' }, 'not_found'],
      [{ email: user.email.toUpperCase() }, 'conflict'],
      [{ email: 'nobody' }, 'invalid_input'],
      [{ email: `${'a'.repeat(10_000)}@example.com` }, 'invalid_input'],
      [{ email: 'a\u0001@example.com' }, 'invalid_input'],
      [{ name: 'half \ud800' }, 'invalid_input'],
      [{ name: 'n'.repeat(10_000) }, 'invalid_input'],
      [{ role: 'operator' }, 'invalid_input'],
    ]
    for (const [wrong, code] of refusals) {
      const person = { email: on.nextEmail(), role: 'member' as const, accountId: on.accountId, ...wrong }
      await expect(addUser(on.knex, person, ACTOR)).rejects.toMatchObject({ code })
    }
  })

  test('while the account is being switched off: to an account that is off, so not at all', async () => {
    const account = await on.account()
    const person = { email: on.nextEmail(), role: 'member' as const, accountId: account }
    const added = on.whileOpen(
      (trx) => setAccountStatus(trx, account, 'disabled'),
      () => addUser(on.knex, person, ACTOR),
    )
    await expect(added).rejects.toMatchObject({ code: 'conflict' })
  })
})

describe('a person is changed', () => {
  test('name and address, each where named; another address is not proved; what is the same is no change', async () => {
    const { user } = await on.person()
    await on.knex('users').where({ id: user.id }).update({ email_verified: true })
    const named = await saveProfile(on.knex, user.id, { name: ' Ann ' }, ACTOR)
    expect(named).toMatchObject({ name: 'Ann', email: user.email, emailVerified: true, revision: user.revision + 1 })
    const email = on.nextEmail()
    const moved = await saveProfile(on.knex, user.email, { email }, ACTOR)
    expect(moved).toMatchObject({ name: 'Ann', email, emailVerified: false, revision: named.revision + 1 })
    const asserted = await saveProfile(on.knex, user.id, { emailVerified: true }, ACTOR)
    expect(asserted).toMatchObject({ email, emailVerified: true })
    const again = { email: on.nextEmail(), emailVerified: true }
    const both = await saveProfile(on.knex, (await on.person()).user.id, again, ACTOR)
    expect(both).toMatchObject(again)
    expect(Number(moved.updatedAt)).toBeGreaterThan(Number(user.updatedAt))
    expect(await saveProfile(on.knex, user.id, { name: 'Ann', email, emailVerified: true }, ACTOR)).toEqual(asserted)
    expect(await saveProfile(on.knex, user.id, { name: null }, ACTOR)).toMatchObject({ name: null })
    expect(await on.actionsOn(user.id)).toEqual(Array(4).fill('user.updated'))
  })

  test('not by somebody who saw what they were, to an address that is taken, or to nothing', async () => {
    const [{ user }, other] = [await on.person(), await on.person()]
    await saveProfile(on.knex, user.id, { name: 'Ann' }, ACTOR, { expected: user.revision })
    const late = saveProfile(on.knex, user.id, { name: 'Bob' }, ACTOR, { expected: user.revision })
    await expect(late).rejects.toMatchObject({ code: 'stale' })
    const taken = saveProfile(on.knex, user.id, { email: other.user.email }, ACTOR)
    await expect(taken).rejects.toMatchObject({ code: 'conflict' })
    await expect(saveProfile(on.knex, user.id, {}, ACTOR)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(saveProfile(on.knex, newId(), { name: 'x' }, ACTOR)).rejects.toMatchObject({ code: 'not_found' })
  })
})

test('a new one-time password replaces theirs, ends their sessions, and must be changed', async () => {
  const { user } = await on.person()
  const made = await resetPassword(on.knex, user.email, ACTOR)
  expect(Number(made.user.sessionsValidFrom)).toBeGreaterThan(Number(user.sessionsValidFrom))
  expect(await on.signIn.attempt(attemptOf(user.email, PASSWORD))).toMatchObject({ outcome: 'refused' })
  expect(await on.signIn.attempt(attemptOf(user.email, made.password))).toMatchObject({ outcome: 'choose_password' })
  expect(await on.actionsOn(user.id)).toContain('user.password_reset')
  expect(JSON.stringify(await on.knex('audit_log'))).not.toContain(made.password)
})

describe('a role', () => {
  test('taken from an admin ends their key pair for good, and gives nothing back with the role', async () => {
    const [account, [first, second]] = await admins(2)
    const pair = await make.keyPair(second!.user.id)
    const demoted = await changeUserRole(on.knex, second!.user.id, 'member', ACTOR, KEEP)
    expect(demoted).toMatchObject({ role: 'member', revision: second!.user.revision + 1 })
    expect(await getClient(on.knex, pair.clientId)).toMatchObject({ status: 'replaced' })
    await changeUserRole(on.knex, second!.user.id, 'admin', ACTOR, KEEP)
    expect(await getClient(on.knex, pair.clientId)).toMatchObject({ status: 'replaced' })
    const [entry] = await on.knex('audit_log').where({ target_id: second!.user.id }).orderBy('id').limit(1)
    expect(entry).toMatchObject({ action: 'user.role_changed', account_id: account })
    expect(entry.detail).toEqual({ changes: { role: { from: 'admin', to: 'member' } } })
    expect(await on.actionsOn(pair.clientId)).toEqual(['key_pair.generated', 'key_pair.ended'])
    expect(await roleOf(first!.user.id)).toBe('admin')
  })

  test('is not changed by who saw another one, nor of an operator', async () => {
    const { user } = await member(on.accountId)
    const admin = await changeUserRole(on.knex, user.id, 'admin', ACTOR, { expected: user.revision })
    const late = changeUserRole(on.knex, user.id, 'member', ACTOR, { expected: user.revision })
    await expect(late).rejects.toMatchObject({ code: 'stale' })
    expect(await changeUserRole(on.knex, user.id, 'admin', ACTOR)).toEqual(admin)
    const operator = await on.invite(null, 'operator')
    const refused = changeUserRole(on.knex, operator.user.id, 'admin', ACTOR)
    await expect(refused).rejects.toMatchObject({ code: 'conflict' })
  })

  test('that is being taken from an admin gives them no key pair', async () => {
    const [, [, second]] = await admins(2)
    const made = on.whileOpen(
      (trx) => changeUserRole(trx, second!.user.id, 'member', ACTOR),
      () => make.keyPair(second!.user.id),
    )
    await expect(made).rejects.toMatchObject({ code: 'invalid_input' })
    expect(await on.knex('clients').where({ user_id: second!.user.id })).toEqual([])
  })
})

const LOSSES: [string, (db: Knex, id: string, rules: object) => Promise<unknown>][] = [
  ['demoted', (db, id, rules) => changeUserRole(db, id, 'member', ACTOR, rules)],
  ['switched off', (db, id, rules) => changeUserStatus(db, id, 'disabled', ACTOR, rules)],
]

describe.each(LOSSES)('nobody is %s', (_what, lose) => {
  test('who is the last active admin of an account, however many members and sleeping admins it has', async () => {
    const [account, [first, second]] = await admins(2)
    await member(account)
    await changeUserStatus(on.knex, second!.user.id, 'disabled', ACTOR, KEEP)
    const refused = { code: 'conflict', message: expect.stringContaining('last active admin') }
    await expect(lose(on.knex, first!.user.id, KEEP)).rejects.toMatchObject(refused)
    await lose(on.knex, second!.user.id, KEEP)
    expect(await activeAdmins(account)).toBe(1)
    await lose(on.knex, first!.user.id, { keepAdmin: false })
    expect(await activeAdmins(account)).toBe(0)
  })

  test('by themselves', async () => {
    const [, [first]] = await admins(2)
    const { id } = first!.user
    await expect(lose(on.knex, id, { self: id })).rejects.toMatchObject({ code: 'conflict' })
    await lose(on.knex, id, { self: newId() })
  })

  test.each(LOSSES)('while the other admin is being %s: one of the two stays', async (_other, loseOther) => {
    const [account, [first, second]] = await admins(2)
    const both = on.whileOpen(
      (trx) => loseOther(trx, first!.user.id, KEEP),
      () => lose(on.knex, second!.user.id, KEEP),
    )
    await expect(both).rejects.toMatchObject({ code: 'conflict' })
    expect(await activeAdmins(account)).toBe(1)
  })
})

test('of ten admins who all switch one another off at once, one is left, and nobody waits for ever', async () => {
  const [account, people] = await admins(10)
  const next = (n: number) => people[(n + 1) % 10]!.user.id
  const all = people.map(({ user }, n) =>
    changeUserStatus(on.knex, next(n), 'disabled', ACTOR, { keepAdmin: true, self: user.id }),
  )
  const outcomes = await Promise.allSettled(all)
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  expect(await activeAdmins(account)).toBe(1)
})
