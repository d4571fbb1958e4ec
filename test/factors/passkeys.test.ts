/** Passkeys (Web Authentication Level 3): how a user adds them and signs in with them, and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storeOneTimePassword } from '../../src/accounts/one-time-passwords.ts'
import {
  type Budget,
  browserBudget,
  networkBudget,
  passkeyBudget,
  passkeyEverywhereBudget,
  passkeyStepBudget,
} from '../../src/accounts/sign-in-limits.ts'
import { LastSignInMethodError } from '../../src/accounts/sign-in-methods.ts'
import { revokeSessionsOfUser, setOneTimePassword } from '../../src/accounts/user-access.ts'
import { deleteExpiredChallenges } from '../../src/factors/passkey-challenges.ts'
import type { PasskeyAttempt } from '../../src/factors/passkey-sign-in.ts'
import { relyingPartyOf } from '../../src/factors/relying-party.ts'
import { resetFactors } from '../../src/management/factor-operations.ts'
import { commandLinePrincipal } from '../../src/management/principal.ts'
import { readUser } from '../../src/management/user-operations.ts'
import { attemptOf, freshIp, PASSWORD, type Person } from '../accounts/user-fixtures.ts'
import {
  createSoftwareAuthenticator,
  type Deviation,
  type SoftwareAuthenticator,
} from '../support/software-authenticator.ts'
import { codeAttempt, gatherPeopleWithFactors, ISSUER, type PeopleWithFactors } from './factor-fixtures.ts'

const HERE = 'browser-1'

let on: PeopleWithFactors

beforeAll(async () => {
  on = await gatherPeopleWithFactors()
})
afterAll(() => on?.stop())

const passkeys = () => on.factors.passkeys!

async function add(
  { user }: Person,
  authenticator: SoftwareAuthenticator,
  { name = 'Laptop', boundTo = HERE, ...deviation }: Deviation & { name?: string; boundTo?: string } = {},
) {
  const { sealed, options } = await passkeys().own.offer(user, HERE)
  const credential = authenticator.create(options, deviation)
  return await passkeys().own.add(user, { challenge: sealed, credential, name, boundTo }, { type: 'user', id: user.id })
}

interface Owner extends Person {
  readonly authenticator: SoftwareAuthenticator
  readonly recoveryCodes: readonly string[]
}

/** A person with a passkey, and no authenticator app. */
async function owner(kind: Parameters<typeof createSoftwareAuthenticator>[1] = {}): Promise<Owner> {
  const person = await on.person()
  const authenticator = createSoftwareAuthenticator(ISSUER, kind)
  const added = await add(person, authenticator)
  if (added.outcome !== 'added') throw new Error(`not added: ${added.outcome}`)
  return { ...person, authenticator, recoveryCodes: added.codes }
}

function attempt(authenticator: SoftwareAuthenticator, deviation: Deviation = {}): PasskeyAttempt {
  const { sealed, options } = passkeys().request(HERE)
  return { challenge: sealed, credential: authenticator.get(options, deviation), boundTo: HERE, ip: freshIp() }
}

const signIn = (authenticator: SoftwareAuthenticator, deviation: Deviation = {}) =>
  passkeys().signIn.prove(attempt(authenticator, deviation))

const refusalsOf = async (person: Person): Promise<unknown[]> => {
  const events = await on.knex('audit_log').where({ target_id: person.user.id, action: 'user.sign_in_refused' })
  return events.map(({ detail }) => detail.reason)
}

/** As if the attempts of an hour were used up, so that none comes back during a slow test. */
async function useUp({ key }: Budget): Promise<void> {
  const used = on.knex('sign_in_limits').where({ key })
  expect(await used.update({ arrival_at: on.knex.raw(`now() + interval '1 hour'`) })).toBe(1)
}

const REFUSED = { outcome: 'refused' }

