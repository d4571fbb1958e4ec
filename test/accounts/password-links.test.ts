import { afterAll, beforeAll, expect, test } from 'vitest'
import { savePassword } from '../../src/accounts/credentials.ts'
import { createPasswordLinks } from '../../src/accounts/password-links.ts'
import { processResetRequests, requestPasswordReset } from '../../src/accounts/password-reset-requests.ts'
import { hashPassword } from '../../src/accounts/passwords.ts'
import { invitationBudget, takeAttempt } from '../../src/accounts/sign-in-limits.ts'
import { addUserWithoutPassword, resetPassword, saveProfile } from '../../src/accounts/user-administration.ts'
import { createUserWithoutPassword } from '../../src/accounts/users.ts'
import { createLinkTokens } from '../../src/mail/link-tokens.ts'
import { createLink, renewLink } from '../../src/mail/mail-links.ts'
import { endEarlierCredentials } from '../../src/management/earlier-credentials.ts'
import { changeUserStatus, withdrawPassword } from '../../src/management/user-changes.ts'
import { newId } from '../../src/shared/ids.ts'
import { statementsDuring } from '../support/statements.ts'
import { attemptOf, freshIp, gatherPeople, OTHER_PASSWORD, PASSWORD, type People } from './user-fixtures.ts'

const ACTOR = { type: 'system', id: 'tests' } as const

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})
afterAll(() => on?.stop())

const from = () => ({ ip: freshIp() })

const request = (email: string, ip = freshIp()) => requestPasswordReset(on.knex, email, { ip, language: 'en' })

/** The messages to a user that the job made of all requests. */
async function messagesTo(userId: string) {
  while ((await processResetRequests(on.knex, 10)) > 0);
  return await on.knex('mail_messages').where({ user_id: userId }).orderBy('created_at')
}

const tokenOf = (linkId: string): string => createLinkTokens(on.keys).tokenOf(linkId)

const links = () => createPasswordLinks(on.knex, on.keys, endEarlierCredentials)

async function personWithToken() {
  const person = await on.person()
  await request(person.user.email)
  const [message] = await messagesTo(person.user.id)
  return { ...person, token: tokenOf(message!.link_id) }
}

const over = { code: 'conflict' }

test('a message has the language of its user, else that of the page that requested it', async () => {
  const [any, arabic] = [await on.person(), await on.person()]
  await on.knex('users').where({ id: arabic.user.id }).update({ language: 'ar' })
  for (const { user } of [any, arabic]) await requestPasswordReset(on.knex, user.email, { ...from(), language: 'pt' })
  expect(await messagesTo(any.user.id)).toMatchObject([{ language: 'pt' }])
  expect(await messagesTo(arabic.user.id)).toMatchObject([{ language: 'ar' }])
})

test('a link gives a new password, ends all sessions, and verifies the address', async () => {
  const { user, token } = await personWithToken()
  expect(await links().open(token)).toEqual({
    email: user.email,
    purpose: 'password_reset',
    mustJoin: false,
    endsEarlier: true,
  })
  const changed = await links().choosePassword(token, OTHER_PASSWORD, from())
  expect(changed).toMatchObject({ id: user.id, emailVerified: true })
  expect(Number(changed.sessionsValidFrom)).toBeGreaterThan(Number(user.sessionsValidFrom))
  expect(await on.signIn.attempt(attemptOf(user.email, PASSWORD))).toEqual({ outcome: 'refused' })
  expect(await on.signIn.attempt(attemptOf(user.email, OTHER_PASSWORD))).toMatchObject({ outcome: 'signed_in' })
  expect(await on.actionsOn(user.id)).toEqual(
    expect.arrayContaining(['user.password_reset_requested', 'user.password_changed']),
  )
})

test('opening a link changes nothing, however often', async () => {
  const { user, token } = await personWithToken()
  const before = [await on.row(user.id), await on.knex('mail_links').where({ user_id: user.id })]
  for (let n = 0; n < 3; n++) expect(await links().open(token)).toBeDefined()
  expect([await on.row(user.id), await on.knex('mail_links').where({ user_id: user.id })]).toEqual(before)
})

test('a link works once, however many use it at the same moment', async () => {
  const { user, token } = await personWithToken()
  const passwords = Array.from({ length: 6 }, (_, n) => `plum orbit canvas ${n}x`)
  const results = await Promise.allSettled(passwords.map((one) => links().choosePassword(token, one, from())))
  const won = results.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []))
  expect(won).toHaveLength(1)
  const result = await on.signIn.attempt(attemptOf(user.email, passwords[won[0]!]!))
  expect(result).toMatchObject({ outcome: 'signed_in' })
  expect(await links().open(token)).toBeUndefined()
  await expect(links().choosePassword(token, OTHER_PASSWORD, from())).rejects.toMatchObject(over)
})

test('a weak password is refused, and leaves the link as it is', async () => {
  const { token } = await personWithToken()
  await expect(links().choosePassword(token, 'password1234', from())).rejects.toMatchObject({ code: 'invalid_input' })
  expect(await links().open(token)).toBeDefined()
})

test('every link is over when it expires, after another password, another address, and while the user is disabled', async () => {
  const expired = await personWithToken()
  await on.knex('mail_links').where({ user_id: expired.user.id }).update({ expires_at: on.knex.fn.now() })
  const changed = await personWithToken()
  await resetPassword(on.knex, changed.user.id, ACTOR)
  const moved = await personWithToken()
  await saveProfile(on.knex, moved.user.id, { email: on.nextEmail() }, ACTOR)
  const disabled = await personWithToken()
  await changeUserStatus(on.knex, disabled.user.id, 'disabled', ACTOR)
  for (const { token } of [expired, changed, moved, disabled]) {
    expect(await links().open(token)).toBeUndefined()
    await expect(links().choosePassword(token, OTHER_PASSWORD, from())).rejects.toMatchObject(over)
  }
})

