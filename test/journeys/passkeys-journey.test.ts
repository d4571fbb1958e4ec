/** Passkeys in real Chromium with a virtual authenticator: from the first one to the way back when the device is lost. */
import type { CDPSession, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Application, createApplication } from '../oidc/application-fixtures.ts'
import { launchBrowser, overhangOf, PHONE, type RealBrowser, violationsOf } from '../support/browser.ts'
import { findChromium } from '../support/debian.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { claimsOf } from '../support/requests.ts'
import { createTestUser, type Person } from '../support/test-users.ts'

const chromium = await findChromium()

const MFA = 'urn:keywright:acr:mfa'

let server: Keywright
let browser: RealBrowser
let application: Application
let person: Person
let page: Page
let cdp: CDPSession
let authenticatorId: string

beforeAll(async () => {
  if (!chromium) return
  server = await startKeywright({ env: { HOST: 'localhost' } })
  application = await createApplication(server)
  browser = await launchBrowser(chromium)
})

afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

/** An authenticator that verifies its user at each request. */
async function plugIn(): Promise<void> {
  cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const options = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true } as const
  const added = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: { ...options, isUserVerified: true, automaticPresenceSimulation: true },
  })
  authenticatorId = added.authenticatorId
}

const unplug = () => cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })

/** Without this, the authenticator answers a page that offers passkeys at its field as soon as it is shown. */
const hold = (enabled: boolean) =>
  cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: !enabled })

beforeEach(async () => {
  if (!chromium) return
  person = await createTestUser(server.knex, server.firstStart.accountId)
  page = await browser.open()
  await plugIn()
})

afterEach(async () => await page?.context().close())

async function isSound(): Promise<void> {
  expect(await violationsOf(page), page.url()).toEqual([])
  expect(await overhangOf(page), page.url()).toBe(0)
}

