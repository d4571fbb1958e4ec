/** A passkey as the first factor of a user, during a sign-in that requires a second factor. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshIp, type Person } from '../accounts/user-fixtures.ts'
import { createSoftwareAuthenticator, type Deviation } from '../support/software-authenticator.ts'
import { gatherPeopleWithFactors, ISSUER, type PeopleWithFactors } from './factor-fixtures.ts'

const HERE = 'browser-1'
const EXPIRED = { outcome: 'expired' }
const CHALLENGE_EXPIRED = { outcome: 'challenge_expired' }

let on: PeopleWithFactors

beforeAll(async () => {
  on = await gatherPeopleWithFactors()
})
afterAll(() => on?.stop())

const setUp = () => on.factors.passkeys!.setUp

async function begin(person: Person) {
  const ticket = await on.ticketOf(person, { demandsSecondFactor: true })
  const offer = (await setUp().offerFor(ticket, HERE))!
  return { ticket, ...offer }
}

function attemptFor(
  { ticket, sealed, options }: Awaited<ReturnType<typeof begin>>,
  authenticator = createSoftwareAuthenticator(ISSUER),
  deviation: Deviation = {},
) {
  const credential = authenticator.create(options, deviation)
  return { ticket, challenge: sealed, credential, boundTo: HERE, ip: freshIp() }
}

const passkeysOf = ({ user }: Person) => on.knex('passkeys').where({ user_id: user.id }).pluck('name')

test.each([
  ['hwk', false],
  ['swk', true],
])('a user sets up a passkey, gets recovery codes, and finishes with the password and %s', async (method, synced) => {
  const person = await on.person()
  const added = await setUp().confirm(attemptFor(await begin(person), createSoftwareAuthenticator(ISSUER, { synced })))
  expect(added).toMatchObject({ outcome: 'added', codes: { length: 10 } })
  const finished = await on.factors.setUp.finish('ticket' in added ? added.ticket : '')
  expect(finished!.step).toMatchObject({ outcome: 'signed_in', amr: ['pwd', method, 'user', 'mfa'] })
  expect(await passkeysOf(person)).toEqual(['Passkey'])
  expect(await on.actionsOn(person.user.id)).toContain('user.factor_added')
})

test('a password alone adds no passkey to a user who has a factor meanwhile', async () => {
  const person = await on.person()
  const [first, second] = [await begin(person), await begin(person)]
  expect(await setUp().confirm(attemptFor(first))).toMatchObject({ outcome: 'added' })
  expect(await setUp().confirm(attemptFor(second))).toEqual(EXPIRED)
  expect(await setUp().confirm(attemptFor({ ...second, ticket: await on.ticketOf(person) }))).toEqual(EXPIRED)
  const other = await on.person()
  const late = await begin(other)
  await on.addApp(other)
  expect(await setUp().confirm(attemptFor(late))).toEqual(EXPIRED)
  expect([await passkeysOf(person), await passkeysOf(other)]).toEqual([['Passkey'], []])
})

test('a challenge of another browser, another user or an expired page adds nothing, and the sign-in goes on', async () => {
  const [person, other] = [await on.person(), await on.person()]
  const asked = await begin(person)
  expect(await setUp().confirm({ ...attemptFor(asked), boundTo: 'browser-2' })).toEqual(CHALLENGE_EXPIRED)
  const stolen = { ...attemptFor(await begin(other)), ticket: asked.ticket }
  expect(await setUp().confirm(stolen)).toEqual(CHALLENGE_EXPIRED)
  on.pass(11 * 60_000)
  expect(await setUp().confirm(attemptFor(asked))).toEqual(CHALLENGE_EXPIRED)
  const again = { ticket: asked.ticket, ...(await setUp().offerFor(asked.ticket, HERE))! }
  expect(await setUp().confirm(attemptFor(again))).toMatchObject({ outcome: 'added' })
  expect(await passkeysOf(other)).toEqual([])
})

test('a response that is wrong is refused, and one without a ticket is expired', async () => {
  const person = await on.person()
  const asked = await begin(person)
  const wrong = attemptFor(asked, undefined, { origin: 'https://evil.example' })
  expect(await setUp().confirm(wrong)).toEqual({ outcome: 'refused' })
  expect(await setUp().confirm({ ...attemptFor(asked), credential: '{}' })).toEqual({ outcome: 'refused' })
  expect(await setUp().confirm({ ...attemptFor(asked), ticket: '' })).toEqual(EXPIRED)
  expect(await setUp().offerFor('no ticket', HERE)).toBeUndefined()
  expect(await passkeysOf(person)).toEqual([])
})

test('of two requests with one response at two nodes, one adds the passkey', async () => {
  const person = await on.person()
  const sent = attemptFor(await begin(person))
  const nodes = [setUp(), on.node().factors.passkeys!.setUp]
  const results = await Promise.all(nodes.map((one) => one.confirm(sent)))
  expect(results.map(({ outcome }) => outcome).sort()).toEqual(['added', 'expired'])
  expect(await passkeysOf(person)).toHaveLength(1)
})
