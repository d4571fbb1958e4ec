/** A key pair that the browser generates for an application: only its public key is sent. */
import { importPKCS8 } from 'jose'
import type { Request } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchBrowser, overhangOf, PHONE, type RealBrowser, violationsOf } from '../../support/browser.ts'
import { assertionForm, newClientKey, signAssertion } from '../../support/client-assertions.ts'
import { findChromium } from '../../support/debian.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { createTestUser, type Person } from '../../support/test-users.ts'

const chromium = await findChromium()

let server: Keywright
let browser: RealBrowser
let admin: Person
let clientId: string
let present: Awaited<ReturnType<typeof newClientKey>>

beforeAll(async () => {
  if (!chromium) return
  server = await startKeywright()
  const account = await server.make.account()
  admin = await createTestUser(server.knex, account, 'admin')
  present = await newClientKey()
  const settings = { authMethod: 'private_key_jwt' } as const
  clientId = (await server.make.register({ settings, account, keys: present.parsed })).clientId
  browser = await launchBrowser(chromium)
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
})

async function openForm(look: object = {}) {
  const page = await browser.open(look)
  await page.goto(`${server.url}/signin`)
  await page.fill('input[name=email]', admin.email)
  await page.fill('input[name=password]', admin.password)
  await page.click('main button')
  await page.waitForURL(`${server.url}/`)
  await page.goto(`${server.url}/applications/${clientId}/keys/new`)
  return page
}

/** All that a request sends. */
const sentBy = async (request: Request): Promise<string> =>
  [request.method(), request.url(), JSON.stringify(await request.allHeaders()), request.postDataBuffer()].join('\n')

describe.skipIf(!chromium)('a key pair that the browser generates', () => {
  it('authenticates the application, and no request carries the private key', async () => {
    const page = await openForm()
    const requests: Request[] = []
    page.on('request', (request) => requests.push(request))
    await page.getByRole('button', { name: 'Generate a key pair in this browser' }).click()
    const shown = page.getByLabel('Private key', { exact: true })
    await shown.waitFor({ state: 'visible' })
    const pem = await shown.inputValue()
    const saving = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Save as a file' }).click()
    expect((await saving).suggestedFilename()).toBe('private-key.pem')
    const { x } = JSON.parse(await page.inputValue('[name=jwks]')).keys[0]
    await page.click('.form-actions button')
    await page.getByText('Public keys added.').waitFor()

    const privateKey = await importPKCS8(pem, 'ES256', { extractable: true })
    const { d } = (await crypto.subtle.exportKey('jwk', privateKey)) as { d: string }
    const sent = await Promise.all(requests.map(sentBy))
    expect(sent.some((text) => text.includes(x))).toBe(true)
    const secret = [
      d,
      Buffer.from(d, 'base64url').toString('base64'),
      ...pem.split('\n').filter((line) => line.length > 10),
    ]
    for (const text of sent) expect(secret.filter((part) => text.includes(part))).toEqual([])
    expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0)

    const assertion = await signAssertion({ ...present, privateKey }, { clientId, audience: server.issuer })
    const { status } = await server.token({ grant_type: 'client_credentials', ...assertionForm(assertion) })
    expect(status).toBe(200)
    await page.context().close()
  })

  it.each([
    ['light', {}],
    ['dark', PHONE],
  ] as const)('has nothing for axe to find, and stays in its room: %s %j', async (colorScheme, size) => {
    const page = await openForm({ colorScheme, ...('width' in size && { viewport: size }) })
    await page.getByRole('button', { name: 'Generate a key pair in this browser' }).click()
    await page.getByLabel('Private key', { exact: true }).waitFor({ state: 'visible' })
    expect([await violationsOf(page), await overhangOf(page)]).toEqual([[], 0])
    if (process.env.SHOTS)
      await page.screenshot({ path: `${process.env.SHOTS}/keys-${colorScheme}.png`, fullPage: true })
    await page.context().close()
  })

  it('is not offered without scripts, where a key is entered or chosen as a file', async () => {
    const page = await openForm({ javaScriptEnabled: false })
    expect(await page.getByRole('button', { name: 'Generate a key pair in this browser' }).isVisible()).toBe(false)
    const other = await newClientKey('EdDSA')
    await page.fill('[name=jwks]', JSON.stringify(other.jwk))
    await page.click('.form-actions button')
    expect(await page.getByText('Public keys added.').isVisible()).toBe(true)
    await page.context().close()
  })
})
