/** Who controls the provider of an account gets no way to sign in as its users elsewhere. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { listUserIdentities, removeUserIdentity } from '../../src/management/user-identity-operations.ts'
import { adminOf, operator } from '../management/principals.ts'
import { createApplication } from '../oidc/application-fixtures.ts'
import { openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { openUpstream, signInThrough, submitToProvider } from './upstream-environment.ts'

let upstream: Awaited<ReturnType<typeof openUpstream>>
let account: string

beforeAll(async () => {
  upstream = await openUpstream()
  account = upstream.server.firstStart.accountId
})
afterAll(() => upstream.stop())
afterEach(async () => {
  await knex()('identity_providers').delete()
})

const knex = () => upstream.server.knex
const management = () => ({ knex: knex(), encryptionKeys: upstream.server.instance.encryptionKeys })

const errorOn = ({ text }: Page): string => /role="alert">([^<]*)</.exec(text)?.[1] ?? ''

const identitiesOf = ({ id }: Person) => knex()('user_identities').where({ user_id: id })

/** A user of the account with a verified address, who belongs to another account as well. */
async function memberOfTwo(): Promise<Person> {
  const person = await createTestUser(knex(), account)
  await knex()('users').where({ id: person.id }).update({ email_verified: true })
  await knex()('memberships').insert({
    user_id: person.id,
    account_id: await upstream.server.make.account(),
    role: 'admin',
  })
  return person
}

const claimsFor = ({ id, email }: Person) => ({ sub: id, email, email_verified: true })

test('it sets up no second factor of a user who belongs to another account as well', async () => {
  const person = await memberOfTwo()
  const providerId = await upstream.add({ accountId: account })
  const application = await createApplication(upstream.server)
  const browser = openBrowser(upstream.server.url)
  const asked = await browser.visit(application.link({ acr_values: 'urn:keywright:acr:mfa' }))
  const { left } = await submitToProvider(browser, asked, { provider: providerId })
  const page = await browser.visit(upstream.provider.authorize(left!, claimsFor(person)).href)
  expect(errorOn(page)).toContain('Sign in with your password')
  expect(page.text).not.toMatch(/name="offer"|otpauth/)
})

test('its session connects no identity at another provider', async () => {
  const person = await memberOfTwo()
  const ofInstance = await upstream.add({ name: 'Staff' })
  const { page, browser } = await signInThrough(upstream, ofInstance, { sub: 'mallory' })
  const link = /name="link" value="([^"]+)"/.exec(page.text)![1]!
  const ofAccount = await upstream.add({ accountId: account })
  await signInThrough(upstream, ofAccount, claimsFor(person), browser)
  const own = await browser.visit('/')
  expect(own.text).toContain(person.email)
  const csrf = /name="csrf" value="([^"]+)"/.exec(own.text)?.[1] ?? ''
  const body = new URLSearchParams({ link, return_to: '/', csrf })
  const headers = { origin: new URL(upstream.server.url).origin }
  const after = await browser.visit('/signin/link', { method: 'POST', body, headers })
  expect(after.status).toBe(400)
  expect(await identitiesOf(person)).toMatchObject([{ provider_id: ofAccount }])
})

test('an admin sees and removes no identity at a provider of the instance of a user who belongs elsewhere', async () => {
  const person = await memberOfTwo()
  const ofInstance = await upstream.add({ name: 'Staff' })
  await signInThrough(upstream, ofInstance, claimsFor(person))
  const [{ id: identityId }] = await identitiesOf(person)
  const admin = adminOf(account)
  expect(await listUserIdentities(management(), admin, { userId: person.id })).toEqual([])
  const removal = { userId: person.id, identityId }
  await expect(removeUserIdentity(management(), admin, removal)).rejects.toThrow(/identity/)
  expect(await listUserIdentities(management(), operator, { userId: person.id })).toHaveLength(1)
})
