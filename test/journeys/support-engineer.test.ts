/** A support engineer finds, understands and stops a credential: from the pasted text, at most three clicks. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser, overhangOf, PHONE, type RealBrowser, violationsOf } from '../support/browser.ts'
import { findChromium } from '../support/debian.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { allRows, foundIn } from '../support/secret-search.ts'
import { createOperator } from '../web/console/console-visits.ts'

const chromium = await findChromium()

let server: Keywright
let browser: RealBrowser
let page: Page

beforeAll(async () => {
  if (!chromium) return
  server = await startKeywright()
  browser = await launchBrowser(chromium)
  const { email, password } = await createOperator(server.knex)
  page = await browser.open()
  await page.goto(`${server.url}/signin`)
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(`${server.url}/`)
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

/** Pastes the text, presses *Inspect*, and expects the words in the result; then clicks, and answers how often in all. */
async function stop(text: string, words: RegExp, ...clicks: string[]): Promise<number> {
  await page.goto(server.url)
  await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Inspect' }).click()
  await page.getByLabel('Text to inspect').fill(text)
  await page.getByRole('button', { name: 'Inspect' }).click()
  await page.waitForURL(`${server.url}/inspect`)
  await page.waitForLoadState()
  expect(await page.locator('main').innerText()).toMatch(words)
  for (const name of clicks) await page.getByRole('main').locator('a, button').filter({ hasText: name }).first().click()
  return 1 + clicks.length
}

const isWorking = async (credentials: { clientId: string; clientSecret: string }): Promise<boolean> =>
  (await server.machineToken(credentials)).status === 200

describe.skipIf(!chromium)('given only what a customer sends', () => {
  test('a JWT, a leaked secret and the last four characters of one are found, explained and stopped', async () => {
    const application = await server.make.register({ settings: { name: 'Invoice export' } })
    const jwt: string = (await server.machineToken(application)).body.access_token
    const pair = await server.make.keyPair((await server.make.user()).id)
    const others = [await server.make.register({ settings: { name: 'Leaky mailer' } }), await server.make.register({})]
    for (const { key } of others)
      await server.knex('client_secrets').where({ client_id: key }).update({ last_four: 'h4Xq' })

    expect(await stop(jwt, /Access token\s+Works[\s\S]*Invoice export/, 'Revoke token', 'Revoke token')).toBe(3)
    await page.getByText('Token revoked.').waitFor()
    expect((await server.introspect(jwt, server.firstStart.api)).body.active).toBe(false)

    expect(
      await stop(pair.clientSecret, /Client secret\s+Works[\s\S]*Key pair of/, 'Stop key pair', 'Stop key pair'),
    ).toBe(3)
    await page.getByText('Key pair stopped.').waitFor()
    expect(await isWorking(pair)).toBe(false)

    expect(await stop('h4Xq', /2 matches[\s\S]*Leaky mailer/, 'Archive Leaky mailer', 'Archive')).toBe(3)
    await page.getByText('Application archived').waitFor()
    expect(await isWorking(others[0]!)).toBe(false)

    await stop(jwt, /Does not work[\s\S]*The access token was revoked[\s\S]*Revoked by/)
    await stop(pair.clientSecret, /Does not work[\s\S]*The key pair was stopped for good[\s\S]*Stopped by/)

    const typed = { jwt, signature: jwt.split('.')[2]!, secret: pair.clientSecret }
    expect(foundIn(JSON.stringify(server.logLines()), typed)).toEqual([])
    expect(foundIn(await allRows(server.knex), typed)).toEqual([])
    expect(JSON.stringify(server.logLines())).not.toContain('h4Xq')
  })

  test.each(['light', 'dark'] as const)('axe finds nothing on a phone, %s', async (colorScheme) => {
    await page.setViewportSize(PHONE)
    await page.emulateMedia({ colorScheme })
    const { clientId } = await server.make.register({ settings: { name: 'Names'.repeat(20) } })
    for (const text of [clientId, 'h4Xq', '']) {
      await page.goto(`${server.url}/inspect`)
      await page.getByLabel('Text to inspect').fill(text)
      await page.getByRole('button', { name: 'Inspect' }).click()
      const rules = colorScheme === 'light' ? 'all' : 'contrast'
      expect([text, await violationsOf(page, rules), await overhangOf(page)]).toEqual([text, [], 0])
    }
  })
})
