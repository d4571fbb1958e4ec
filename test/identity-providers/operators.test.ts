/** Operators sign in through a provider only where an operator allows it, with an identity that they connected themselves. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { insertIdentity } from '../../src/identity-providers/user-identities.ts'
import { createIdentityProvider, updateIdentityProvider } from '../../src/management/identity-provider-operations.ts'
import { adminOf, operator } from '../management/principals.ts'
import { openBrowser, type Page } from '../support/scriptless-browser.ts'
import { addTestApp } from '../support/second-factors.ts'
import type { Person } from '../support/test-users.ts'
import { createOperator, enter, wordsOf } from '../web/console/console-visits.ts'
import { openUpstream, select, signInThrough } from './upstream-environment.ts'

const SECURITY = '/account/security'
const CONNECT = `${SECURITY}/identities/connect`

let upstream: Awaited<ReturnType<typeof openUpstream>>

beforeAll(async () => {
  upstream = await openUpstream()
})
afterAll(() => upstream.stop())
afterEach(async () => {
  await knex()('identity_providers').delete()
  await knex()('instance_settings').update({ second_factor_required: 'nobody' })
})

const knex = () => upstream.server.knex
const management = () => ({ knex: knex(), encryptionKeys: upstream.server.instance.encryptionKeys })

const pathOf = ({ url }: Page): string => new URL(url).pathname

const isSignedIn = ({ url, status }: Page): boolean => status === 200 && new URL(url).pathname === SECURITY

const identitiesOf = ({ id }: Person) => knex()('user_identities').where({ user_id: id })

async function newOperator(): Promise<Person> {
  const person = await createOperator(knex())
  await knex()('users').where({ id: person.id }).update({ email_verified: true })
  return person
}

const claimsFor = ({ id, email }: Person) => ({ sub: id, email, email_verified: true })

/** An operator who has connected an identity at a provider for operators. */
async function connected() {
  const person = await newOperator()
  const providerId = await upstream.add({ operators: true })
  const browser = await enter(upstream.server, person)
  const { left } = await browser.submit(await browser.visit(CONNECT), /\/connect$/, { provider: providerId })
  const asked = await browser.visit(upstream.provider.authorize(left!, claimsFor(person)).href)
  await browser.submit(asked, /\/signin\/link$/)
  expect(await identitiesOf(person)).toMatchObject([{ confirmed: true }])
  return { person, providerId }
}

const through = (providerId: string, person: Person) => signInThrough(upstream, providerId, claimsFor(person))

test('a verified address connects no operator: they sign in themselves and confirm', async () => {
  const person = await newOperator()
  const providerId = await upstream.add({ operators: true })
  const { page, browser } = await through(providerId, person)
  expect(wordsOf(page)).toContain('have not used Acme here yet')
  expect(await identitiesOf(person)).toEqual([])
  const asked = await browser.submit(page, /\/signin$/, { email: person.email, password: person.password })
  await browser.submit(asked, /\/signin\/link$/)
  const again = await through(providerId, person)
  expect(isSignedIn(again.page)).toBe(true)
  expect((await again.browser.visit('/accounts')).status).toBe(200)
})

test('initially no provider is for operators: nothing is connected, and what was connected signs nobody in', async () => {
  const person = await newOperator()
  const providerId = await upstream.add()
  const { page, browser } = await through(providerId, person)
  const after = await browser.submit(page, /\/signin$/, { email: person.email, password: person.password })
  expect(isSignedIn(after)).toBe(true)
  expect(pathOf(await browser.visit(CONNECT))).toBe(SECURITY)
  await insertIdentity(knex(), { providerId, subject: person.id, userId: person.id, isConfirmed: true })
  expect((await through(providerId, person)).page.status).toBe(403)
})

test('an identity that was linked by its address in a former version signs no operator in', async () => {
  const person = await newOperator()
  const providerId = await upstream.add({ operators: true })
  await insertIdentity(knex(), { providerId, subject: person.id, userId: person.id })
  expect((await through(providerId, person)).page.status).toBe(403)
})