describe('a user', () => {
  test('signs in with a passkey alone, which counts as several factors, and the activity log says so', async () => {
    const person = await owner()
    const result = await signIn(person.authenticator)
    expect(result).toMatchObject({ outcome: 'signed_in', user: { id: person.user.id }, amr: ['hwk', 'user', 'mfa'] })
    const [event] = await on.knex('audit_log').where({ target_id: person.user.id, action: 'user.signed_in' })
    const [{ id }] = await on.knex('passkeys').where({ user_id: person.user.id })
    expect(event.detail).toEqual({ passkey: id, new_browser: true })
    const [{ last_used_at, name }] = await on.knex('passkeys').where({ user_id: person.user.id })
    expect([name, last_used_at]).toEqual(['Laptop', expect.any(Date)])
  })

  test('with a passkey that is copied to other devices has a key that software secures', async () => {
    const { authenticator } = await owner({ synced: true })
    expect(await signIn(authenticator)).toMatchObject({ amr: ['swk', 'user', 'mfa'] })
  })

  test('in a browser that is known is not reported as new', async () => {
    const person = await owner()
    const first = await signIn(person.authenticator)
    const browser = 'browser' in first ? first.browser : ''
    await passkeys().signIn.prove({ ...attempt(person.authenticator), browser })
    const events = await on
      .knex('audit_log')
      .where({ target_id: person.user.id, action: 'user.signed_in' })
      .orderBy('at')
    expect(events.map(({ detail }) => detail.new_browser)).toEqual([true, undefined])
  })

  test('who has an authenticator too is asked for no code', async () => {
    const person = await owner()
    await on.addApp(person)
    expect(await signIn(person.authenticator)).toMatchObject({ outcome: 'signed_in' })
  })

  test('who must have a second factor has one in the passkey', async () => {
    const account = await on.account()
    const person = await on.person(account)
    const authenticator = createSoftwareAuthenticator(ISSUER)
    await add(person, authenticator)
    await on.knex('accounts').where({ id: account }).update({ second_factor_required: 'everyone' })
    expect(await signIn(authenticator)).toMatchObject({ outcome: 'signed_in' })
    const step = await on.signIn.attempt(attemptOf(person.user.email, PASSWORD))
    expect(step).toMatchObject({ outcome: 'second_factor', choices: { app: false, passkey: true } })
    const [{ id }] = await on.knex('passkeys').where({ user_id: person.user.id })
    const removal = on.factors.own.remove(person.user.id, id, { type: 'user', id: person.user.id })
    await expect(removal).rejects.toMatchObject({ code: 'conflict' })
  })

  test('who has lost the device signs in with the password and a recovery code', async () => {
    const person = await owner()
    expect(person.recoveryCodes).toHaveLength(10)
    const step = await on.signIn.attempt(attemptOf(person.user.email, PASSWORD))
    const ticket = 'ticket' in step ? step.ticket : ''
    const wrong = await on.factors.signIn.prove(codeAttempt(ticket, '123456'))
    expect(wrong).toMatchObject({ outcome: 'refused', choices: { app: false, passkey: true } })
    const proved = await on.factors.signIn.prove(codeAttempt(ticket, person.recoveryCodes[0]!, { kind: 'recovery' }))
    expect(proved).toMatchObject({ outcome: 'signed_in', amr: ['pwd', 'mfa'] })
  })

  test('cannot add an authenticator app with the password alone', async () => {
    const person = await owner()
    const step = await on.signIn.attempt(attemptOf(person.user.email, PASSWORD, { demandsSecondFactor: true }))
    expect(step.outcome).toBe('second_factor')
    const offer = await on.factors.own.offer(person.user)
    const confirmed = await on.factors.setUp.confirm({
      ticket: 'ticket' in step ? step.ticket : '',
      offer: offer.sealed,
      code: await on.codeOf(offer.secret),
      ip: freshIp(),
    })
    expect(confirmed.outcome).toBe('expired')
  })

  test('with a one-time password keeps it while signing in with the passkey', async () => {
    const person = await owner()
    await setOneTimePassword(on.knex, person.user.id, await storeOneTimePassword('kwp_one-time'))
    expect(await signIn(person.authenticator)).toMatchObject({ outcome: 'signed_in' })
    expect((await on.row(person.user.id)).password_change_required).toBe(true)
  })

  test('gets recovery codes with the first passkey only, and has at most ten passkeys', async () => {
    const person = await on.person()
    const counts: number[] = []
    for (let n = 0; n < 10; n++) {
      const added = await add(person, createSoftwareAuthenticator(ISSUER))
      counts.push(added.outcome === 'added' ? added.codes.length : -1)
    }
    expect(counts).toEqual([10, ...Array(9).fill(0)])
    await expect(add(person, createSoftwareAuthenticator(ISSUER))).rejects.toMatchObject({ code: 'conflict' })
    const { options } = await passkeys().own.offer(person.user, HERE)
    expect((options as { excludeCredentials: unknown[] }).excludeCredentials).toHaveLength(10)
  })

  test('removes the last passkey, which deletes the recovery codes and is recorded', async () => {
    const person = await owner()
    const [{ id }] = await on.knex('passkeys').where({ user_id: person.user.id })
    const stranger = await on.person()
    expect(await on.factors.own.remove(stranger.user.id, id, { type: 'user', id: stranger.user.id })).toBe(false)
    expect(await on.factors.own.remove(person.user.id, id, { type: 'user', id: person.user.id })).toBe(true)
    expect(await on.knex('recovery_codes').where({ user_id: person.user.id })).toEqual([])
    const events = await on.knex('audit_log').where({ target_id: person.user.id }).whereLike('action', 'user.factor_%')
    expect(events.map(({ detail }) => detail)).toEqual([{ factor: 'passkey' }, { factor: 'passkey' }])
    expect(await signIn(person.authenticator)).toEqual(REFUSED)
    expect(await on.signIn.attempt(attemptOf(person.user.email, PASSWORD))).toMatchObject({ outcome: 'signed_in' })
  })

  test('keeps the last passkey of a user without a password, also if two are removed at once', async () => {
    const person = await owner()
    const actor = { type: 'user', id: person.user.id } as const
    await add(person, createSoftwareAuthenticator(ISSUER))
    await on.knex('users').where({ id: person.user.id }).update({ password_hash: null })
    const ids: string[] = await on.knex('passkeys').where({ user_id: person.user.id }).pluck('id')
    const removals = await Promise.allSettled(ids.map((id) => on.factors.own.remove(person.user.id, id, actor)))
    expect(removals.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const left: string[] = await on.knex('passkeys').where({ user_id: person.user.id }).pluck('id')
    expect(left).toHaveLength(1)
    await expect(on.factors.own.remove(person.user.id, left[0]!, actor)).rejects.toThrow(LastSignInMethodError)
    expect(await on.knex('passkeys').where({ user_id: person.user.id }).pluck('id')).toEqual(left)
  })
})

describe('refused at the sign-in is', () => {
  test.each<[string, Deviation]>([
    ['another origin', { origin: 'https://keywright.test.example.com' }],
    ['another port', { origin: `${ISSUER}:8443` }],
    ['another RP ID', { rpId: 'test' }],
    ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
    ['a user who was not verified', { isUserVerified: false }],
    ['another user handle', { userHandle: Buffer.alloc(16).toString('base64url') }],
    ['a response to a registration', { type: 'webauthn.create' }],
    ['a page in a frame of another site', { isFramed: true }],
  ])('%s', async (_, deviation) => {
    const person = await owner()
    expect(await signIn(person.authenticator, deviation)).toEqual(REFUSED)
    expect(await refusalsOf(person)).toEqual(['invalid'])
    expect((await on.actionsOn(person.user.id)).includes('user.signed_in')).toBe(false)
  })

  test('an unknown credential, as a known one is', async () => {
    expect(await signIn(createSoftwareAuthenticator(ISSUER))).toEqual(REFUSED)
  })

  test('a signature by another key', async () => {
    const person = await owner()
    const credentialId = person.authenticator.credentialId.toString('base64url')
    const userHandle = Buffer.from(person.user.id.replaceAll('-', ''), 'hex').toString('base64url')
    expect(await signIn(createSoftwareAuthenticator(ISSUER), { credentialId, userHandle })).toEqual(REFUSED)
    expect(await refusalsOf(person)).toEqual(['invalid'])
  })

  test('a counter that went back or stood still, which is recorded and logged', async () => {
    const person = await owner()
    await signIn(person.authenticator, { counter: 7 })
    for (const counter of [7, 6, 0]) expect(await signIn(person.authenticator, { counter })).toEqual(REFUSED)
    expect(await refusalsOf(person)).toEqual(['counter', 'counter', 'counter'])
    const warned = on.logLines().filter(({ msg }) => String(msg).includes('counter went back'))
    expect(warned.at(-1)).toMatchObject({ stored: 7, received: 0, level: 40 })
    expect(await signIn(person.authenticator, { counter: 8 })).toMatchObject({ outcome: 'signed_in' })
  })

  test('no counter of an authenticator without one', async () => {
    const { authenticator } = await owner({ hasCounter: false })
    for (let n = 0; n < 3; n++) expect(await signIn(authenticator)).toMatchObject({ outcome: 'signed_in' })
  })

  test('a user or account that is disabled, with no word about it', async () => {
    const person = await owner()
    await on.knex('users').where({ id: person.user.id }).update({ status: 'disabled' })
    expect(await signIn(person.authenticator)).toEqual(REFUSED)
    expect(await refusalsOf(person)).toEqual(['inactive'])
    await on.knex('users').where({ id: person.user.id }).update({ status: 'active', password_hash: null })
    expect(await signIn(person.authenticator)).toEqual(REFUSED)
  })

  test('the passkey of a deleted user', async () => {
    const person = await owner()
    await on.knex('users').where({ id: person.user.id }).delete()
    expect(await signIn(person.authenticator)).toEqual(REFUSED)
    expect(await on.knex('passkeys').where({ user_id: person.user.id })).toEqual([])
  })

  test('a passkey that was reset by an admin with all factors, which ends the sessions and is recorded', async () => {
    const person = await owner()
    await on.addApp(person)
    const management = { knex: on.knex, encryptionKeys: on.keys }
    const cli = commandLinePrincipal('root')
    const userId = person.user.id
    expect(await readUser(management, cli, { userId })).toMatchObject({ passkeys: 1, authenticatorApps: 1 })
    const reset = await resetFactors(management, cli, { userId })
    expect(reset.removed).toBe(2)
    expect(Number(reset.user.sessionsValidFrom)).toBeGreaterThan(Number(person.user.sessionsValidFrom))
    expect(await readUser(management, cli, { userId })).toMatchObject({ passkeys: 0, recoveryCodes: 0 })
    expect(await on.actionsOn(userId)).toContain('user.factors_reset')
    expect(await signIn(person.authenticator)).toEqual(REFUSED)
  })

  test('a response of another browser, of an expired page, or sent a second time', async () => {
    const { authenticator } = await owner()
    const elsewhere = { ...attempt(authenticator), boundTo: 'browser-2' }
    const late = attempt(authenticator)
    const twice = attempt(authenticator, { counter: 40 })
    expect(await passkeys().signIn.prove(elsewhere)).toEqual({ outcome: 'expired' })
    expect(await passkeys().signIn.prove(twice)).toMatchObject({ outcome: 'signed_in' })
    expect(await passkeys().signIn.prove(twice)).toEqual({ outcome: 'expired' })
    on.pass(11 * 60_000)
    expect(await passkeys().signIn.prove(late)).toEqual({ outcome: 'expired' })
  })

  test('a challenge for adding a passkey', async () => {
    const person = await owner()
    const { sealed, options } = await passkeys().own.offer(person.user, HERE)
    const credential = person.authenticator.get({ ...options, rpId: 'keywright.test' })
    const sent = { challenge: sealed, credential, boundTo: HERE, ip: freshIp() }
    expect(await passkeys().signIn.prove(sent)).toEqual({ outcome: 'expired' })
  })

  test.each(['', 'x', '{', 'null', '[]', '{}', `{"id":"${'A'.repeat(60_000)}"}`, `${'['.repeat(30_000)}`])(
    'what is no response of an authenticator: %.20s',
    async (credential) => {
      const sent = { ...attempt(createSoftwareAuthenticator(ISSUER)), credential }
      expect(await passkeys().signIn.prove(sent)).toEqual({ outcome: 'malformed' })
    },
  )

  test.each(['clientDataJSON', 'authenticatorData', 'signature'])('a response whose %s is damaged', async (member) => {
    const { authenticator } = await owner()
    for (const damaged of ['AAAA', Buffer.from('null').toString('base64url')]) {
      const sent = attempt(authenticator)
      const json = JSON.parse(sent.credential)
      json.response[member] = damaged
      expect(await passkeys().signIn.prove({ ...sent, credential: JSON.stringify(json) })).toEqual(REFUSED)
    }
  })

  test('every attempt of a network that has none left', async () => {
    const { authenticator } = await owner()
    const ip = freshIp()
    await passkeys().signIn.prove({ ...attempt(createSoftwareAuthenticator(ISSUER)), ip })
    // The one attempt is made the last that the network has for an hour.
    const used = on.knex('sign_in_limits').where({ key: networkBudget(ip).key })
    expect(await used.update({ arrival_at: on.knex.raw(`arrival_at + interval '1 hour'`) })).toBe(1)
    const slowed = await passkeys().signIn.prove({ ...attempt(authenticator), ip })
    expect(slowed).toMatchObject({ outcome: 'slow_down' })
    const elsewhere = await signIn(authenticator)
    expect(elsewhere).toMatchObject({ outcome: 'signed_in' })
    // Others in the network cannot lock the user out of a browser in which they have signed in before.
    const browser = 'browser' in elsewhere ? elsewhere.browser : ''
    const known = () => passkeys().signIn.prove({ ...attempt(authenticator), ip, browser })
    expect(await known()).toMatchObject({ outcome: 'signed_in' })
    const stranger = await owner()
    const other = { ...attempt(stranger.authenticator), ip, browser }
    expect(await passkeys().signIn.prove(other)).toMatchObject({ outcome: 'slow_down' })
  })

  test.each([
    ['from one network, while the user signs in from another one', passkeyBudget],
    ['from all networks, while the user signs in in a known browser', passkeyEverywhereBudget],
  ])('every attempt with a passkey that has none left %s', async (_, budgetFor) => {
    const person = await owner()
    const { authenticator } = person
    const first = await signIn(authenticator)
    const browser = 'browser' in first ? first.browser : ''
    const ip = freshIp()
    const wrong = () => ({ ...attempt(authenticator, { origin: 'https://evil.example' }), ip })
    expect(await passkeys().signIn.prove(wrong())).toEqual(REFUSED)
    await useUp(budgetFor(person.user.id, ip))
    for (let n = 0; n < 2; n++) expect(await passkeys().signIn.prove(wrong())).toMatchObject({ outcome: 'slow_down' })
    const slowed = await on.knex('audit_log').where({ target_id: person.user.id, action: 'user.sign_in_slowed' })
    expect(slowed.map(({ detail }) => detail)).toEqual([{ passkey: expect.any(String) }])
    const known = { ...attempt(authenticator), ip, browser }
    expect(await passkeys().signIn.prove(known)).toMatchObject({ outcome: 'signed_in' })
    const elsewhere = budgetFor === passkeyBudget ? 'signed_in' : 'slow_down'
    expect(await signIn(authenticator)).toMatchObject({ outcome: elsewhere })
  })

  test('every attempt with an unknown passkey that has none left, as with a known one', async () => {
    const authenticator = createSoftwareAuthenticator(ISSUER)
    expect(await signIn(authenticator)).toEqual(REFUSED)
    await useUp(passkeyEverywhereBudget(authenticator.credentialId.toString('base64url')))
    expect(await signIn(authenticator)).toMatchObject({ outcome: 'slow_down' })
  })

  test('every attempt of a known browser that has none left', async () => {
    const { authenticator, user } = await owner()
    const first = await signIn(authenticator)
    const browser = 'browser' in first ? first.browser : ''
    const wrong = { origin: 'https://evil.example' }
    expect(await passkeys().signIn.prove({ ...attempt(authenticator, wrong), browser })).toEqual(REFUSED)
    const budgets = [browser.slice(0, browser.lastIndexOf('.')), user.id].map(browserBudget)
    const used = on.knex('sign_in_limits').whereIn(
      'key',
      budgets.map(({ key }) => key),
    )
    expect(await used.update({ arrival_at: on.knex.raw(`arrival_at + interval '1 hour'`) })).toBe(1)
    const slowed = await passkeys().signIn.prove({ ...attempt(authenticator), browser })
    expect(slowed).toMatchObject({ outcome: 'slow_down' })
  })
})

describe('after the password', () => {
  const stepWith = async (person: Person, authenticator: SoftwareAuthenticator, deviation: Deviation = {}) => ({
    ...attempt(authenticator, deviation),
    ticket: await on.ticketOf(person),
  })
  const wrong = { origin: 'https://evil.example' }
  const choices = { app: false, passkey: true }

  test('a refused passkey names what else proves the second factor, and is recorded as one', async () => {
    const person = await owner()
    const unknown = createSoftwareAuthenticator(ISSUER)
    const sent = [await stepWith(person, person.authenticator, wrong), await stepWith(person, unknown)]
    for (const one of sent) expect(await passkeys().signIn.prove(one)).toEqual({ outcome: 'refused', choices })
    const nothing = { ...sent[0]!, credential: '{' }
    expect(await passkeys().signIn.prove(nothing)).toEqual({ outcome: 'malformed', choices })
    const events = await on
      .knex('audit_log')
      .where({ target_id: person.user.id, action: 'user.second_factor_refused' })
      .orderBy('at')
    expect(events.map(({ detail }) => detail)).toEqual([
      { factor: 'passkey', passkey: expect.any(String), reason: 'invalid' },
      { factor: 'passkey' },
    ])
    expect(await refusalsOf(person)).toEqual([])
  })

  test('attempts have a limit that strangers do not use up, and that is recorded once', async () => {
    const person = await owner()
    const sent = await stepWith(person, person.authenticator, wrong)
    const { ip } = sent
    await passkeys().signIn.prove({ ...attempt(person.authenticator, wrong), ip })
    for (const budget of [networkBudget(ip), passkeyBudget(person.user.id, ip)]) await useUp(budget)
    expect(await passkeys().signIn.prove(sent)).toEqual({ outcome: 'refused', choices })
    await useUp(passkeyStepBudget(person.user.id, ip))
    const again = async () => ({ ...(await stepWith(person, person.authenticator)), ip })
    for (let n = 0; n < 2; n++)
      expect(await passkeys().signIn.prove(await again())).toMatchObject({ outcome: 'slow_down', choices })
    const slowed = await on.knex('audit_log').where({ target_id: person.user.id, action: 'user.second_factor_slowed' })
    expect(slowed.map(({ detail }) => detail.factor)).toEqual(['passkey'])
  })

  test('the ticket of one user gives no further attempts with the passkey of another one', async () => {
    const [person, other] = [await owner(), await owner()]
    const sent = await stepWith(person, other.authenticator, wrong)
    expect(await passkeys().signIn.prove(sent)).toEqual({ outcome: 'refused', choices })
    expect(await refusalsOf(other)).toEqual(['invalid'])
    await useUp(passkeyBudget(other.user.id, sent.ip))
    const again = { ...(await stepWith(person, other.authenticator)), ip: sent.ip }
    expect(await passkeys().signIn.prove(again)).toMatchObject({ outcome: 'slow_down' })
  })

  test('a ticket that has expired or was never one changes nothing', async () => {
    const { authenticator } = await owner()
    expect(await passkeys().signIn.prove({ ...attempt(authenticator, wrong), ticket: 'x' })).toEqual(REFUSED)
    const result = await passkeys().signIn.prove({ ...attempt(authenticator), ticket: 'x' })
    expect(result).toMatchObject({ outcome: 'signed_in', amr: ['hwk', 'user', 'mfa'] })
  })
})

describe('of two requests', () => {
  test('with one response at two nodes, one signs in, also without a counter', async () => {
    const { authenticator } = await owner({ hasCounter: false })
    const [here, there] = [passkeys(), on.node().factors.passkeys!]
    const sent = attempt(authenticator)
    const results = await Promise.all([here, there, here, there].map(({ signIn }) => signIn.prove(sent)))
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['expired', 'expired', 'expired', 'signed_in'])
  })

  test('with one counter and two challenges, one signs in', async () => {
    const { authenticator } = await owner()
    const sent = [attempt(authenticator, { counter: 9 }), attempt(authenticator, { counter: 9 })]
    const results = await Promise.all(sent.map((one) => passkeys().signIn.prove(one)))
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['refused', 'signed_in'])
  })

  test('that add one credential, one adds it', async () => {
    const [one, other] = [await on.person(), await on.person()]
    const authenticator = createSoftwareAuthenticator(ISSUER)
    expect(await add(one, authenticator)).toMatchObject({ outcome: 'added' })
    for (const person of [one, other])
      await expect(add(person, authenticator)).rejects.toMatchObject({ code: 'conflict' })
    expect(await on.knex('passkeys').where({ user_id: other.user.id })).toEqual([])
    expect(await on.knex('recovery_codes').where({ user_id: other.user.id })).toEqual([])
  })
})

