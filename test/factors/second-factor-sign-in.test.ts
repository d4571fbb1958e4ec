import { afterAll, beforeAll, expect, test } from 'vitest'
import { savePassword } from '../../src/accounts/credentials.ts'
import { hashPassword } from '../../src/accounts/passwords.ts'
import { factorBudget, factorEverywhereBudget } from '../../src/accounts/sign-in-limits.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { attemptOf, freshIp, OTHER_PASSWORD, PASSWORD } from '../accounts/user-fixtures.ts'
import { together } from '../support/load.ts'
import { codeAttempt, gatherPeopleWithFactors, type PeopleWithFactors } from './factor-fixtures.ts'

const ACTOR = { type: 'system' } as const
const STEP = 30_000

let on: PeopleWithFactors

beforeAll(async () => {
  on = await gatherPeopleWithFactors()
})
afterAll(() => on?.stop())

const prove = (ticket: string, code: string, more = {}) => on.factors.signIn.prove(codeAttempt(ticket, code, more))

test('a user with an authenticator app signs in with the password and a code of the app', async () => {
  const person = await on.personWithApp()
  const step = await on.signIn.attempt(attemptOf(person.user.email, PASSWORD))
  expect(step).toEqual({
    outcome: 'second_factor',
    user: person.user,
    choices: { app: true, passkey: false },
    ticket: expect.any(String),
  })
  const result = await prove(await on.ticketOf(person), await on.nextCode(person.secret))
  expect(result).toMatchObject({ outcome: 'signed_in', amr: ['pwd', 'otp', 'mfa'], browser: expect.any(String) })
  const actions = await on.actionsOn(person.user.id)
  expect(actions.slice(-3)).toEqual(['user.second_factor_asked', 'user.second_factor_asked', 'user.signed_in'])
})

test('the activity log says that a browser is new, and not that a known one is', async () => {
  const person = await on.personWithApp()
  const first = await prove(await on.ticketOf(person), await on.nextCode(person.secret))
  const { browser } = first as { browser: string }
  on.pass(2 * STEP)
  await prove(await on.ticketOf(person), await on.nextCode(person.secret), { browser })
  const events = on
    .knex('audit_log')
    .where({ action: 'user.signed_in', target_id: person.user.id })
    .orderBy(['at', 'id'])
  expect((await events).map(({ detail }) => detail.new_browser)).toEqual([true, undefined])
})

test('a password alone is no sign-in of a user with an authenticator app', async () => {
  const person = await on.personWithApp()
  const before = await on.row(person.user.id)
  await on.ticketOf(person)
  expect((await on.row(person.user.id)).last_signed_in_at).toEqual(before.last_signed_in_at)
  expect(await on.actionsOn(person.user.id)).not.toContain('user.signed_in')
})

test('a code that was used is refused, also within its time', async () => {
  const person = await on.personWithApp()
  const code = await on.nextCode(person.secret)
  expect(await prove(await on.ticketOf(person), code)).toMatchObject({ outcome: 'signed_in' })
  expect(await prove(await on.ticketOf(person), code)).toMatchObject({ outcome: 'refused' })
})

test('the code that added an app does not sign in', async () => {
  const person = await on.personWithApp()
  expect(await prove(await on.ticketOf(person), await on.codeOf(person.secret))).toMatchObject({ outcome: 'refused' })
})

test('a code earlier than one that was used is refused', async () => {
  const person = await on.personWithApp()
  on.pass(3 * STEP)
  const [earlier, later] = [await on.codeOf(person.secret), await on.nextCode(person.secret)]
  expect(await prove(await on.ticketOf(person), later)).toMatchObject({ outcome: 'signed_in' })
  expect(await prove(await on.ticketOf(person), earlier)).toMatchObject({ outcome: 'refused' })
})

test('a code is valid one step before and after its own, and no longer', async () => {
  const person = await on.personWithApp()
  const code = await on.codeOf(person.secret, Date.now() + 1000 * STEP)
  expect(await prove(await on.ticketOf(person), code)).toMatchObject({ outcome: 'refused' })
  const next = await on.nextCode(person.secret)
  on.pass(3 * STEP)
  expect(await prove(await on.ticketOf(person), next)).toMatchObject({ outcome: 'refused' })
  const previous = await on.codeOf(person.secret)
  on.pass(STEP)
  expect(await prove(await on.ticketOf(person), previous)).toMatchObject({ outcome: 'signed_in' })
})