test('sessions of operators end when operators may not sign in any more, and stay ended', async () => {
  const { person, providerId } = await connected()
  const { browser } = await through(providerId, person)
  const change = (operators: boolean) => updateIdentityProvider(management(), operator, { providerId, operators })
  expect(isSignedIn(await browser.visit(SECURITY))).toBe(true)
  await knex()('identity_providers').where({ id: providerId }).update({ operators: false })
  expect(isSignedIn(await browser.visit(SECURITY))).toBe(false)
  await knex()('identity_providers').where({ id: providerId }).update({ operators: true })
  expect(isSignedIn(await browser.visit(SECURITY))).toBe(true)
  await change(false)
  await change(true)
  expect(isSignedIn(await browser.visit(SECURITY))).toBe(false)
  expect(isSignedIn((await through(providerId, person)).page)).toBe(true)
})

test('the second factor of operators is asked, and a sign-in through a provider sets up none', async () => {
  await knex()('instance_settings').update({ second_factor_required: 'operators' })
  const without = await newOperator()
  const providerId = await upstream.add({ operators: true })
  await insertIdentity(knex(), { providerId, subject: without.id, userId: without.id, isConfirmed: true })
  const { page } = await through(providerId, without)
  expect([page.status, wordsOf(page)]).toEqual([403, expect.stringContaining('Sign in with your password')])
  expect(page.text).not.toMatch(/name="offer"|otpauth/)
  await addTestApp(knex(), upstream.server.instance.encryptionKeys, without.id)
  expect(wordsOf((await through(providerId, without)).page)).toContain('Two-factor authentication')
})

test('an operator changes how they sign in only with their own credentials', async () => {
  const { person, providerId } = await connected()
  const other = await upstream.add({ operators: true, name: 'Other' })
  const { browser } = await through(providerId, person)
  for (const path of [CONNECT, `${SECURITY}/apps`, `${SECURITY}/passkeys`]) {
    const page = await browser.visit(path)
    expect([pathOf(page), wordsOf(page).includes('Continue with')]).toEqual(['/signin/confirm', false])
  }
  const waiting = openBrowser(upstream.server.url)
  const linking = await waiting.visit(upstream.provider.authorize(await select(waiting, other), { sub: 'other' }).href)
  const link = /name="link" value="([^"]+)"/.exec(linking.text)![1]!
  await waiting.visit(upstream.provider.authorize(await select(waiting, providerId), claimsFor(person)).href)
  const csrf = /name="csrf" value="([^"]+)"/.exec((await waiting.visit('/')).text)![1]!
  const body = new URLSearchParams({ link, return_to: '/', csrf })
  const headers = { origin: new URL(upstream.server.url).origin }
  expect((await waiting.visit('/signin/link', { method: 'POST', body, headers })).status).toBe(400)
  expect(await identitiesOf(person)).toMatchObject([{ provider_id: providerId }])
})

test('only an operator lets operators sign in, through providers of the instance', async () => {
  const account = upstream.server.firstStart.accountId
  const { issuer, clientId, clientSecret } = upstream.provider
  const given = { name: 'Acme', issuer, clientId, clientSecret, operators: true }
  const program = { ...operator, scopes: new Set(['identity_providers:write']), signedInAt: null }
  const refusals: [Parameters<typeof createIdentityProvider>[1], object, RegExp][] = [
    [adminOf(account), {}, /only an operator/],
    [program, {}, /only an operator/],
    [operator, { accountId: account }, /providers of the instance only/],
  ]
  for (const [who, more, message] of refusals)
    await expect(createIdentityProvider(management(), who, { ...given, ...more })).rejects.toThrow(message)
  const providerId = await upstream.add()
  const switchOn = { providerId, operators: true }
  await expect(updateIdentityProvider(management(), program, switchOn)).rejects.toThrow(/only an operator/)
  await updateIdentityProvider(management(), operator, switchOn)
  for (const change of [{ clientId: 'other' }, { trustsSecondFactor: true }])
    await expect(updateIdentityProvider(management(), program, { providerId, ...change })).rejects.toThrow(
      /only an operator/,
    )
})
