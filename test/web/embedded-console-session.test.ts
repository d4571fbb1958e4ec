/** The console in a frame of the company's product, in Chromium, which stores no cookies of other sites but partitioned ones. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { updateInstanceSettings } from '../../src/clients/instance-settings.ts'
import { launchBrowser, PHONE, type RealBrowser } from '../support/browser.ts'
import { findChromium } from '../support/debian.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { freePort } from '../support/program.ts'
import { send } from '../support/requests.ts'
import { createTlsSites, forwardTo, SITES_ARGUMENTS } from '../support/tls-sites.ts'
import { createService, type Service } from './console-session-fixtures.ts'

const chromium = await findChromium()

let server: Keywright
let service: Service
let browser: RealBrowser
let sites: ReturnType<typeof createTlsSites>
let product: string
let stranger: string

/** A page that shows an address in a frame, sets its height, and keeps the messages that it receives. */
const framing = (address: string) => `<!doctype html><html><body><h1>Product</h1>
<iframe id="frame" src="${address.replaceAll('&', '&amp;').replaceAll('"', '&quot;')}" style="width:100%;border:0"></iframe>
<script>
window.received = []
addEventListener('message', ({ data, origin }) => {
  received.push({ ...data, origin })
  if (data.type === 'keywright:height') document.getElementById('frame').style.height = data.height + 'px'
})
</script></body></html>`

/** What a page sets that shows the cookies that it got. */
const COOKIES = ['across=1; Secure; SameSite=None', 'within=1; Secure; SameSite=None; Partitioned']

beforeAll(async () => {
  if (!chromium) return
  sites = createTlsSites()
  const [issuerPort, productPort, strangerPort] = [await freePort(), await freePort(), await freePort()]
  const issuer = `https://keys.keywright.test:${issuerPort}`
  product = `https://app.acme.test:${productPort}`
  stranger = `https://stranger.test:${strangerPort}`
  server = await startKeywright({ env: { ISSUER: issuer, TRUST_PROXY: 'on' } })
  service = await createService(server)
  const changes = { productOrigins: [product], font: 'serif' as const, accent: '#0a7d4f' }
  await server.knex.transaction((trx) => updateInstanceSettings(trx, changes, ACTOR))
  await sites.serve(
    issuerPort,
    forwardTo(() => server.url),
  )
  for (const port of [productPort, strangerPort]) {
    await sites.serve(port, (incoming, outgoing) => {
      const { pathname, searchParams } = new URL(incoming.url!, product)
      const isCookies = pathname === '/cookies'
      outgoing.writeHead(200, { 'content-type': 'text/html', ...(isCookies && { 'set-cookie': COOKIES }) })
      outgoing.end(isCookies ? `[${incoming.headers.cookie}]` : framing(searchParams.get('address') ?? 'about:blank'))
    })
  }
  browser = await launchBrowser(chromium, SITES_ARGUMENTS)
})

afterAll(async () => {
  if (!chromium) return
  await browser.close()
  await sites.close()
  await server.stop()
})

const create = (more: object = {}) =>
  service.create({ return_url: `${product}/keys`, embed_origin: product, ...more }, { name: 'Ada' })

async function openFramed(origin: string, address: string, options = {}): Promise<Page> {
  const page = await browser.open({ ignoreHTTPSErrors: true, ...options })
  await page.goto(`${origin}/?address=${encodeURIComponent(address)}`)
  return page
}

const messagesTo = (page: Page): Promise<{ type: string; height?: number; reason?: string; origin: string }[]> =>
  page.evaluate('window.received')

test.skipIf(!chromium)('the browser of these tests sends another site no cookies but partitioned ones', async () => {
  const page = await browser.open({ ignoreHTTPSErrors: true })
  const cookies = `${stranger}/cookies`
  await page.goto(cookies)
  await page.goto(cookies)
  expect(await page.textContent('body')).toBe('[across=1; within=1]')
  await page.goto(`${product}/?address=${encodeURIComponent(cookies)}`)
  await page.frames()[1]!.goto(cookies)
  expect(await page.frames()[1]!.textContent('body')).toBe('[within=1]')
})

