import { randomBytes } from 'node:crypto'
import argon2 from 'argon2'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { together } from '../support/load.ts'
import {
  attemptOf,
  freshIp,
  gatherPeople,
  OTHER_PASSWORD,
  PASSWORD,
  type People,
  type Person,
  withNewerKey,
} from './user-fixtures.ts'

const ACTOR = { type: 'user' } as const
const WRONG = 'no such password 1'
const MINUTE = 60_000

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})

afterAll(() => on?.stop())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const tryAs = ({ user }: Person, password: string) => on.signIn.attempt(attemptOf(user.email, password))

/** Somebody who has just proved their one-time password. */
async function invitedWithTicket() {
  const person = await on.invite()
  const result = await tryAs(person, person.password)
  expect(result).toMatchObject({ outcome: 'choose_password' })
  return { person, ticket: (result as { ticket: string }).ticket }
}

const choose = (ticket: string, password = PASSWORD, signIn = on.signIn) =>
  signIn.choosePassword(ticket, password, { ...ACTOR, ip: '192.0.2.1' })

const over = { code: 'conflict' }
const unfit = { code: 'invalid_input' }

test('a ticket gives a password of one’s own in place of the one-time one, and ends earlier sessions', async () => {
  const { person, ticket } = await invitedWithTicket()
  const { user } = await choose(ticket)
  expect(user.id).toBe(person.user.id)
  expect(Number(user.sessionsValidFrom)).toBeGreaterThan(Number(person.user.sessionsValidFrom))
  expect(await tryAs(person, PASSWORD)).toMatchObject({ outcome: 'signed_in', user })
  expect(await tryAs(person, person.password)).toEqual({ outcome: 'refused' })
  const events = on.knex('audit_log').where({ action: 'user.password_changed', target_id: user.id })
  expect(await events).toMatchObject([{ actor_id: user.id, account_id: on.accountId, ip: '192.0.2.1' }])
})

test('a ticket works once, however many use it at the same moment', async () => {
  const { person, ticket } = await invitedWithTicket()
  const passwords = Array.from({ length: 8 }, (_, n) => `plum orbit canvas ${n}`)
  const results = await Promise.allSettled(passwords.map((password) => choose(ticket, password)))
  const won = results.findIndex(({ status }) => status === 'fulfilled')
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await tryAs(person, passwords[won]!)).toMatchObject({ outcome: 'signed_in' })
  await expect(choose(ticket, OTHER_PASSWORD)).rejects.toMatchObject(over)
})

test('every ticket is over once the password was changed by another', async () => {
  const { person, ticket } = await invitedWithTicket()
  const again = (await tryAs(person, person.password)) as { ticket: string }
  await choose(again.ticket)
  await expect(choose(ticket, OTHER_PASSWORD)).rejects.toMatchObject(over)
})

test('a ticket is valid for 15 minutes of the clock of the database, whatever the clock of the node says', async () => {
  const { ticket } = await invitedWithTicket()
  const afterIssue = on.database.clock.now()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60 * MINUTE })
  const now = vi.spyOn(on.database.clock, 'now')
  now.mockReturnValue(afterIssue + 15 * MINUTE)
  await expect(choose(ticket)).rejects.toMatchObject(over)
  now.mockReturnValue(afterIssue + 14 * MINUTE)
  expect(await choose(ticket)).toMatchObject({ outcome: 'signed_in', user: { status: 'active' } })
  now.mockRestore()
})

test('what was changed, made up or sealed under other keys is no ticket; a newer key opens the earlier ones', async () => {
  const { ticket } = await invitedWithTicket()
  const bytes = Buffer.from(ticket, 'base64url')
  const changed = Buffer.from(bytes).fill(bytes.at(-1)! ^ 1, bytes.length - 1)
  const short = bytes.subarray(0, 20)
  for (const one of ['', 'x', '\0', 'A'.repeat(5000), ...[changed, short].map((made) => made.toString('base64url'))]) {
    await expect(choose(one)).rejects.toMatchObject(over)
  }
  await expect(choose(ticket, PASSWORD, on.otherNode(createEncryptionKeys([randomBytes(32)])))).rejects.toMatchObject(
    over,
  )
  expect(await choose(ticket, PASSWORD, on.otherNode(withNewerKey(on.keys)))).toMatchObject({})
})