async function sendPassword(): Promise<void> {
  await page.getByLabel('Email').fill(person.email)
  await page.getByLabel('Password').fill(person.password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

const onSecurity = () => page.getByRole('heading', { name: 'Security', level: 1 }).waitFor()

/** Signs in with the password and adds a passkey; returns the recovery codes. */
async function addFirst(name = 'Laptop'): Promise<string[]> {
  await hold(true)
  await page.goto(`${server.issuer}/signin?return_to=/account/security/passkeys`)
  await sendPassword()
  await page.getByRole('heading', { name: 'Add a passkey' }).waitFor()
  await hold(false)
  await page.getByLabel('Name').fill(name)
  await page.getByRole('button', { name: 'Create a passkey' }).click()
  await page.getByRole('heading', { name: 'Recovery codes' }).waitFor()
  return await page.locator('.recovery-codes li').allTextContents()
}

const signOut = () => page.context().clearCookies()

async function signInWithButton(): Promise<void> {
  await hold(true)
  await page.goto(`${server.issuer}/signin?return_to=/account/security`)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
  await hold(false)
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
  await onSecurity()
}

describe.skipIf(!chromium)('in Chromium', () => {
  test('a user adds a passkey, signs in with the button and from the field, and removes the passkey', async () => {
    expect(await addFirst()).toHaveLength(10)
    await isSound()
    await signOut()
    await signInWithButton()
    expect(await page.textContent('main')).toMatch(/Laptop/)
    await isSound()

    await signOut()
    // The authenticator answers the request of the field by itself.
    await page.goto(`${server.issuer}/signin?return_to=/account/security`)
    await onSecurity()

    await page.getByRole('link', { name: 'Remove Laptop' }).click()
    await page.getByText('turn off two-factor authentication').waitFor()
    await isSound()
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByText('Passkey removed.').waitFor()
    await signOut()
    // It also answers with the removed passkey, once: the page that refuses it does not ask again.
    await page.goto(`${server.issuer}/signin`)
    await page.getByText('This passkey cannot be used to sign in').waitFor()
    await isSound()
  })

  test('a second passkey of one authenticator is refused by the browser, and the page says so', async () => {
    await addFirst()
    await page.goto(`${server.issuer}/account/security/passkeys`)
    await page.getByRole('button', { name: 'Create a passkey' }).click()
    await page.getByText('already has a passkey for your account').waitFor()
    await isSound()
    expect(await server.knex('passkeys').where({ user_id: person.id })).toHaveLength(1)
  })

  test('an application that requires two factors accepts a passkey as a step up', async () => {
    await addFirst()
    await signOut()
    await hold(true)
    await page.route('https://app.example.com/**', (route) => route.fulfill({ body: 'arrived' }))
    await page.goto(server.issuer + application.link({ acr_values: MFA, scope: 'openid' }))
    await page.getByRole('button', { name: 'Sign in with a passkey' }).waitFor()
    await isSound()
    await hold(false)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByRole('button', { name: 'Allow', exact: true }).click()
    await page.waitForURL(({ searchParams }) => searchParams.has('code'))
    const { body } = await application.redeem(new URL(page.url()).searchParams.get('code')!)
    expect(claimsOf(body.id_token)).toMatchObject({ acr: MFA, amr: ['hwk', 'user', 'mfa'], sub: person.id })
  })

  test('a user who must have a second factor creates a passkey during the sign-in, or sets up an app', async () => {
    await server.knex('accounts').where({ id: person.accountId }).update({ second_factor_required: 'everyone' })
    await hold(true)
    await page.goto(`${server.issuer}/signin?return_to=/account/security`)
    await sendPassword()
    const create = page.getByRole('button', { name: 'Create a passkey' })
    await create.waitFor()
    expect(await page.getByLabel('Authentication code').isVisible()).toBe(false)
    await isSound()
    await page.getByText('Use an authenticator app').click()
    await page.getByLabel('Authentication code').fill('000')
    await page.getByRole('button', { name: 'Verify and continue' }).click()
    await page.getByText('Incorrect code').waitFor()
    expect(await page.getByLabel('Authentication code').isVisible()).toBe(true)
    await isSound()
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
    await hold(false)
    await create.click()
    await page.getByText('No passkey was created. Try again, or use an authenticator app.').waitFor()
    await isSound()
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true })
    await create.click()
    await page.getByRole('heading', { name: 'Save your recovery codes' }).waitFor()
    expect(await page.locator('.recovery-codes li').count()).toBe(10)
    await page.getByRole('button', { name: 'I have saved the codes' }).click()
    await onSecurity()
    expect(await server.knex('passkeys').where({ user_id: person.id })).toHaveLength(1)

    const other = await createTestUser(server.knex, person.accountId!)
    const plain = await browser.open({ javaScriptEnabled: false, viewport: PHONE })
    await plain.goto(`${server.issuer}/signin?return_to=/account/security`)
    await plain.getByLabel('Email').fill(other.email)
    await plain.getByLabel('Password').fill(other.password)
    await plain.getByRole('button', { name: 'Sign in', exact: true }).click()
    await plain.getByLabel('Authentication code').waitFor()
    expect(await plain.getByRole('button', { name: 'Create a passkey' }).isVisible()).toBe(false)
    expect(await overhangOf(plain)).toBe(0)
    await plain.context().close()
    await server.knex('accounts').where({ id: person.accountId }).update({ second_factor_required: 'nobody' })
  })

  test('a user confirms a change, or the second step after the password, with the passkey', async () => {
    await addFirst()
    await signOut()
    await hold(true)
    await page.goto(`${server.issuer}/signin?return_to=/account/security`)
    await sendPassword()
    await page.getByText('Confirm with your passkey, or enter a recovery code.').waitFor()
    await isSound()
    await hold(false)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await onSecurity()
    await hold(true)
    await page.goto(`${server.issuer}/signin/confirm?return_to=/account/security/recovery-codes`)
    await isSound()
    await hold(false)
    await page.getByRole('button', { name: 'Confirm with a passkey' }).click()
    await page.getByRole('heading', { name: 'Generate new recovery codes?' }).waitFor()
  })

  test('a user who has lost the device signs in with the password and a recovery code, also without scripts', async () => {
    const [code] = await addFirst()
    await unplug()
    const other = await browser.open({ javaScriptEnabled: false, viewport: PHONE })
    await other.goto(`${server.issuer}/signin?return_to=/account/security`)
    expect(await other.getByRole('button', { name: /passkey/ }).count()).toBe(0)
    await other.getByLabel('Email').fill(person.email)
    await other.getByLabel('Password').fill(person.password)
    await other.getByRole('button', { name: 'Sign in', exact: true }).click()
    await other.getByLabel('Recovery code').fill(code!)
    await other.getByRole('button', { name: 'Verify recovery code' }).click()
    await other.getByText('9 of 10').waitFor()
    await other.goto(`${server.issuer}/account/security/passkeys`)
    await other.getByText('Creating a passkey requires JavaScript').waitFor()
    await other.context().close()
  })

  test('a second press of the button begins anew, with no word of a failure', async () => {
    await hold(true)
    await page.goto(`${server.issuer}/signin`)
    const button = page.getByRole('button', { name: 'Sign in with a passkey' })
    const aborted = () => page.evaluate('window.aborted')
    await page.evaluate(`
      window.aborted = 0
      const get = navigator.credentials.get.bind(navigator.credentials)
      navigator.credentials.get = async (options) => {
        try { return await get(options) } finally { setTimeout(() => { window.aborted++ }) }
      }`)
    await button.click()
    await button.click()
    await expect.poll(aborted).toBe(1)
    expect(await page.locator('[role="alert"]:visible').count()).toBe(0)
  })

  test('a request that the user declines leaves the page as it is, with a word about it', async () => {
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
    await hold(true)
    await page.goto(`${server.issuer}/signin`)
    await hold(false)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByText('No passkey was used.').waitFor()
    await isSound()
  })
})