describe('refused when a passkey is added is', () => {
  test.each<[string, Deviation]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['another RP ID', { rpId: 'evil.example' }],
    ['another challenge', { challenge: Buffer.alloc(32).toString('base64url') }],
    ['a user who was not verified', { isUserVerified: false }],
    ['a response to a sign-in', { type: 'webauthn.get' }],
    ['a page in a frame of another site', { isFramed: true }],
  ])('%s', async (_, deviation) => {
    const person = await on.person()
    expect(await add(person, createSoftwareAuthenticator(ISSUER), deviation)).toEqual(REFUSED)
    expect(await on.knex('passkeys').where({ user_id: person.user.id })).toEqual([])
  })

  test('a response of another browser, for another user, or sent a second time', async () => {
    const [person, other] = [await on.person(), await on.person()]
    const { sealed, options } = await passkeys().own.offer(person.user, HERE)
    const credential = createSoftwareAuthenticator(ISSUER).create(options)
    const sent = { challenge: sealed, credential, name: '', boundTo: HERE }
    const addFor = ({ user }: Person, more = {}) =>
      passkeys().own.add(user, { ...sent, ...more }, { type: 'user', id: user.id })
    expect(await addFor(person, { boundTo: 'browser-2' })).toEqual({ outcome: 'expired' })
    expect(await addFor(other)).toEqual({ outcome: 'expired' })
    expect(await addFor(person)).toMatchObject({ outcome: 'added' })
    expect(await addFor(person)).toEqual({ outcome: 'expired' })
    expect(await on.knex('passkeys').where({ user_id: person.user.id }).pluck('name')).toEqual(['Passkey'])
  })

  test('a response of a session that has ended since it was read', async () => {
    const person = await on.person()
    await revokeSessionsOfUser(on.knex, person.user.id)
    expect(await add(person, createSoftwareAuthenticator(ISSUER))).toEqual({ outcome: 'expired' })
    expect(await on.knex('passkeys').where({ user_id: person.user.id })).toEqual([])
  })

  test.each<[string, Map<string, unknown>]>([
    [
      'a certificate',
      new Map<string, unknown>([
        ['fmt', 'packed'],
        ['attStmt', new Map([['x5c', Buffer.alloc(9)]])],
      ]),
    ],
    [
      'another format',
      new Map<string, unknown>([
        ['fmt', 'tpm'],
        ['attStmt', new Map()],
      ]),
    ],
  ])('an attestation with %s, which the library might fetch addresses for', async (_, attestation) => {
    const person = await on.person()
    const { sealed, options } = await passkeys().own.offer(person.user, HERE)
    const credential = createSoftwareAuthenticator(ISSUER).create(options, {}, attestation)
    const sent = { challenge: sealed, credential, name: '', boundTo: HERE }
    expect(await passkeys().own.add(person.user, sent, { type: 'user', id: person.user.id })).toEqual(REFUSED)
    expect(on.logLines().at(-1)).toMatchObject({ detail: 'the attestation was not requested' })
  })

  test.each([
    ['no credential ID', { idLength: 0 }],
    ['a credential ID longer than 1023 bytes', { idLength: 1024 }],
    ['a public key longer than 4096 bytes', { keyPadding: 4096 }],
  ])('a passkey with %s', async (_, kind) => {
    const person = await on.person()
    const id = { credentialId: 'AAAA' }
    expect(await add(person, createSoftwareAuthenticator(ISSUER, kind), id)).toEqual(REFUSED)
  })

  test.each(['\0', '\ud800', 'usb,nfc', ''])('a transport that no browser names: %j', async (transport) => {
    const person = await on.person()
    const { sealed, options } = await passkeys().own.offer(person.user, HERE)
    const json = JSON.parse(createSoftwareAuthenticator(ISSUER).create(options))
    json.response.transports = ['usb', transport]
    const sent = { challenge: sealed, credential: JSON.stringify(json), name: '', boundTo: HERE }
    expect(await passkeys().own.add(person.user, sent, { type: 'user', id: person.user.id })).toEqual(REFUSED)
  })

  test('a name that is too long, and what is no response of an authenticator', async () => {
    const person = await on.person()
    const named = await add(person, createSoftwareAuthenticator(ISSUER), { name: 'x'.repeat(61) })
    expect(named.outcome).toBe('wrong_name')
    for (const credential of ['', '{}', `${'['.repeat(30_000)}`]) {
      const { sealed } = await passkeys().own.offer(person.user, HERE)
      const sent = { challenge: sealed, credential, name: '', boundTo: HERE }
      expect(await passkeys().own.add(person.user, sent, { type: 'user', id: person.user.id })).toEqual(REFUSED)
    }
  })
})