test('a user who is disabled meanwhile cannot choose a password', async () => {
  const { person, ticket } = await invitedWithTicket()
  await changeUserStatus(on.knex, person.user.id, 'disabled', ACTOR)
  await expect(choose(ticket)).rejects.toMatchObject(over)
})

test('an unfit password and the one-time one are refused with a sentence, and the ticket stays', async () => {
  const { person, ticket } = await invitedWithTicket()
  for (const password of ['short', 'password1234', person.password]) {
    await expect(choose(ticket, password)).rejects.toMatchObject({ ...unfit, message: expect.stringMatching(/\.$/) })
  }
  expect(await choose(ticket)).toMatchObject({ user: { id: person.user.id } })
})

const change = ({ user }: Person, present: string, next = OTHER_PASSWORD) =>
  on.signIn.changePassword(user.id, present, next, { ip: freshIp(), requestId: 'r-1' })

test('a password is changed with the present one, and the change ends all sessions', async () => {
  const person = await on.person()
  expect(await change(person, PASSWORD)).toBe('changed')
  const { sessions_valid_from } = await on.row(person.user.id)
  expect(Number(sessions_valid_from)).toBeGreaterThan(Number(person.user.sessionsValidFrom))
  expect(await tryAs(person, OTHER_PASSWORD)).toMatchObject({ outcome: 'signed_in' })
  expect(await tryAs(person, PASSWORD)).toEqual({ outcome: 'refused' })
  const events = on.knex('audit_log').where({ action: 'user.password_changed', target_id: person.user.id })
  expect(await events).toMatchObject([{ actor_id: person.user.id, request_id: 'r-1' }])
})

test('a wrong present password changes nothing, ends no session, and is recorded', async () => {
  const person = await on.person()
  const before = await on.row(person.user.id)
  expect(await change(person, WRONG)).toBe('refused')
  expect(await on.row(person.user.id)).toEqual(before)
  expect(await on.actionsOn(person.user.id)).toEqual(['user.password_change_refused'])
})

test('a weak new password and the present one are refused after the present one was verified', async () => {
  const person = await on.person()
  for (const next of ['short', PASSWORD, PASSWORD.normalize('NFD')]) {
    await expect(change(person, PASSWORD, next)).rejects.toMatchObject(unfit)
    expect(await change(person, WRONG, next)).toBe('refused')
  }
})

test('a disabled or unknown user changes nothing', async () => {
  const person = await on.person()
  await changeUserStatus(on.knex, person.user.id, 'disabled', ACTOR)
  expect(await change(person, PASSWORD)).toBe('refused')
  expect(await on.signIn.changePassword('nobody', PASSWORD, OTHER_PASSWORD, { ip: freshIp() })).toBe('refused')
})

test('guessing the present password is slowed, however many try at once, and the right one then too', async () => {
  const person = await on.person()
  const verify = vi.spyOn(argon2, 'verify')
  const results = await together(60, () => change(person, WRONG))
  expect(results.filter((result) => result === 'refused')).toHaveLength(10)
  expect(verify).toHaveBeenCalledTimes(10)
  expect(await change(person, PASSWORD)).toEqual({ retryAfter: expect.any(Number) })
  expect(await tryAs(person, PASSWORD)).toMatchObject({ outcome: 'signed_in' })
})

test('of two changes at once one is made', async () => {
  const person = await on.person()
  const results = await together(2, (n) => change(person, PASSWORD, `nine teal bicycles ${n}`))
  expect(results.sort()).toEqual(['changed', 'refused'])
})
