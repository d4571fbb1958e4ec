/** Whom the subject of a Global Token Revocation means. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { saveScimNames } from '../../src/accounts/scim-names.ts'
import { addUserWithoutPassword } from '../../src/accounts/user-administration.ts'
import { insertIdentity } from '../../src/identity-providers/user-identities.ts'
import { findSubject, type SubjectIdentifier } from '../../src/management/subject-identifiers.ts'
import { ACTOR } from '../support/factory.ts'
import { adminOf, openManagement, operator } from './principals.ts'

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

/** An identity provider of an account, or of the instance. */
async function addProvider(issuer: string, accountId: string | null): Promise<string> {
  const id = randomUUID()
  const client = { client_id: 'keywright', sealed_client_secret: Buffer.alloc(64), scopes: ['openid'] }
  await on.knex('identity_providers').insert({ id, account_id: accountId, name: 'Acme', issuer, ...client })
  return id
}

const bySubject = (iss: string, sub: string): SubjectIdentifier => ({ format: 'iss_sub', iss, sub })

const NOT_FOUND = { code: 'not_found' }

describe('a subject of another issuer', () => {
  let user: string
  let foreign: string
  const [own, instances, others] = ['https://own.example', 'https://instance.example', 'https://others.example']

  beforeAll(async () => {
    const other = await on.make.account()
    user = await addUser(`${randomUUID()}@example.com`, account)
    foreign = await addUser(`${randomUUID()}@example.com`, other)
    for (const [issuer, accountId] of [
      [own, account],
      [instances, null],
      [others, other],
    ] as const) {
      const providerId = await addProvider(issuer, accountId)
      await insertIdentity(on.knex, { providerId, subject: 'user', userId: user })
      await insertIdentity(on.knex, { providerId, subject: 'foreign', userId: foreign })
    }
  })

  test.each([own, instances])('means the member of the account who signs in with it: %s', async (issuer) => {
    expect(await find(bySubject(issuer, 'user'))).toBe(user)
    await expect(find(bySubject(issuer, 'foreign'))).rejects.toMatchObject(NOT_FOUND)
    await expect(find(bySubject(issuer, 'nobody'))).rejects.toMatchObject(NOT_FOUND)
    await expect(find(bySubject(`${issuer}/`, 'user'))).rejects.toMatchObject(NOT_FOUND)
  })

  test('means nobody at the provider of another account, a member neither', async () => {
    for (const subject of ['user', 'foreign'])
      await expect(find(bySubject(others, subject))).rejects.toMatchObject(NOT_FOUND)
  })

  test('means to an operator every user at a provider of the instance, and at no other one', async () => {
    expect(await find(bySubject(instances, 'foreign'), operator)).toBe(foreign)
    for (const issuer of [own, others])
      await expect(find(bySubject(issuer, 'user'), operator)).rejects.toMatchObject(NOT_FOUND)
  })

  test('means the one at the provider of the account before the one at that of the instance', async () => {
    for (let n = 0; n < ATTEMPTS; n++) {
      const [issuer, subject] = [`https://both-${n}.example`, `${n}`]
      const users = []
      for (const accountId of [null, account]) {
        const userId = await addUser(`${randomUUID()}@example.com`, account)
        await insertIdentity(on.knex, { providerId: await addProvider(issuer, accountId), subject, userId })
        users.push(userId)
      }
      expect(await find(bySubject(issuer, subject))).toBe(users[1])
    }
  })

  test('is no subject of this issuer', async () => {
    await expect(find(bySubject(ISSUER, 'user'))).rejects.toMatchObject(NOT_FOUND)
    expect(await find(bySubject(ISSUER, user))).toBe(user)
  })
})
