import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEmailChangeLinks, requestEmailChange } from '../../src/accounts/email-changes.ts'
import { addVerification } from '../../src/accounts/email-verification.ts'
import { createPasswordLinks } from '../../src/accounts/password-links.ts'
import { processResetRequests, requestPasswordReset } from '../../src/accounts/password-reset-requests.ts'
import { revokeSessionsOfUser } from '../../src/accounts/user-access.ts'
import { saveProfile } from '../../src/accounts/user-administration.ts'
import { createLinkTokens } from '../../src/mail/link-tokens.ts'
import { endEarlierCredentials } from '../../src/management/earlier-credentials.ts'
import { createVerificationLinks } from '../../src/management/mailbox-proofs.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { normalizedEmail } from '../../src/shared/email-addresses.ts'
import { statementsDuring } from '../support/statements.ts'
import {
  attemptOf,
  freshIp,
  gatherPeople,
  OTHER_PASSWORD,
  PASSWORD,
  type People,
  type Person,
} from './user-fixtures.ts'

const ACTOR = { type: 'system', id: 'tests' } as const

let on: People

beforeAll(async () => {
  on = await gatherPeople()
})
afterAll(() => on?.stop())

const from = () => ({ ip: freshIp() })

const fromPage = () => ({ ...from(), language: 'fr' }) as const

const links = () => createEmailChangeLinks(on.knex, on.keys)

const tokenOf = (linkId: string): string => createLinkTokens(on.keys).tokenOf(linkId)

const messagesTo = (recipient: string) => on.knex('mail_messages').where({ recipient }).orderBy('created_at')

const request = ({ user }: Person, email: string) => requestEmailChange(on.knex, user.id, email, fromPage())

/** Asks for a new address; the token of the link that was sent to it. */
async function ask(person: Person, email = on.nextEmail()) {
  expect(await request(person, email)).toBeUndefined()
  const message = (await messagesTo(email)).at(-1)
  return { email, token: tokenOf(message.link_id) }
}

async function asking() {
  const person = await on.person()
  return { ...person, ...(await ask(person)) }
}

const confirm = ({ token, user }: { token: string } & Person) => links().confirm(token, user.id, from(), null)

const storedEmail = async ({ user }: Person): Promise<string> => (await on.row(user.id)).email

const over = { code: 'conflict' }

test('a confirmed link changes and verifies the address, and ends all sessions', async () => {
  const change = await asking()
  expect(await links().open(change.token, change.user.id)).toEqual({ present: change.user.email, email: change.email })
  const moved = await confirm(change)
  expect(moved).toMatchObject({ id: change.user.id, email: change.email, emailVerified: true })
  expect(Number(moved.sessionsValidFrom)).toBeGreaterThan(Number(change.user.sessionsValidFrom))
  expect(await on.signIn.attempt(attemptOf(change.user.email, PASSWORD))).toEqual({ outcome: 'refused' })
  expect(await on.signIn.attempt(attemptOf(change.email, PASSWORD))).toMatchObject({ outcome: 'signed_in' })
  const [requested, updated] = await on.knex('audit_log').where({ target_id: change.user.id }).orderBy(['at', 'id'])
  expect(requested).toMatchObject({ action: 'user.email_change_requested', actor_id: change.user.id })
  expect(JSON.parse(requested.personal)).toEqual({ email: change.email })
  expect(updated).toMatchObject({ action: 'user.updated', detail: { link: 'email_change' } })
  expect(JSON.parse(updated.personal).changes.email).toEqual({ from: change.user.email, to: change.email })
})

test('until the link is confirmed, nothing changes: the old address learns of the request, and opening does nothing', async () => {
  const person = await on.person()
  const before = await on.row(person.user.id)
  const { email, token } = await ask(person)
  for (let n = 0; n < 3; n++) expect(await links().open(token, person.user.id)).toBeDefined()
  expect(await on.row(person.user.id)).toEqual(before)
  expect(await messagesTo(email)).toMatchObject([{ kind: 'email_change' }])
  const [notice, ...more] = await messagesTo(person.user.email)
  expect(notice).toMatchObject({ kind: 'email_change_requested', link_id: null, parameters: { email } })
  expect(more).toEqual([])
})

test('a link works once, however many confirm it at the same moment', async () => {
  const change = await asking()
  const results = await Promise.allSettled(Array.from({ length: 6 }, () => confirm(change)))
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect((await on.actionsOn(change.user.id)).filter((action) => action === 'user.updated')).toHaveLength(1)
})

test('a request for an address of another user reveals nothing: the same statements, and a message to its owner', async () => {
  const owner = await on.person()
  const statementsFor = async (email: string) => {
    const person = await on.person()
    return await statementsDuring(async () => expect(await request(person, email)).toBeUndefined())
  }
  expect(await statementsFor(owner.user.email)).toEqual(await statementsFor(on.nextEmail()))
  const messages = await messagesTo(owner.user.email)
  expect(messages).toMatchObject([{ kind: 'email_change_refused', user_id: owner.user.id, link_id: null }])
  const written = owner.user.email.toUpperCase()
  await statementsFor(normalizedEmail(written)!)
  expect(await messagesTo(owner.user.email)).toHaveLength(2)
})

