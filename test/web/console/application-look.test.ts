import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DESK, launchBrowser, overhangOf, PHONE, type RealBrowser, violationsOf } from '../../support/browser.ts'
import { findChromium } from '../../support/debian.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'

const chromium = await findChromium()

/** As long as names get, without a place to break. */
const LONG = `${'Aeroplane'.repeat(15)} & Söhne <b>`

let server: Keywright
let browser: RealBrowser
let admin: Person
let clientId: string

beforeAll(async () => {
  if (!chromium) return
  server = await startKeywright()
  const account = await server.make.account()
  admin = await createTestUser(server.knex, account, 'admin')
  const settings = { name: LONG, redirectUris: [`https://${'long-'.repeat(12)}.example.com/${'path'.repeat(50)}`] }
  const grants = ['authorization_code', 'client_credentials', 'refresh_token']
  const client = await server.make.register({ settings: { ...settings, grants }, account })
  clientId = client.clientId
  await server.machineToken(client)
  browser = await launchBrowser(chromium)
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

async function enter(look: object) {
  const page = await browser.open(look)
  await page.goto(`${server.url}/signin`)
  await page.fill('input[name=email]', admin.email)
  await page.fill('input[name=password]', admin.password)
  await page.click('main button')
  await page.waitForURL(`${server.url}/`)
  return page
}

describe.skipIf(!chromium)('the pages of applications', () => {
  it.each([
    ['light', PHONE],
    ['dark', DESK],
  ] as const)('have nothing for axe to find, and stay in their room: %s %j', async (colorScheme, viewport) => {
    const page = await enter({ viewport, colorScheme })
    const rest = [
      '',
      '/edit',
      '/key',
      '/method',
      '/secrets',
      '/archive',
      '/restore',
      '/tokens',
      '/grants',
      '/revoke',
      '/try',
    ]
    const paths = ['', '?search=nothing', '/new', '/new?type=web', ...rest.map((one) => `/${clientId}${one}`)]
    for (const path of paths) {
      await page.goto(`${server.url}/applications${path}`)
      expect([path, await violationsOf(page), await overhangOf(page)]).toEqual([path, [], 0])
    }
    await page.goto(`${server.url}/applications/new`)
    await page.getByText('Web application').click()
    await page.fill('[name=redirectUris]', 'javascript:alert(1)')
    await page.click('.form-actions button')
    await page.waitForSelector('.error-summary')
    expect([await violationsOf(page), await overhangOf(page)]).toEqual([[], 0])
    await page.context().close()
  })

  it('show a long name above the title in one line, and no empty part of a row, on a phone', async () => {
    const page = await enter({ viewport: PHONE })
    await page.goto(`${server.url}/applications/${clientId}/secrets`)
    const lines = `[...document.querySelectorAll('.breadcrumbs a')].map((one) => one.scrollHeight - one.clientHeight)`
    expect(await page.evaluate(lines)).toEqual([0, 0])
    await page.goto(`${server.url}/applications/${clientId}`)
    const shown = page.getByRole('table', { name: 'Credentials' }).getByRole('cell')
    expect(await shown.evaluateAll((cells) => cells.filter((one) => one.textContent!.trim() === '').length)).toBe(0)
    await page.context().close()
  })

  it.each(['/new?type=service', 'method'])(
    'show the fields of the chosen authentication method alone: %s',
    async (path) => {
      const page = await enter({ viewport: DESK, javaScriptEnabled: false })
      await page.goto(`${server.url}/applications${path === 'method' ? `/${clientId}/method` : path}`)
      for (const summary of await page.locator('.console-form summary').all()) await summary.click()
      const own = { private_key_jwt: 'jwks', tls_client_auth: 'certificateName', workload_identity: 'trustIssuer' }
      for (const method of Object.keys(own)) {
        await page.check(`[name=authMethod][value=${method}]`)
        const shown = Object.entries(own).map(async ([one, field]) => [one, await page.isVisible(`[name=${field}]`)])
        const expected = Object.keys(own).map((one) => [one, one === method])
        expect([method, await Promise.all(shown)]).toEqual([method, expected])
      }
      // A field with an error is shown, and what was typed in it is there.
      await page.check('[name=authMethod][value=private_key_jwt]')
      await page.fill('[name=jwks]', 'no key')
      if (path !== 'method') await page.fill('[name=name]', 'Wrong key')
      await page.click('.form-actions button')
      await page.waitForSelector('.error-summary')
      expect([await page.inputValue('[name=jwks]'), await page.isVisible('[name=jwks]')]).toEqual(['no key', true])
      await page.context().close()
    },
  )

  it('can be filled in by keyboard alone, and the error is where the eyes are', async () => {
    const page = await enter({ viewport: DESK })
    await page.goto(`${server.url}/applications`)
    await page.getByRole('link', { name: 'Add application' }).press('Enter')
    await page.getByRole('link', { name: 'Service' }).press('Enter')
    await page.focus('[name=name]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.error-summary:focus')
    await page.click('.error-summary a')
    expect(await page.evaluate('document.activeElement.name')).toBe('name')
    await page.keyboard.type('By keyboard')
    await page.keyboard.press('Enter')
    await page.waitForSelector('#secret-once')
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('By keyboard was added')
    await page.context().close()
  })
})
