import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveAccount } from '../../src/accounts/accounts.ts'
import type { RequiredInAccount, RequiredInInstance } from '../../src/accounts/second-factor-requirement.ts'
import { revokeSessionsOfUser } from '../../src/accounts/user-access.ts'
import type { User } from '../../src/accounts/users.ts'
import { updateInstanceSettings } from '../../src/clients/instance-settings.ts'
import { rotateEncryptionKey } from '../../src/encryption-key-rotation.ts'
import { deleteExpiredOffers } from '../../src/factors/totp-offers.ts'
import { resetFactors } from '../../src/management/factor-operations.ts'
import { commandLinePrincipal } from '../../src/management/principal.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { newId } from '../../src/shared/ids.ts'
import { attemptOf, OTHER_PASSWORD, PASSWORD, type Person, withNewerKey } from '../accounts/user-fixtures.ts'
import { codeAttempt, gatherPeopleWithFactors, type PeopleWithFactors } from './factor-fixtures.ts'

const ACTOR = { type: 'system' } as const
const ORIGIN = { ip: '192.0.2.9' }

let on: PeopleWithFactors

beforeAll(async () => {
  on = await gatherPeopleWithFactors()
})
afterAll(() => on?.stop())

const stepOf = async ({ user }: Person, more = {}) =>
  (await on.signIn.attempt(attemptOf(user.email, PASSWORD, more))).outcome

async function requires(instance: RequiredInInstance, account: RequiredInAccount): Promise<void> {
  await updateInstanceSettings(on.knex, { secondFactorRequired: instance }, ACTOR)
  await saveAccount(on.knex, on.accountId, { secondFactorRequired: account }, ACTOR)
}

async function personAs(role: User['role']): Promise<Person> {
  const person = await on.person()
  const accountId = role === 'operator' ? null : on.accountId
  await on.knex('users').where({ id: person.user.id }).update({ role, account_id: accountId })
  if (accountId === null) await on.knex('memberships').where({ user_id: person.user.id }).delete()
  return person
}

const CASES: [RequiredInInstance, RequiredInAccount, string[]][] = [
  ['nobody', 'nobody', []],
  ['operators', 'nobody', ['operator']],
  ['admins', 'nobody', ['operator', 'admin']],
  ['nobody', 'admins', ['admin']],
  ['operators', 'everyone', ['operator', 'admin', 'member']],
  ['everyone', 'nobody', ['operator', 'admin', 'member']],
]

test('the instance and the account decide which roles must set up a second factor at the next sign-in', async () => {
  const roles = ['operator', 'admin', 'member'] as const
  const people = await Promise.all(roles.map(personAs))
  for (const [instance, account, expected] of CASES) {
    await requires(instance, account)
    const outcomes = await Promise.all(people.map((person) => stepOf(person)))
    const asked = roles.filter((_, n) => outcomes[n] === 'set_up_factor')
    expect([instance, account, asked]).toEqual([instance, account, expected])
  }
  await requires('nobody', 'nobody')
})

test('a request that requires a second factor asks a user without one to set it up', async () => {
  const person = await on.person()
  expect(await stepOf(person)).toBe('signed_in')
  expect(await stepOf(person, { demandsSecondFactor: true })).toBe('set_up_factor')
})

const demanded = { demandsSecondFactor: true }

async function beginSetUp(person: Person) {
  const ticket = await on.ticketOf(person, demanded)
  return { ticket, offer: (await on.factors.setUp.offerFor(ticket))! }
}

test('a user sets up an authenticator app during the sign-in, gets recovery codes, and finishes with both factors', async () => {
  const person = await on.person()
  const { ticket, offer } = await beginSetUp(person)
  expect(offer.uri).toContain('otpauth://totp/Keywright:')
  const code = await on.codeOf(offer.secret)
  const wrong = await on.factors.setUp.confirm({ ticket, offer: offer.sealed, code: '000', ...ORIGIN })
  expect(wrong).toMatchObject({ outcome: 'refused', offer: { sealed: offer.sealed, secret: offer.secret } })
  const added = await on.factors.setUp.confirm({ ticket, offer: offer.sealed, code, ...ORIGIN })
  expect(added).toMatchObject({ outcome: 'added', codes: { length: 10 } })
  const finished = await on.factors.setUp.finish((added as { ticket: string }).ticket)
  expect(finished!.step).toMatchObject({ outcome: 'signed_in', amr: ['pwd', 'otp', 'mfa'] })
  expect(await stepOf(person)).toBe('second_factor')
  expect(await on.actionsOn(person.user.id)).toContain('user.factor_added')
})