test('of many requests with one code over two nodes, one signs in', async () => {
  const person = await on.personWithApp()
  const nodes = [on.factors, on.node().factors]
  const code = await on.nextCode(person.secret)
  const tickets = await Promise.all([on.ticketOf(person), on.ticketOf(person)])
  const results = await together(8, (n) => nodes[n % 2]!.signIn.prove(codeAttempt(tickets[n % 2]!, code)))
  expect(results.filter(({ outcome }) => outcome === 'signed_in')).toHaveLength(1)
})

test.each(['', '12345', '1234567', 'abcdef', '１２３４５６', '0x1234', `${'1'.repeat(5000)}`])(
  'a text such as %j is refused as a code',
  async (code) => {
    const person = await on.personWithApp()
    const ticket = await on.ticketOf(person)
    for (const kind of ['totp', 'recovery'] as const)
      expect(await prove(ticket, code, { kind })).toMatchObject({ outcome: 'refused' })
  },
)

test('a code may be typed with a space', async () => {
  const person = await on.personWithApp()
  const code = (await on.nextCode(person.secret)).replace(/^(...)/, '$1 ')
  expect(await prove(await on.ticketOf(person), code)).toMatchObject({ outcome: 'signed_in' })
})

const wrongCode = async (secret: string): Promise<string> =>
  String((Number(await on.codeOf(secret)) + 500_000) % 1_000_000).padStart(6, '0')

/** As if the attempts of an hour were used up, so that none comes back during a slow test. */
const useUp = (key: Buffer) =>
  on
    .knex('sign_in_limits')
    .where({ key })
    .update({ arrival_at: on.knex.raw("arrival_at + interval '1 hour'") })

test('guessing codes is limited per user and network, over all nodes, and the right code waits too', async () => {
  const person = await on.personWithApp()
  const [ip, ticket] = [freshIp(), await on.ticketOf(person)]
  const nodes = [on.factors, on.node().factors]
  const wrong = await wrongCode(person.secret)
  const results = await together(20, (n) => nodes[n % 2]!.signIn.prove(codeAttempt(ticket, wrong, { ip })))
  const looked = results.filter(({ outcome }) => outcome === 'refused').length
  expect(looked).toBeGreaterThanOrEqual(5)
  expect(looked).toBeLessThan(20)
  await useUp(factorBudget(person.user.id, ip).key)
  const right = await on.nextCode(person.secret)
  expect(await prove(ticket, right, { ip })).toMatchObject({ outcome: 'slow_down', retryAfter: expect.any(Number) })
  expect(await on.actionsOn(person.user.id)).toContain('user.second_factor_slowed')
})

test('guessing from many networks is limited, and a recovery code still signs in', async () => {
  const person = await on.personWithApp()
  const ticket = await on.ticketOf(person)
  const wrong = await wrongCode(person.secret)
  const results = await together(60, () => prove(ticket, wrong))
  expect(results.filter(({ outcome }) => outcome === 'slow_down').length).toBeGreaterThan(0)
  await useUp(factorEverywhereBudget(person.user.id).key)
  expect(await prove(ticket, await on.nextCode(person.secret))).toMatchObject({ outcome: 'slow_down' })
  const recovery = await prove(ticket, person.recoveryCodes[0]!, { kind: 'recovery' })
  expect(recovery).toMatchObject({ outcome: 'signed_in' })
})

test('a sign-in of the user gives nobody back the guesses that were made from other networks', async () => {
  const person = await on.personWithApp()
  const ticket = await on.ticketOf(person)
  const wrong = await wrongCode(person.secret)
  for (let n = 0; n < 30; n++) await prove(ticket, wrong)
  expect(await prove(ticket, wrong)).toMatchObject({ outcome: 'slow_down' })
  await on
    .knex('sign_in_limits')
    .where({ key: factorEverywhereBudget(person.user.id).key })
    .update({ arrival_at: on.knex.raw("arrival_at - interval '400 s'") })
  expect(await prove(ticket, await on.nextCode(person.secret))).toMatchObject({ outcome: 'signed_in' })
  await prove(ticket, wrong)
  await prove(ticket, wrong)
  expect(await prove(ticket, wrong)).toMatchObject({ outcome: 'slow_down' })
})

test('a wrong code is recorded without an actor, because nobody proved who they are', async () => {
  const person = await on.personWithApp()
  await prove(await on.ticketOf(person), await wrongCode(person.secret), { requestId: 'wrong-code' })
  expect(await on.knex('audit_log').where({ request_id: 'wrong-code' })).toMatchObject([
    { action: 'user.second_factor_refused', actor_id: null, target_id: person.user.id, account_id: on.accountId },
  ])
})

