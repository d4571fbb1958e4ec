import { afterAll, beforeAll, expect, test } from 'vitest'
import { addVerification, requestVerification } from '../../src/accounts/email-verification.ts'
import { createPasswordLinks } from '../../src/accounts/password-links.ts'
import { resetPassword, saveProfile } from '../../src/accounts/user-administration.ts'
import { createLinkTokens } from '../../src/mail/link-tokens.ts'
import { createLink } from '../../src/mail/mail-links.ts'
import { endEarlierCredentials } from '../../src/management/earlier-credentials.ts'
import { sendVerification } from '../../src/management/email-verification-operations.ts'
import { createVerificationLinks } from '../../src/management/mailbox-proofs.ts'
import { commandLinePrincipal } from '../../src/management/principal.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { statementsDuring } from '../support/statements.ts'
import { freshIp, gatherPeople, PASSWORD, type People, type Person } from './user-fixtures.ts'

const ACTOR = { type: 'system', id: 'tests' } as const
const MAIL = { from: 'auth@example.com', server: null, encryption: 'none', hasDkim: false } as const

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})
afterAll(() => on?.stop())

const from = () => ({ ip: freshIp() })

const fromPage = () => ({ ...from(), language: 'fr' }) as const

const links = () => createVerificationLinks(on.knex, on.keys)

const tokenOf = (linkId: string): string => createLinkTokens(on.keys).tokenOf(linkId)

async function sendTo({ user }: Person): Promise<string> {
  await addVerification(on.knex, user.id, ACTOR)
  const [message] = await on.knex('mail_messages').where({ user_id: user.id }).orderBy('created_at', 'desc')
  expect(message).toMatchObject({ kind: 'email_verification', recipient: user.email })
  return tokenOf(message.link_id)
}

async function personWithToken() {
  const person = await on.person()
  return { ...person, token: await sendTo(person) }
}

const isVerified = async ({ user }: Person): Promise<boolean> => (await on.row(user.id)).email_verified

const over = { code: 'conflict' }

test('a link verifies the address of the user who is signed in, and neither signs in nor signs out', async () => {
  const person = await personWithToken()
  expect(await links().open(person.token)).toEqual({
    email: person.user.email,
    userId: person.user.id,
    isEnough: false,
  })
  const verified = await links().verify(person.token, person.user.id, from())
  expect(verified).toMatchObject({ emailVerified: true, sessionsValidFrom: person.user.sessionsValidFrom })
  expect(await on.actionsOn(person.user.id)).toEqual(['user.verification_sent', 'user.email_verified'])
})

test('opening a link changes nothing, however often', async () => {
  const person = await personWithToken()
  const state = async () => [
    await on.row(person.user.id),
    await on.knex('mail_links').where({ user_id: person.user.id }),
  ]
  const before = await state()
  for (let n = 0; n < 3; n++) expect(await links().open(person.token)).toBeDefined()
  expect(await state()).toEqual(before)
})

test('a link works once, however many use it at the same moment', async () => {
  const person = await personWithToken()
  const results = await Promise.allSettled(
    Array.from({ length: 6 }, () => links().verify(person.token, person.user.id, from())),
  )
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await links().open(person.token)).toBeUndefined()
  expect((await on.actionsOn(person.user.id)).filter((action) => action === 'user.email_verified')).toHaveLength(1)
})

test('a link is over when it expires, after another address, and while the user is disabled', async () => {
  const expired = await personWithToken()
  await on.knex('mail_links').where({ user_id: expired.user.id }).update({ expires_at: on.knex.fn.now() })
  const moved = await personWithToken()
  await saveProfile(on.knex, moved.user.id, { email: on.nextEmail() }, ACTOR)
  const disabled = await personWithToken()
  await changeUserStatus(on.knex, disabled.user.id, 'disabled', ACTOR)
  for (const person of [expired, moved, disabled]) {
    expect(await links().open(person.token)).toBeUndefined()
    await expect(links().verify(person.token, person.user.id, from())).rejects.toMatchObject(over)
    expect(await isVerified(person)).toBe(false)
  }
})