test('a password alone neither adds a second app to a user who has one, nor finishes a sign-in', async () => {
  const person = await on.person()
  const { ticket, offer } = await beginSetUp(person)
  const other = await beginSetUp(person)
  await on.addApp(person)
  for (const { ticket, offer } of [other, await beginSetUp(person).catch(() => other)]) {
    const code = await on.codeOf(offer.secret)
    const result = await on.factors.setUp.confirm({ ticket, offer: offer.sealed, code, ...ORIGIN })
    expect(result).toEqual({ outcome: 'expired' })
  }
  expect(await on.factors.setUp.finish(ticket)).toBeUndefined()
  const late = { ticket, offer: offer.sealed, code: await on.codeOf(offer.secret), ...ORIGIN }
  expect(await on.factors.setUp.confirm(late)).toEqual({ outcome: 'expired' })
  expect((await on.factors.own.read(person.user.id)).apps).toHaveLength(1)
})

test('an offer is for its user alone, and is added once', async () => {
  const [person, other] = [await on.person(), await on.person()]
  const offer = await on.factors.own.offer(person.user)
  const sent = { offer: offer.sealed, name: 'Phone', code: await on.codeOf(offer.secret) }
  expect(await on.factors.own.add(other.user, sent, ACTOR)).toEqual({ outcome: 'expired' })
  expect(await on.factors.own.add(person.user, sent, ACTOR)).toMatchObject({ outcome: 'added' })
  expect(await on.factors.own.add(person.user, sent, ACTOR)).toEqual({ outcome: 'expired' })
  expect((await on.factors.own.read(person.user.id)).apps).toHaveLength(1)
})

test('a session that has ended since it was read adds no app and renews no recovery codes', async () => {
  const person = await on.person()
  const offer = await on.factors.own.offer(person.user)
  const sent = { offer: offer.sealed, name: 'Phone', code: await on.codeOf(offer.secret) }
  const user = await revokeSessionsOfUser(on.knex, person.user.id)
  expect(await on.factors.own.add(person.user, sent, ACTOR)).toEqual({ outcome: 'expired' })
  expect(await on.factors.own.add(user, sent, ACTOR)).toMatchObject({ outcome: 'added' })
  expect(await on.factors.own.renewRecoveryCodes(person.user, ACTOR)).toBeUndefined()
  expect(await on.factors.own.renewRecoveryCodes(user, ACTOR)).toHaveLength(10)
})

test('an offer is used up for good: neither the removal nor a reset of its factor makes it work again', async () => {
  const person = await on.person()
  const management = { knex: on.knex, encryptionKeys: on.keys }
  const removals = [
    async (id: string) => expect(await on.factors.own.remove(person.user.id, id, ACTOR)).toBe(true),
    () => resetFactors(management, commandLinePrincipal('root'), { userId: person.user.id }),
  ]
  for (const remove of removals) {
    const offer = await on.factors.own.offer(person.user)
    const sent = { offer: offer.sealed, name: 'Phone', code: await on.codeOf(offer.secret) }
    expect(await on.factors.own.add(person.user, sent, ACTOR)).toMatchObject({ outcome: 'added' })
    await remove((await on.factors.own.read(person.user.id)).apps[0]!.id)
    expect(await on.factors.own.add(person.user, sent, ACTOR)).toEqual({ outcome: 'expired' })
    const ticket = await on.ticketOf(person, demanded)
    expect(await on.factors.setUp.confirm({ ticket, ...sent, ...ORIGIN })).toEqual({ outcome: 'expired' })
  }
  expect((await on.factors.own.read(person.user.id)).apps).toEqual([])
})

test('rows of used offers are deleted an hour after the offers expire', async () => {
  const rows = [2, 0].map((hours) => ({ id: newId(), expires_at: new Date(Date.now() - hours * 3_600_000) }))
  await on.knex('used_totp_offers').insert(rows)
  await deleteExpiredOffers(on.knex, 1000)
  expect(
    await on
      .knex('used_totp_offers')
      .whereIn(
        'id',
        rows.map(({ id }) => id),
      )
      .pluck('id'),
  ).toEqual([rows[1]!.id])
})

