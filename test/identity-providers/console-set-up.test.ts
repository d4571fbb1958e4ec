/** A provider that an admin sets up in the console in Chromium signs in a user who types an address of its domain. */
import { Resolver } from 'node:dns/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { launchBrowser, overhangOf, PHONE, type RealBrowser, violationsOf } from '../support/browser.ts'
import { findChromium } from '../support/debian.ts'
import { createTestUser } from '../support/test-users.ts'
import { openUpstream } from './upstream-environment.ts'

const chromium = await findChromium()
let upstream: Awaited<ReturnType<typeof openUpstream>>
let browser: RealBrowser

beforeAll(async () => {
  upstream = await openUpstream()
  browser = await launchBrowser(chromium!)
})
afterAll(async () => {
  vi.restoreAllMocks()
  await browser?.close()
  await upstream?.stop()
})

test.skipIf(!chromium)('an admin connects a provider, and a new user signs in with it', async () => {
  const { server, provider } = upstream
  const person = await createTestUser(server.knex, server.firstStart.accountId, 'admin')
  const page = await browser.open({ viewport: PHONE })
  await page.goto(`${server.url}/identity-providers`)
  await page.getByLabel('Email address').fill(person.email)
  await page.getByLabel('Password', { exact: true }).fill(person.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('main').getByRole('link', { name: 'Add identity provider' }).click()
  await page.getByLabel('Name').fill('Acme')
  await page.getByLabel('Issuer').fill(`${provider.issuer}/wrong`)
  await page.getByLabel('Client ID').fill(provider.clientId)
  await page.getByLabel('Client secret').fill(provider.clientSecret)
  await page.getByRole('button', { name: 'Add identity provider' }).click()
  expect(await page.getByRole('alert').textContent()).toContain('could not be read at')
  await page.getByLabel('Issuer').fill(provider.issuer)
  await page.getByLabel('Client secret').fill(provider.clientSecret)
  await page.getByText('New users', { exact: true }).click()
  await page.getByLabel('Create users at their first sign-in').check()
  await page.getByRole('button', { name: 'Add identity provider' }).click()
  await page.getByText('The provider needs the addresses below').waitFor()
  expect([await violationsOf(page), await overhangOf(page)]).toEqual([[], 0])

  await page.getByRole('link', { name: 'Add email domain' }).click()
  await page.getByLabel('Email domain').fill('acme.example')
  await page.getByRole('button', { name: 'Add email domain' }).click()
  const record = await page.getByText('keywright-identity-provider=').textContent()
  vi.spyOn(Resolver.prototype, 'resolveTxt').mockImplementation(async () => [[record!]])
  expect([await violationsOf(page), await overhangOf(page)]).toEqual([[], 0])
  await page.getByRole('button', { name: 'Verify now' }).click()
  await page.getByText('Email domain verified.').waitFor()

  const claims = { email: 'mary@acme.example', email_verified: true, name: 'Mary Shelley' }
  provider.script({ user: { sub: 'mary', ...claims } })
  const visitor = await browser.open()
  await visitor.goto(`${server.url}/signin`)
  await visitor.getByLabel('Email address').fill('mary@acme.example')
  await visitor.getByRole('button', { name: 'Use single sign-on' }).click()
  await visitor.getByText('Mary Shelley').first().waitFor()
  expect(new URL(visitor.url()).origin).toBe(new URL(server.url).origin)
  const user = await server.knex('users').where({ email: 'mary@acme.example' }).first()
  expect(user).toMatchObject({ account_id: server.firstStart.accountId, role: 'member' })
})
