import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createUser } from '../../src/accounts/users.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import {
  managementToken,
  managingApplication,
  managingForUsers,
  rawManagement,
  tokenOfUser,
} from '../support/management.ts'
import { openBrowser, signIn } from '../support/scriptless-browser.ts'
import { createTestUser, PASSWORD, type Person } from '../support/test-users.ts'

let server: Keywright
let account: string
let owner: Person
let colleague: Person
/** An access token of every kind of client that may manage users. */
let programs: Record<'key pair' | 'application' | 'operator application' | 'on behalf of a user', string>

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  owner = await createTestUser(server.knex, account, 'admin')
  colleague = await createTestUser(server.knex, account, 'admin')
  const pair = await server.make.keyPair(owner.id, [MANAGEMENT_API])
  programs = {
    'key pair': await managementToken(server, { clientId: pair.clientId, clientSecret: pair.clientSecret! }),
    application: await managementToken(server, await managingApplication(server, account)),
    'operator application': await managementToken(server, await managingApplication(server, null)),
    'on behalf of a user': await tokenOfUser(server, await managingForUsers(server, account), owner),
  }
})
afterAll(() => server.stop())

const NAMES = ['key pair', 'application', 'operator application', 'on behalf of a user'] as const
const ANY = { 'if-match': '*' }

const row = (id: string) => server.knex('users').where({ id }).first()

describe.each(NAMES)('an access token: %s', (program) => {
  const api = () => rawManagement(server.url, programs[program])

  it('creates a user who cannot sign in yet, and gets no password', async () => {
    const email = `made-by-${program.replaceAll(' ', '-')}@example.com`
    const made = await api().json('POST', '/users', { account_id: account, email, role: 'admin' })
    expect([made.status, made.body]).toEqual([201, expect.objectContaining({ email })])
    expect(made.text).not.toMatch(/kwp_|password"/)
    expect((await row(made.body.id)).password_hash).toBeNull()
    const browser = openBrowser(server.url)
    for (const password of ['', 'null', 'kwp_']) {
      expect((await signIn(browser, await browser.visit('/signin'), email, password)).status).toBe(400)
    }
    expect((await api().send('GET', `/users/${made.body.id}`)).body).toMatchObject({ has_password: false })
  })

  it("removes a colleague's password, and gets no new one", async () => {
    const user = await createTestUser(server.knex, account)
    const response = await api().json('POST', `/users/${user.id}/password`, undefined as never)
    expect([response.status, response.text]).toEqual([200, expect.not.stringMatching(/kwp_|password"/)])
    expect((await row(user.id)).password_hash).toBeNull()
    const browser = openBrowser(server.url)
    expect((await signIn(browser, await browser.visit('/signin'), user.email, PASSWORD)).status).toBe(400)
  })
})

describe.each(['key pair', 'on behalf of a user'] as const)('a client that acts for a user: %s', (program) => {
  const api = () => rawManagement(server.url, programs[program])

  it('cannot change the email address of its user or of a colleague', async () => {
    for (const { id, email } of [owner, colleague]) {
      const response = await api().json('PATCH', `/users/${id}`, { email: 'moved@example.com' }, ANY)
      expect([response.status, response.body.type]).toEqual([403, 'urn:keywright:error:forbidden'])
      expect((await row(id)).email).toBe(email)
    }
    const renamed = await api().json('PATCH', `/users/${colleague.id}`, { name: 'New', email: colleague.email }, ANY)
    expect(renamed.status).toBe(200)
  })

  it('cannot remove the password of the user it acts for', async () => {
    expect((await api().json('POST', `/users/${owner.id}/password`, undefined as never)).status).toBe(409)
    expect((await row(owner.id)).password_hash).not.toBeNull()
  })
})

it('a client cannot remove the password of the last admin who can sign in', async () => {
  const home = await server.make.account()
  const admins = [await createTestUser(server.knex, home, 'admin'), await createTestUser(server.knex, home, 'admin')]
  const api = rawManagement(server.url, programs['operator application'])
  const responses = await Promise.all(
    admins.map(({ id }) => api.json('POST', `/users/${id}/password`, undefined as never)),
  )
  expect(responses.map(({ status }) => status).sort()).toEqual([200, 409])
})

it('an application that acts for itself can change the email address of a user who has not signed in', async () => {
  const { user } = await createUser(server.knex, { email: 'early@example.com', role: 'member', accountId: account })
  const api = rawManagement(server.url, programs.application)
  const response = await api.json('PATCH', `/users/${user.id}`, { email: 'moved-by-directory@example.com' }, ANY)
  expect([response.status, response.body.email]).toEqual([200, 'moved-by-directory@example.com'])
})

it('only an operator’s application can change an email address that a user signs in with', async () => {
  const user = await createTestUser(server.knex, account)
  const change = async (token: string, email: string) =>
    await rawManagement(server.url, token).json('PATCH', `/users/${user.id}`, { email }, ANY)
  const refused = await change(programs.application, 'moved-by-admin@example.com')
  expect([refused.status, refused.body.type]).toEqual([403, 'urn:keywright:error:forbidden'])
  const response = await change(programs['operator application'], 'moved-by-operator@example.com')
  expect([response.status, response.body.email]).toEqual([200, 'moved-by-operator@example.com'])
})