test('a user has at most five apps, each with a name that can be read', async () => {
  const person = await on.person()
  for (let n = 0; n < 5; n++) await on.addApp(person, `Phone ${n}`)
  await expect(on.addApp(person)).rejects.toMatchObject({ code: 'conflict' })
  const offer = await on.factors.own.offer(person.user)
  const sent = { offer: offer.sealed, name: 'x'.repeat(61), code: '1' }
  const result = await on.factors.own.add(person.user, sent, ACTOR)
  expect(result).toMatchObject({ outcome: 'refused', hasWrongName: true, hasWrongCode: true })
})

test('removing the last app deletes the recovery codes, and the password alone signs in again', async () => {
  const person = await on.personWithApp()
  const { id } = (await on.factors.own.read(person.user.id)).apps[0]!
  const other = await on.personWithApp()
  expect(await on.factors.own.remove(other.user.id, id, ACTOR)).toBe(false)
  expect(await on.factors.own.remove(person.user.id, 'no id', ACTOR)).toBe(false)
  expect(await on.factors.own.remove(person.user.id, id, ACTOR)).toBe(true)
  expect(await on.factors.own.read(person.user.id)).toEqual({ apps: [], passkeys: [], recoveryCodes: 0 })
  expect(await on.factors.own.renewRecoveryCodes(person.user, ACTOR)).toBeUndefined()
  expect(await stepOf(person)).toBe('signed_in')
})

test('new recovery codes replace the earlier ones', async () => {
  const person = await on.personWithApp()
  const codes = await on.factors.own.renewRecoveryCodes(person.user, ACTOR)
  const prove = async (code: string) =>
    (await on.factors.signIn.prove(codeAttempt(await on.ticketOf(person), code, { kind: 'recovery' }))).outcome
  expect(await prove(person.recoveryCodes[0]!)).toBe('refused')
  expect(await prove(codes![0]!)).toBe('signed_in')
})

test('a reset by the command line removes the factors and ends the sessions and sign-ins in progress', async () => {
  const person = await on.personWithApp()
  const ticket = await on.ticketOf(person)
  const management = { knex: on.knex, encryptionKeys: on.keys }
  const reset = await resetFactors(management, commandLinePrincipal('root'), { userId: person.user.id })
  expect(reset).toMatchObject({ removed: 1, user: { id: person.user.id } })
  expect(Number(reset.user.sessionsValidFrom)).toBeGreaterThan(Number(person.user.sessionsValidFrom))
  const proved = await on.factors.signIn.prove(codeAttempt(ticket, await on.nextCode(person.secret)))
  expect(proved).toEqual({ outcome: 'expired' })
  expect(await stepOf(person)).toBe('signed_in')
  expect(await on.actionsOn(person.user.id)).toContain('user.factors_reset')
})

test('a user who chooses a first password and must have a second factor sets it up next', async () => {
  const { user, password } = await on.invite()
  const step = await on.signIn.attempt(attemptOf(user.email, password, demanded))
  expect(step.outcome).toBe('choose_password')
  const chosen = await on.signIn.choosePassword((step as { ticket: string }).ticket, OTHER_PASSWORD, ACTOR)
  expect(chosen.outcome).toBe('set_up_factor')
})

test('a rotation of the encryption key reseals the secrets of apps, whose codes then need only the new key', async () => {
  const person = await on.personWithApp()
  const keys = withNewerKey(on.keys)
  await on.knex('key_ring').update({ sealing_key: on.keys.sealing.id })
  const { resealed } = await rotateEncryptionKey(on.knex, keys, { actor: ACTOR, force: true })
  expect(resealed.totp_factors).toBeGreaterThan(0)
  const after = on.node(createEncryptionKeys([keys.all[0]!.secret]))
  const step = await after.signIn.attempt(attemptOf(person.user.email, PASSWORD))
  const { ticket } = step as { ticket: string }
  const proved = await after.factors.signIn.prove(codeAttempt(ticket, await on.nextCode(person.secret)))
  expect(proved).toMatchObject({ outcome: 'signed_in' })
})