test('a new password leaves the link as it is', async () => {
  const person = await personWithToken()
  await resetPassword(on.knex, person.user.id, ACTOR)
  await links().verify(person.token, person.user.id, from())
  expect(await isVerified(person)).toBe(true)
})

test('the link of one purpose does nothing for another one', async () => {
  const person = await personWithToken()
  const passwords = createPasswordLinks(on.knex, on.keys, endEarlierCredentials)
  expect(await passwords.open(person.token)).toBeUndefined()
  await expect(passwords.choosePassword(person.token, PASSWORD, from())).rejects.toMatchObject(over)
  const { id: userId, email } = person.user
  for (const purpose of ['password_reset', 'invitation', 'email_change'] as const) {
    const token = tokenOf(await createLink(on.knex, { purpose, userId, email }))
    expect(await links().open(token)).toBeUndefined()
    await expect(links().verify(token, userId, from())).rejects.toMatchObject(over)
  }
  expect(await isVerified(person)).toBe(false)
})

test('a token that nobody issued is refused without a question to the database', async () => {
  const { token } = await personWithToken()
  const forged = token.slice(0, -1) + (token.endsWith('0') ? '1' : '0')
  const statements = await statementsDuring(async () => {
    for (const one of [forged, '', 'kwl_', `${token}x`]) expect(await links().open(one)).toBeUndefined()
  })
  expect(statements).toEqual([])
})

test('nobody gets a link for a verified address, or while disabled', async () => {
  const verified = await on.person()
  await saveProfile(on.knex, verified.user.id, { emailVerified: true }, ACTOR)
  const disabled = await on.person()
  await changeUserStatus(on.knex, disabled.user.id, 'disabled', ACTOR)
  for (const { user } of [verified, disabled]) {
    await expect(addVerification(on.knex, user.id, ACTOR)).rejects.toMatchObject({ code: 'conflict' })
    expect(await on.knex('mail_messages').where({ user_id: user.id })).toEqual([])
  }
})

test('a message that the user requests has the language of the page, and one that an operator requests does not', async () => {
  const [own, byOperator] = [await on.person(), await on.person()]
  await requestVerification(on.knex, own.user.id, fromPage())
  await sendTo(byOperator)
  const languageTo = ({ user }: Person) => on.knex('mail_messages').where({ user_id: user.id }).pluck('language')
  expect([await languageTo(own), await languageTo(byOperator)]).toEqual([['fr'], ['en']])
})

test('an address has a budget of links, and so has a network', async () => {
  const { user } = await on.person()
  const waits: unknown[] = []
  for (let n = 0; n < 6; n++) waits.push(await requestVerification(on.knex, user.id, fromPage()))
  expect(waits).toEqual([...Array(5).fill(undefined), expect.any(Number)])
  const management = { knex: on.knex, encryptionKeys: on.keys, mail: MAIL }
  const byOperator = sendVerification(management, commandLinePrincipal('root'), { userId: user.id })
  await expect(byOperator).rejects.toMatchObject({ code: 'rate_limited' })
  const ip = freshIp()
  const people = await Promise.all(Array.from({ length: 8 }, () => on.person()))
  const ofNetwork: unknown[] = []
  for (let n = 0; n < 40; n++)
    ofNetwork.push(await requestVerification(on.knex, people[n % 8]!.user.id, { ip, language: 'en' }))
  expect(ofNetwork.filter((wait) => wait === undefined).length).toBeGreaterThanOrEqual(30)
  expect(ofNetwork.at(-1)).toBeGreaterThan(0)
})

test('an operator sends a link from the command line; an instance without e-mail sends none', async () => {
  const { user } = await on.person()
  const management = { knex: on.knex, encryptionKeys: on.keys }
  const principal = commandLinePrincipal('root')
  await expect(sendVerification(management, principal, { userId: user.id })).rejects.toMatchObject({
    code: 'invalid_input',
  })
  await sendVerification({ ...management, mail: MAIL }, principal, { userId: user.id })
  expect(await on.actionsOn(user.id)).toEqual(['user.verification_sent'])
})