test('messages to the user have the language of the page, and the owner of a used address has their own or English', async () => {
  const [person, owner, german] = [await on.person(), await on.person(), await on.person()]
  await on.knex('users').where({ id: german.user.id }).update({ language: 'de' })
  const { email } = await ask(person)
  for (const address of [email, person.user.email])
    expect(await messagesTo(address)).toMatchObject([{ language: 'fr' }])
  for (const used of [owner, german]) await request(person, used.user.email)
  expect(await messagesTo(owner.user.email)).toMatchObject([{ language: 'en' }])
  expect(await messagesTo(german.user.email)).toMatchObject([{ language: 'de' }])
})

test('an address that another user got meanwhile is not taken from them', async () => {
  const change = await asking()
  const owner = await on.person()
  await saveProfile(on.knex, owner.user.id, { email: change.email.toUpperCase() }, ACTOR)
  await expect(confirm(change)).rejects.toMatchObject(over)
  expect(await storedEmail(change)).toBe(change.user.email)
})

test('a link works for its user alone', async () => {
  const change = await asking()
  const other = await on.person()
  expect(await links().open(change.token, other.user.id)).toBeUndefined()
  await expect(links().confirm(change.token, other.user.id, from(), null)).rejects.toMatchObject(over)
  expect(await storedEmail(other)).toBe(other.user.email)
})

test('a link is over after a new password, a sign-out everywhere, another address, another request, and while disabled', async () => {
  const reset = await asking()
  await on.signIn.changePassword(reset.user.id, PASSWORD, OTHER_PASSWORD, from())
  const signedOut = await asking()
  await revokeSessionsOfUser(on.knex, signedOut.user.id)
  const moved = await asking()
  await saveProfile(on.knex, moved.user.id, { email: on.nextEmail() }, ACTOR)
  const again = await asking()
  const { token: newest } = await ask(again)
  const disabled = await asking()
  await changeUserStatus(on.knex, disabled.user.id, 'disabled', ACTOR)
  const expired = await asking()
  await on.knex('mail_links').where({ user_id: expired.user.id }).update({ expires_at: on.knex.fn.now() })
  for (const change of [reset, signedOut, moved, again, disabled, expired]) {
    const before = await storedEmail(change)
    expect(await links().open(change.token, change.user.id)).toBeUndefined()
    await expect(confirm(change)).rejects.toMatchObject(over)
    expect(await storedEmail(change)).toBe(before)
  }
  expect(await links().open(newest, again.user.id)).toBeDefined()
})

test('a change ends the links that went to the old address', async () => {
  const person = await on.person()
  await requestPasswordReset(on.knex, person.user.email, fromPage())
  while ((await processResetRequests(on.knex, 10)) > 0);
  await addVerification(on.knex, person.user.id, ACTOR)
  const [reset, verification] = (await messagesTo(person.user.email)).map(({ link_id }) => tokenOf(link_id))
  await confirm({ ...person, ...(await ask(person)) })
  // Even if the user gets the old address back.
  await saveProfile(on.knex, person.user.id, { email: person.user.email }, ACTOR)
  expect(await createPasswordLinks(on.knex, on.keys, endEarlierCredentials).open(reset!)).toBeUndefined()
  expect(await createVerificationLinks(on.knex, on.keys).open(verification!)).toBeUndefined()
})

test('a user who confirms an address may receive links for a new password, also if a program set the earlier one', async () => {
  const person = await on.person()
  const program = { type: 'client', id: 'kwc_sync' } as const
  await saveProfile(on.knex, person.user.id, { email: on.nextEmail() }, program)
  expect(await on.row(person.user.id)).toMatchObject({ email_set_by_program: true })
  await confirm({ ...person, ...(await ask(person)) })
  expect(await on.row(person.user.id)).toMatchObject({ email_set_by_program: false })
})

test('another way to write the same address is a change of its own', async () => {
  const person = await on.person()
  const written = person.user.email.toUpperCase().replace('EXAMPLE.COM', 'example.com')
  await confirm({ ...person, ...(await ask(person, written)) })
  expect(await on.row(person.user.id)).toMatchObject({ email: written, email_key: person.user.email })
})

test('a user, a new address and a network have budgets', async () => {
  const person = await on.person()
  const byUser: unknown[] = []
  for (let n = 0; n < 6; n++) byUser.push(await request(person, on.nextEmail()))
  expect(byUser).toEqual([...Array(5).fill(undefined), expect.any(Number)])
  const email = on.nextEmail()
  const toAddress: unknown[] = []
  for (let n = 0; n < 6; n++) toAddress.push(await request(await on.person(), email))
  expect(toAddress).toEqual([...Array(5).fill(undefined), expect.any(Number)])
  const ip = freshIp()
  const people = await Promise.all(Array.from({ length: 8 }, () => on.person()))
  const waits: unknown[] = []
  for (let n = 0; n < 40; n++)
    waits.push(await requestEmailChange(on.knex, people[n % 8]!.user.id, on.nextEmail(), { ip, language: 'en' }))
  expect(waits.filter((wait) => wait === undefined).length).toBeGreaterThanOrEqual(30)
  expect(waits.at(-1)).toBeGreaterThan(0)
})