describe.skipIf(!chromium)('in a frame of the product', () => {
  it('an admin generates a key pair with two clicks, without cookies of other sites', async () => {
    const page = await openFramed(product, await create())
    const frame = page.frameLocator('#frame')
    await frame.getByRole('link', { name: 'Generate keys' }).click()
    await frame.getByRole('button', { name: 'Generate keys' }).click()
    await frame.getByText('Copy the secret now').waitFor()
    expect(await frame.locator('input[value^="kws_"]').count()).toBe(1)
    expect(await frame.getByText('Run in a new tab').count()).toBe(0)
    const cookies = await page.context().cookies(server.issuer)
    expect(cookies.map(({ name, partitionKey }) => [name, partitionKey]).toSorted()).toEqual([
      ['__Host-kw_console', 'https://acme.test'],
      ['__Host-kw_csrf', 'https://acme.test'],
    ])
    expect(await page.context().pages()).toHaveLength(1)
  })

  it('the frame tells its height to that origin, and needs no scrolling', async () => {
    const page = await openFramed(product, await create())
    await page.frameLocator('#frame').getByRole('link', { name: 'Generate keys' }).waitFor()
    const { issuer } = server
    await until(async () => (await messagesTo(page)).some(({ height }) => height! > 100))
    for (const message of await messagesTo(page))
      expect(message).toMatchObject({ type: 'keywright:height', origin: issuer })
    const frame = page.frames()[1]!
    await until(async () => await frame.evaluate<boolean>('document.documentElement.scrollHeight <= innerHeight'))
  })

  it.each([
    ['light', PHONE],
    ['dark', undefined],
  ] as const)('has the font and the accent of the product and no header: %s', async (colorScheme, viewport) => {
    const page = await openFramed(product, await create(), { colorScheme, ...(viewport && { viewport }) })
    const frame = page.frameLocator('#frame')
    await frame.getByRole('link', { name: 'Generate keys' }).waitFor()
    expect(await frame.locator('header').count()).toBe(0)
    const frameOf = page.frames()[1]!
    expect(await frameOf.evaluate('getComputedStyle(document.body).fontFamily')).toMatch(/^charter/)
    expect(await frameOf.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
  })

  it('a session that was ended says so in the frame, and tells the product', async () => {
    const page = await openFramed(product, await create())
    await page.frameLocator('#frame').getByRole('link', { name: 'Generate keys' }).waitFor()
    await server.knex('engine_models').where({ model: 'Session' }).update({ payload: null })
    await page.frameLocator('#frame').getByRole('link', { name: 'Generate keys' }).click()
    await page.frameLocator('#frame').getByText('This session has ended').waitFor()
    await until(async () => (await messagesTo(page)).some(({ type }) => type === 'keywright:session-over'))
  })

  it('a URL without embed_origin is shown in no frame', async () => {
    const page = await openFramed(product, await create({ embed_origin: undefined }))
    await until(() => page.frames()[1]!.url().startsWith('chrome-error:'))
  })
})

describe.skipIf(!chromium)('outside of it', () => {
  it('a page of another origin frames nothing, and does not use up the URL', async () => {
    const url = await create()
    const page = await openFramed(stranger, url)
    await until(() => page.frames()[1]!.url().startsWith('chrome-error:'))
    expect(await messagesTo(page)).toEqual([])
    const framed = await openFramed(product, url)
    await framed.frameLocator('#frame').getByRole('link', { name: 'Generate keys' }).waitFor()
  })

  it('the URL does not open by itself', async () => {
    const page = await browser.open({ ignoreHTTPSErrors: true })
    const answer = await page.goto(await create())
    expect(answer!.status()).toBe(403)
    await page.getByText('works only within').waitFor()
  })

  it('the sign-in page is framed by nobody, also with the cookie of a session that has ended', async () => {
    const opened = await send((await create()).replace(server.issuer, server.url), { redirect: 'manual' })
    const cookie = opened.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ')
    expect(cookie).toContain('kw_console=')
    const shown = async (path: string) =>
      (await send(server.url + path, { headers: { cookie, accept: 'text/html' } })).headers
    expect((await shown('/settings/api')).get('content-security-policy')).toContain(`frame-ancestors ${product}`)
    await server.knex('engine_models').where({ model: 'Session' }).update({ payload: null })
    const signIn = await shown('/signin')
    expect(signIn.get('content-security-policy')).toContain(`frame-ancestors 'none'`)
    expect(signIn.get('x-frame-options')).toBe('DENY')
  })

  it.each(['https://evil.example', 'null', '*', 'https://app.acme.test/', "https://app.acme.test 'unsafe-inline'"])(
    'the embed origin %s is refused',
    async (embed_origin) => {
      const { status, text } = await service.post(service.request({ return_url: `${product}/`, embed_origin }))
      expect([status, text]).toEqual([400, expect.stringContaining('embed_origin')])
    },
  )
})