test('a recovery code signs in once, however it is written', async () => {
  const person = await on.personWithApp()
  expect(new Set(person.recoveryCodes).size).toBe(10)
  const typed = ` ${person.recoveryCodes[3]!.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O')} `
  const ticket = await on.ticketOf(person)
  const first = await prove(ticket, typed, { kind: 'recovery' })
  expect(first).toMatchObject({ outcome: 'signed_in', amr: ['pwd', 'mfa'] })
  expect(await prove(ticket, person.recoveryCodes[3]!, { kind: 'recovery' })).toMatchObject({ outcome: 'refused' })
  expect(await on.factors.own.read(person.user.id)).toMatchObject({ recoveryCodes: 9 })
  expect(await on.actionsOn(person.user.id)).toContain('user.recovery_code_used')
})

test('of many requests with one recovery code over two nodes, one signs in', async () => {
  const person = await on.personWithApp()
  const nodes = [on.factors, on.node().factors]
  const ticket = await on.ticketOf(person)
  const attempt = () => codeAttempt(ticket, person.recoveryCodes[0]!, { kind: 'recovery' })
  const results = await together(8, (n) => nodes[n % 2]!.signIn.prove(attempt()))
  expect(results.filter(({ outcome }) => outcome === 'signed_in')).toHaveLength(1)
})

test('a recovery code of another user is refused', async () => {
  const [person, other] = [await on.personWithApp(), await on.personWithApp()]
  const result = await prove(await on.ticketOf(person), other.recoveryCodes[0]!, { kind: 'recovery' })
  expect(result).toMatchObject({ outcome: 'refused' })
  expect(await prove(await on.ticketOf(person), await on.nextCode(other.secret))).toMatchObject({ outcome: 'refused' })
})

test('a ticket does not continue a sign-in after a new password, after the user is disabled, and after 15 minutes', async () => {
  const person = await on.personWithApp()
  const code = () => on.nextCode(person.secret)
  const late = await on.ticketOf(person)
  on.pass(15 * 60_000)
  expect(await prove(late, await code())).toEqual({ outcome: 'expired' })
  const ticket = await on.ticketOf(person)
  await savePassword(on.knex, person.user.id, await hashPassword(OTHER_PASSWORD))
  expect(await prove(ticket, await code())).toEqual({ outcome: 'expired' })
  const other = await on.personWithApp()
  const ofOther = await on.ticketOf(other)
  await changeUserStatus(on.knex, other.user.id, 'disabled', ACTOR)
  expect(await prove(ofOther, await on.nextCode(other.secret))).toEqual({ outcome: 'expired' })
  for (const forged of ['', 'x', Buffer.alloc(80).toString('base64url')])
    expect(await prove(forged, await code())).toEqual({ outcome: 'expired' })
})

test('a user with a one-time password proves the second factor before choosing a password', async () => {
  const person = await on.personWithApp()
  await on.knex('users').where({ id: person.user.id }).update({ password_change_required: true })
  const ticket = await on.ticketOf(person)
  const step = await prove(ticket, await on.nextCode(person.secret))
  expect(step).toMatchObject({ outcome: 'choose_password', ticket: expect.any(String) })
  const chosen = await on.signIn.choosePassword((step as { ticket: string }).ticket, OTHER_PASSWORD, ACTOR)
  expect(chosen).toMatchObject({ outcome: 'signed_in', amr: ['pwd', 'otp', 'mfa'] })
  await expect(on.signIn.choosePassword(ticket, OTHER_PASSWORD, ACTOR)).rejects.toMatchObject({ code: 'conflict' })
})

test('a password alone makes no browser known, because somebody else may know it', async () => {
  const person = await on.personWithApp()
  expect(await on.signIn.attempt(attemptOf(person.user.email, PASSWORD))).not.toHaveProperty('browser')
})

test('no secret of an app and no recovery code is stored readable', async () => {
  const person = await on.personWithApp()
  await prove(await on.ticketOf(person), person.recoveryCodes[0]!, { kind: 'recovery' })
  const stored = await Promise.all(['totp_factors', 'recovery_codes', 'audit_log'].map((table) => on.knex(table)))
  const text = JSON.stringify(stored, (_, value) =>
    value?.type === 'Buffer' ? Buffer.from(value.data).toString('latin1') : value,
  )
  for (const secret of [person.secret, ...person.recoveryCodes, person.recoveryCodes[0]!.replaceAll('-', '')])
    expect(text).not.toContain(secret)
})
