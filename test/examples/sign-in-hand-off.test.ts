/** examples/sign-in-hand-off: the sign-in at a product without OpenID Connect, in Chromium. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { updateInstanceSettings } from '../../src/clients/instance-settings.ts'
import { launchBrowser, overhangOf, PHONE, type RealBrowser, violationsOf } from '../support/browser.ts'
import { findChromium } from '../support/debian.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { freePort, type Program, startProgram } from '../support/program.ts'
import { examplePath } from './example-environment.ts'

const chromium = await findChromium()

describe.skipIf(!chromium)('a product without OpenID Connect', () => {
  let server: Keywright
  let product: Program
  let browser: RealBrowser

  beforeAll(async () => {
    server = await startKeywright()
    const service = await managingApplication(server, null)
    const management = rawManagement(server.url, await managementToken(server, service))
    await management.json('PUT', '/accounts/by-external-id/cus_acme', { name: 'ACME' })
    const port = await freePort()
    const env = {
      KEYWRIGHT_URL: server.url,
      CLIENT_ID: service.clientId,
      CLIENT_SECRET: service.clientSecret!,
      PORT: String(port),
    }
    product = await startProgram([process.execPath, examplePath('sign-in-hand-off/product.mjs')], port, env)
    // Another site than Keywright, whose address is 127.0.0.1.
    const signInUrl = `http://localhost:${port}/sign-in`
    await server.knex.transaction((trx) => updateInstanceSettings(trx, { signInUrl }, ACTOR))
    browser = await launchBrowser(chromium!)
  })
  afterAll(async () => {
    await browser?.close()
    await product?.stop()
    await server?.stop()
  })

  /** Opens the sign-in, which leads to the product once the server has learned of its address. */
  async function openProduct(page: Page): Promise<void> {
    await expect
      .poll(async () => {
        await page.goto(`${server.url}/signin?return_to=%2Faccount%2Fsecurity`)
        return await page.locator('h1').textContent()
      })
      .toBe('ACME')
  }

  async function signInAs(page: Page, user: string, password: string): Promise<void> {
    await page.getByLabel('User').fill(user)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }

  test('signs in a new user, who then has the account and role of the product', async () => {
    const page = await browser.open()
    await openProduct(page)
    await signInAs(page, 'ada', 'lovelace')
    await page.waitForURL(`${server.url}/account/security`)
    expect(await page.locator('body').textContent()).toContain('Ada Lovelace')
    const user = await server.knex('users').where({ external_id: 'usr_1' }).first()
    const membership = await server.knex('memberships').where({ user_id: user.id }).first()
    expect([user.email, membership.role]).toEqual(['ada@acme.example', 'admin'])
  })

  test('asks again after a wrong password, and signs in the user of its session without a question', async () => {
    const page = await browser.open()
    await openProduct(page)
    await signInAs(page, 'bob', 'wrong')
    expect(await page.getByRole('alert').textContent()).toBe('Incorrect user or password.')
    await signInAs(page, 'bob', 'builder')
    await page.waitForURL(`${server.url}/account/security`)
    await page.context().clearCookies({ name: 'kw_session' })
    await page.goto(`${server.url}/signin?return_to=%2Faccount%2Fsecurity`)
    await page.waitForURL(`${server.url}/account/security`)
  })

  test('sends a user back who cancels, to a page with every way to sign in', async () => {
    const page = await browser.open({ viewport: PHONE })
    await openProduct(page)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('heading', { name: 'You were not signed in' }).waitFor()
    expect(await violationsOf(page)).toEqual([])
    await page.getByRole('link', { name: 'Sign in with a password' }).click()
    await page.getByRole('link', { name: /Continue to localhost/ }).waitFor()
    expect(await violationsOf(page)).toEqual([])
    expect(await overhangOf(page)).toBe(0)
  })

  test('leaves a user who comes back without an answer the sign-in at Keywright', async () => {
    const page = await browser.open()
    await openProduct(page)
    await page.goto(`${server.url}/signin`)
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    await page.getByRole('link', { name: /Continue to localhost/ }).click()
    await page.getByRole('heading', { name: 'ACME' }).waitFor()
  })
})