test('used challenges are deleted when nobody can use them again, and requests that sign nobody in store none', async () => {
  const { authenticator } = await owner()
  await signIn(authenticator)
  const before = await on.knex('used_passkey_challenges')
  expect(before.length).toBeGreaterThan(0)
  await signIn(createSoftwareAuthenticator(ISSUER))
  await signIn(authenticator, { origin: 'https://evil.example' })
  expect(await on.knex('used_passkey_challenges')).toHaveLength(before.length)
  await on.knex('used_passkey_challenges').update({ expires_at: on.knex.raw(`now() - interval '2 hours'`) })
  expect(await deleteExpiredChallenges(on.knex, 1000)).toBe(before.length)
})

test('the options of a sign-in name no credential, so they say nothing about who has one', () => {
  const { options } = passkeys().request(HERE)
  expect(options).toEqual({
    challenge: expect.any(String),
    rpId: 'keywright.test',
    userVerification: 'required',
    timeout: 300_000,
  })
})

test.each([
  ['https://auth.example.com/tenant', { id: 'auth.example.com', origin: 'https://auth.example.com' }],
  ['https://auth.example.com:8443', { id: 'auth.example.com', origin: 'https://auth.example.com:8443' }],
  ['http://localhost:3000', { id: 'localhost', origin: 'http://localhost:3000' }],
  ['http://127.0.0.1:3000', undefined],
  ['https://192.0.2.1', undefined],
  ['https://[2001:db8::1]', undefined],
  ['http://auth.example.com', undefined],
])('the relying party of %s is its host with its origin, if browsers accept them', (issuer, expected) => {
  expect(relyingPartyOf(issuer)).toEqual(expected)
})