test('a token that nobody issued is refused without a question to the database', async () => {
  const { token } = await personWithToken()
  const forged = token.slice(0, -1) + (token.endsWith('0') ? '1' : '0')
  const statements = await statementsDuring(async () => {
    for (const one of [forged, '', 'kwl_', `${token}x`]) expect(await links().open(one)).toBeUndefined()
  })
  expect(statements).toEqual([])
})

test('a request runs the same statements for a known, an unknown and a disabled address', async () => {
  const { user } = await on.person()
  const disabled = await on.person()
  await changeUserStatus(on.knex, disabled.user.id, 'disabled', ACTOR)
  const statementsFor = (email: string) => statementsDuring(async () => expect(await request(email)).toBeUndefined())
  const known = await statementsFor(user.email)
  expect(known.length).toBeGreaterThan(0)
  expect(await statementsFor('nobody@example.com')).toEqual(known)
  expect(await statementsFor(disabled.user.email)).toEqual(known)
  // Neither does the language depend on the user: the job looks for it.
  const arabic = await on.person()
  await on.knex('users').where({ id: arabic.user.id }).update({ language: 'ar' })
  expect(await statementsFor(arabic.user.email)).toEqual(known)
  expect(await on.knex('password_reset_requests').distinct('language')).toEqual([{ language: 'en' }])
  expect(known.join()).not.toContain('users')
})

test('only users who may sign in receive a link; of a request for another address nothing remains', async () => {
  const disabled = await on.person()
  await changeUserStatus(on.knex, disabled.user.id, 'disabled', ACTOR)
  const withdrawn = await on.person()
  await withdrawPassword(on.knex, withdrawn.user.id, ACTOR)
  for (const email of [disabled.user.email, withdrawn.user.email, 'nobody@example.com']) await request(email)
  expect(await messagesTo(disabled.user.id)).toEqual([])
  expect(await messagesTo(withdrawn.user.id)).toEqual([])
  expect(await on.knex('mail_messages').where({ recipient: 'nobody@example.com' })).toEqual([])
  expect(await on.knex('password_reset_requests')).toEqual([])
})

test('a program that manages users gets no way to sign in: not by a new user, and not by a new address', async () => {
  const program = { type: 'client', id: 'kwc_sync' } as const
  const made = await addUserWithoutPassword(
    on.knex,
    { email: on.nextEmail(), role: 'admin', accountId: on.accountId },
    program,
  )
  await request(made.email)
  expect(await messagesTo(made.id)).toEqual([])
  const { user, token } = await personWithToken()
  const moved = await saveProfile(on.knex, user.id, { email: on.nextEmail(), emailVerified: true }, program)
  await request(moved.email)
  expect(await messagesTo(user.id)).toHaveLength(1)
  expect(await links().open(token)).toBeUndefined()
  const corrected = await saveProfile(on.knex, user.id, { email: on.nextEmail() }, { type: 'cli' })
  await request(corrected.email)
  expect(await messagesTo(user.id)).toHaveLength(2)
})

test('the address is found however it is written, and the message goes to the stored one', async () => {
  const { user } = await on.person()
  await request(` ${user.email.toUpperCase()} `)
  expect(await messagesTo(user.id)).toMatchObject([{ recipient: user.email, kind: 'password_reset' }])
})

test('an address has a budget, whether or not a user has it, and so has a network', async () => {
  const { user } = await on.person()
  for (const email of [user.email, 'stranger@example.com']) {
    for (let n = 0; n < 5; n++) expect(await request(email)).toBeUndefined()
    expect(await request(email)).toBeGreaterThan(0)
  }
  const ip = freshIp()
  const waits: unknown[] = []
  for (let n = 0; n < 40; n++) waits.push(await request(`n${n}@example.com`, ip))
  expect(waits.filter((wait) => wait === undefined).length).toBeGreaterThanOrEqual(30)
  expect(waits.at(-1)).toBeGreaterThan(0)
})

test('an invited user chooses a first password by a link', async () => {
  const email = on.nextEmail()
  const user = await createUserWithoutPassword(on.knex, { email, role: 'member', accountId: on.accountId })
  const token = tokenOf(await createLink(on.knex, { purpose: 'invitation', userId: user.id, email }))
  expect(await links().open(token)).toEqual({
    email,
    purpose: 'invitation',
    mustJoin: false,
    endsEarlier: true,
  })
  await links().choosePassword(token, PASSWORD, from())
  expect(await on.signIn.attempt(attemptOf(email, PASSWORD))).toMatchObject({ outcome: 'signed_in' })
})

test('a link whose message is sent again stays ended by a new password, and otherwise gets its whole time again', async () => {
  const { user, token } = await personWithToken()
  const id = createLinkTokens(on.keys).linkIdOf(token)!
  await on
    .knex('mail_links')
    .where({ id })
    .update({ expires_at: on.knex.raw("now() - interval '1 minute'") })
  expect(await links().open(token)).toBeUndefined()
  expect(await renewLink(on.knex, id)).toBe(true)
  expect(await links().open(token)).toBeDefined()
  await savePassword(on.knex, user.id, await hashPassword(OTHER_PASSWORD))
  expect(await renewLink(on.knex, id)).toBe(false)
  expect(await links().open(token)).toBeUndefined()
})

test('what strangers request for an address leaves the invitations to it', async () => {
  const email = `${newId()}@example.com`
  for (let n = 0; n < 5; n++) expect(await request(email)).toBeUndefined()
  expect(await request(email)).toBeGreaterThan(0)
  expect(await takeAttempt(on.knex, invitationBudget(email))).toBeUndefined()
})
