/** Whom the subject of a Global Token Revocation means. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveScimNames } from '../../src/accounts/scim-names.ts'
import { addUserWithoutPassword } from '../../src/accounts/user-administration.ts'
import { findSubject, type SubjectIdentifier } from '../../src/management/subject-identifiers.ts'
import { ACTOR } from '../support/factory.ts'
import { adminOf, openManagement } from './principals.ts'

const ISSUER = 'https://auth.example.com'

let on: Awaited<ReturnType<typeof openManagement>>
let account: string

beforeAll(async () => {
  on = await openManagement()
  account = await on.make.account()
})
afterAll(async () => await on?.close())

const find = (subject: SubjectIdentifier, principal = adminOf(account)): Promise<string> =>
  findSubject(on.knex, principal, subject, ISSUER)

const byEmail = (email: string): SubjectIdentifier => ({ format: 'email', email })

const nameInScim = (user: string, userName: string, externalId: string | null = null) =>
  saveScimNames(on.knex, account, user, { userName, externalId, givenName: null, familyName: null })

/** In which order the database reads two users depends on their IDs, which are random here. */
const ATTEMPTS = 8

async function addUser(email: string, accountId: string): Promise<string> {
  const id = randomUUID()
  const row = { id, account_id: accountId, email, email_key: email, role: 'member' }
  await on.knex('users').insert(row)
  return id
}

test('an address that is the SCIM user name of another user means the latter, as in a list of SCIM users', async () => {
  for (let n = 0; n < ATTEMPTS; n++) {
    const address = `${randomUUID()}@example.com`
    await addUser(address, account)
    const withName = await addUser(`${randomUUID()}@example.com`, account)
    await nameInScim(withName, address)
    expect(await find(byEmail(address))).toBe(withName)
  }
})

test('an address means the pending user of the account before a member who has it elsewhere', async () => {
  for (let n = 0; n < ATTEMPTS; n++) {
    const email = `${randomUUID()}@example.com`
    const elsewhere = await addUser(email, await on.make.account())
    const profile = { email, name: null, role: 'member', accountId: account, mayBePending: true } as const
    const { id } = await addUserWithoutPassword(on.knex, profile, ACTOR)
    await on.knex('memberships').insert({ user_id: elsewhere, account_id: account, role: 'member' })
    expect(await find(byEmail(email))).toBe(id)
  }
})

test('an ID means its user, although it is the external ID of another one', async () => {
  for (let n = 0; n < ATTEMPTS; n++) {
    const user = await addUser(`${n}@a.example`, account)
    await nameInScim(await addUser(`${n}@b.example`, account), `${n}@b.example`, user)
    expect(await find({ format: 'opaque', id: user })).toBe(user)
  }
})
