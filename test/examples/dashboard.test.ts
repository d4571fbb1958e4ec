/**
 * examples/dashboard: the customers of a company get API keys in the company's own pages. In Chromium, framed from another site, without
 * cookies of other sites, with an API behind nginx, until the customer's identity provider removes the user by SCIM.
 */
import type { Page, Request } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { updateInstanceSettings } from '../../src/clients/instance-settings.ts'
import { patchOf } from '../api/scim-fixtures.ts'
import { launchBrowser, overhangOf, PHONE, type RealBrowser } from '../support/browser.ts'
import { findChromium } from '../support/debian.ts'
import { ACTOR } from '../support/factory.ts'
import { until } from '../support/load.ts'
import { managingApplication } from '../support/management.ts'
import { freePort, openDirectory, type Program, removeDirectory, startProgram } from '../support/program.ts'
import { send } from '../support/requests.ts'
import { createTlsSites, forwardTo, SITES_ARGUMENTS } from '../support/tls-sites.ts'
import {
  ask,
  type ExampleEnvironment,
  examplePath,
  startExampleEnvironment,
  startVerifier,
  untilRejected,
} from './example-environment.ts'
import { nginx, startNginx } from './nginx-environment.ts'

const chromium = await findChromium()
const isInstalled = chromium !== undefined && nginx !== undefined

const ADMIN_TOKEN = 'secret of the staff'

const KEEP_EVENTS = `window.events = []
for (const name of ['generated', 'stopped', 'session-over', 'error'])
  addEventListener('keywright-' + name, ({ type, detail }) => events.push({ type, detail }))`

const UNCERTAIN = 'This may have worked. Load the keys again to see.'

type Answer = 'abort' | { status?: number; json: object }

let environment: ExampleEnvironment
let verifier: Program
let gateway: Program
let dashboard: Program
let browser: RealBrowser
let sites: ReturnType<typeof createTlsSites>
let home: string
let product: string
let accountId: string
/** What the customer has entered at its identity provider. */
let directory: { base_url: string; token: string }
/** Paths that resource servers have asked Keywright for. */
const lookups: string[] = []

beforeAll(async () => {
  if (!isInstalled) return
  sites = createTlsSites()
  home = await openDirectory()
  const [issuerPort, productPort, port] = [await freePort(), await freePort(), await freePort()]
  const issuer = `https://localhost:${issuerPort}`
  product = `https://app.acme.test:${productPort}`
  environment = await startExampleEnvironment({ ISSUER: issuer, TRUST_PROXY: 'on' })
  const { server, upstream, api } = environment
  await server.knex('apis').update({ is_default: false })
  await server.knex('apis').where({ identifier: api.identifier }).update({ is_default: true })
  await server.knex.transaction((trx) => updateInstanceSettings(trx, { productOrigins: [product] }, ACTOR))
  const forward = forwardTo(() => server.url)
  await sites.serve(issuerPort, (incoming, outgoing) => {
    if (!incoming.headers['user-agent']?.startsWith('Mozilla')) lookups.push(incoming.url!)
    forward(incoming, outgoing)
  })
  verifier = await startVerifier(environment, { NODE_EXTRA_CA_CERTS: sites.ca })
  gateway = await startNginx({ upstream, home }, verifier.url)
  const { clientId, clientSecret } = await managingApplication(server, null)
  dashboard = await startProgram([process.execPath, examplePath('dashboard/server.mjs')], port, {
    KEYWRIGHT_URL: server.url,
    KEYWRIGHT_PUBLIC_URL: issuer,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    ORIGIN: product,
    PORT: String(port),
    ADMIN_TOKEN,
  })
  await sites.serve(
    productPort,
    forwardTo(() => dashboard.url),
  )
  browser = await launchBrowser(chromium!, SITES_ARGUMENTS)
  accountId = (await administrate('/customers', { id: 'cus_8Jx2', name: 'Weather watchers' })).account_id
  directory = await administrate('/identity-providers', { customer: 'cus_8Jx2' })
})

afterAll(async () => {
  if (!isInstalled) return
  await browser?.close()
  await dashboard?.stop()
  await gateway?.stop()
  await verifier?.stop()
  await sites.close()
  await environment.stop()
  await removeDirectory(home)
})

async function administrate(path: string, body: object) {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' }
  const answer = await send(`${dashboard.url}/admin${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text} ${dashboard.written()}`)
  return answer.body
}

/** An admin of the customer, who is signed in to the product. */
async function enter(id: string, path: string): Promise<Page> {
  const user = { id, customer: 'cus_8Jx2', email: `${id}@example.com`, name: 'Ada', role: 'admin' }
  const { sign_in } = await administrate('/users', user)
  const page = await browser.open({ ignoreHTTPSErrors: true })
  await page.addInitScript(KEEP_EVENTS)
  await page.goto(product + sign_in)
  await page.goto(product + path)
  return page
}

/** The events of the component, in the order in which the product got them. */
const eventsOf = (page: Page): Promise<{ type: string; detail: object }[]> => page.evaluate('window.events')

/** The page with the component alone, whose requests get these answers: `abort` is the network, `undefined` passes a request on. */
async function openOwn(id: string, answer: (request: Request) => Answer | undefined): Promise<Page> {
  const page = await enter(id, '/keys')
  await page.route(`${product}/api/keys**`, async (route) => {
    const given = answer(route.request())
    if (given === 'abort') await route.abort()
    else if (given) await route.fulfill(given)
    else await route.continue()
  })
  await page.goto(`${product}/keys/own`)
  return page
}

const PAIR = { status: 'active', pair_name: null, client_id: 'kwc_1', last_four: 'abcd', last_used_at: null }
const LISTED = { json: { items: [{ ...PAIR, created_at: '2026-01-02T03:04:05Z' }] } }
const GENERATED = { json: { client_id: 'kwc_2', client_secret: 'kws_2' } }

/** Answers that list a key pair, and one to the request that changes something. */
const listing = (changed: Answer) => (request: Request) => (request.method() === 'GET' ? LISTED : changed)

async function clickAll(page: Page, ...names: string[]): Promise<void> {
  for (const name of names) await page.getByRole('button', { name, exact: true }).click()
}

async function tokenOf(clientId: string, clientSecret: string): Promise<string> {
  const { status, text, body } = await environment.server.machineToken({ clientId, clientSecret })
  if (status !== 200) throw new Error(text)
  return body.access_token
}

/** What a resource server reads again from time to time, whatever requests it gets. */
const isPeriodic = (path: string) => /^\/(oauth2\/(status|jwks)|\.well-known)/.test(path)

/** The API reads the account in a header, and nobody asks Keywright. */
async function expectReachesApi(token: string): Promise<void> {
  const before = lookups.length
  for (let n = 0; n < 3; n++) {
    const { status, body } = await ask(gateway, token)
    expect([status, body.headers['x-account-id']]).toEqual([200, accountId])
  }
  expect(lookups.slice(before).filter((path) => !isPeriodic(path))).toEqual([])
}

/** A request of the customer's identity provider. */
async function provision(method: string, path: string, change?: object) {
  expect(directory.base_url).toBe(`${environment.issuer}/scim/v2`)
  const headers = { authorization: `Bearer ${directory.token}`, 'content-type': 'application/scim+json' }
  const request = { method, headers, ...(change && { body: JSON.stringify(change) }) }
  return await send(`${environment.server.url}/scim/v2${path}`, request)
}

/** The ID of a user, whom an identity provider finds by their address. */
async function provisionedId(email: string): Promise<string> {
  const found = await provision('GET', `/Users?filter=${encodeURIComponent(`userName eq "${email}"`)}`)
  expect([found.status, found.body.totalResults]).toEqual([200, 1])
  return found.body.Resources[0].id
}

/** An admin who has generated keys with two clicks in the frame. */
async function generateInFrame(id: string) {
  const page = await enter(id, '/keys')
  const frame = page.frameLocator('keywright-keys iframe')
  await frame.getByRole('link', { name: 'Generate keys' }).click()
  await frame.getByRole('button', { name: 'Generate keys' }).click()
  await frame.getByText('Copy the secret now').waitFor()
  const clientId = await frame.locator('input[value^="kwc_"]').inputValue()
  const clientSecret = await frame.locator('input[value^="kws_"]').inputValue()
  return { page, frame, clientId, clientSecret, token: await tokenOf(clientId, clientSecret) }
}

/** How long it took is printed, not asserted: it depends on the machine. */
async function expectEnds({ token, clientId, clientSecret }: Awaited<ReturnType<typeof generateInFrame>>, by: string) {
  const endedAt = performance.now()
  const { status, challenge } = await untilRejected(gateway, token)
  process.stdout.write(`${by}: refused behind nginx after ${Math.round(performance.now() - endedAt)} ms\n`)
  expect([status, challenge]).toEqual([401, expect.stringContaining('invalid_token')])
  await expect(tokenOf(clientId, clientSecret)).rejects.toThrow('invalid_client')
}

/** What identity providers send when an admin leaves the customer. */
const REMOVALS = [
  ['Okta', 'PATCH', patchOf({ op: 'replace', value: { active: false } })],
  ['Entra', 'PATCH', patchOf({ op: 'Replace', path: 'active', value: 'False' })],
  ['deletion', 'DELETE', undefined],
] as const

describe.skipIf(!isInstalled)('the dashboard', () => {
  it.each(REMOVALS)(
    'an admin clicks two buttons in a frame and has keys, which end when the identity provider removes the admin: %s',
    async (by, method, change) => {
      const id = `usr-${by}`.toLowerCase()
      const admin = await generateInFrame(id)
      await expectReachesApi(admin.token)
      const user = await provisionedId(`${id}@example.com`)
      const removed = await provision(method, `/Users/${user}`, change)
      expect([removed.status, removed.body.active]).toEqual(change ? [200, false] : [204, undefined])
      await expectEnds(admin, `SCIM, ${by}`)
      await admin.frame.getByRole('link', { name: 'I have copied them' }).click()
      // The frame tells the product that its session has ended, and the product loads its page again.
      if (change) await admin.page.getByText('You have no access').waitFor()
    },
  )

  it('an admin whom the company removes loses the keys too', async () => {
    const admin = await generateInFrame('usr-framed')
    await administrate('/removed-users', { id: 'usr-framed' })
    await expectEnds(admin, 'management API')
    await admin.frame.getByRole('link', { name: 'I have copied them' }).click()
    await admin.page.getByText('sign in first').waitFor()
  })

  it('the URL of a session is loaded once, and all cookies in the frame are partitioned', async () => {
    const page = await enter('usr-loads', '/keys')
    const opened: string[] = []
    page.on('request', (request) => opened.push(request.url()))
    await page.reload()
    const frame = page.frameLocator('keywright-keys iframe')
    await frame.getByRole('link', { name: 'Generate keys' }).click()
    // A page with a form, which has the other cookie.
    await frame.getByRole('button', { name: 'Generate keys' }).waitFor()
    const isSameFrame = await page.evaluate(`(async () => {
      const keys = document.querySelector('keywright-keys')
      const frame = keys.shadowRoot.querySelector('iframe')
      keys.setAttribute('session-url', keys.getAttribute('session-url'))
      keys.lang = 'de'
      await Promise.resolve()
      return frame === keys.shadowRoot.querySelector('iframe')
    })()`)
    expect(isSameFrame).toBe(true)
    expect(opened.filter((url) => url.includes('/console-sessions/open'))).toHaveLength(1)
    const cookies = await page.context().cookies(environment.issuer)
    const site = 'https://acme.test'
    expect(cookies.map(({ name, partitionKey }) => [name, partitionKey]).toSorted()).toEqual([
      ['__Host-kw_console', site],
      ['__Host-kw_csrf', site],
    ])
  })

  it('the component generates keys with two clicks without a frame, lists them and stops them', async () => {
    const page = await enter('usr-own', '/keys/own')
    const sent: string[] = []
    page.on('request', (request) => sent.push(new URL(request.url()).origin))
    await page.getByRole('button', { name: 'Generate keys' }).click()
    await page.getByRole('button', { name: 'Generate keys now' }).click()
    const clientId = await page.getByLabel('Client ID').inputValue()
    const clientSecret = await page.getByLabel('Client secret').inputValue()
    const token = await tokenOf(clientId, clientSecret)
    await expectReachesApi(token)
    await page.getByRole('button', { name: 'I have copied them' }).click()
    await page.getByText(clientId).waitFor()
    expect(await page.locator('keywright-keys input').count()).toBe(0)
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByRole('button', { name: 'Stop these keys' }).click()
    await page.getByText('No API keys yet').waitFor()
    expect((await untilRejected(gateway, token)).status).toBe(401)
    const events = await eventsOf(page)
    expect(events).toEqual([
      { type: 'keywright-generated', detail: { clientId } },
      { type: 'keywright-stopped', detail: { clientId } },
    ])
    const stored = await page.evaluate<string>(
      'JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])',
    )
    expect(JSON.stringify(events) + stored).not.toContain(clientSecret)
    // The token that acts for the user stays in the back end of the product.
    expect(new Set(sent)).toEqual(new Set([product]))
  })

  it.each([
    ['generates, and the network fails', 'abort', 0, UNCERTAIN],
    ['generates, and a proxy fails', { status: 504, json: {} }, 504, UNCERTAIN],
    ['generates, and does not answer in time', { status: 408, json: {} }, 408, UNCERTAIN],
    ['generates, and is refused', { status: 409, json: {} }, 409, 'This did not work. Nothing was changed.'],
  ] as const)('the component says what a failure changed: %s', async (_, answer, status, text) => {
    const page = await openOwn('usr-failing', listing(answer))
    await clickAll(page, 'Generate new keys', 'Generate keys now')
    expect(await page.getByRole('alert').textContent()).toBe(text)
    expect(await eventsOf(page)).toEqual([{ type: 'keywright-error', detail: { status } }])
    await clickAll(page, 'Load the keys again')
    await page.getByText('kwc_1').waitFor()
  })

  it('the component says that the keys could not be loaded when the network fails', async () => {
    let isOnline = false
    const page = await openOwn('usr-offline', () => (isOnline ? LISTED : 'abort'))
    expect(await page.getByRole('alert').textContent()).toBe('The keys could not be loaded.')
    expect(await eventsOf(page)).toEqual([{ type: 'keywright-error', detail: { status: 0 } }])
    isOnline = true
    await clickAll(page, 'Try again')
    await page.getByText('kwc_1').waitFor()
  })

  it('the component says that it loads until it has an answer', async () => {
    const page = await enter('usr-waiting', '/keys')
    const answered = Promise.withResolvers<void>()
    await page.route(`${product}/api/keys`, async (route) => {
      await answered.promise
      await route.fulfill(LISTED)
    })
    await page.goto(`${product}/keys/own`)
    const loading = page.getByText('Loading…')
    await loading.waitFor()
    answered.resolve()
    await page.getByText('kwc_1').waitFor()
    expect(await loading.count()).toBe(0)
  })

  it('the component does not say that nothing was changed when keys were stopped and the list fails', async () => {
    let isStopped = false
    const page = await openOwn('usr-stopping', (request) => {
      if (request.method() === 'POST') isStopped = true
      return request.method() === 'POST' ? { json: {} } : isStopped ? { status: 502, json: {} } : LISTED
    })
    await clickAll(page, 'Stop', 'Stop these keys')
    expect(await page.getByRole('alert').textContent()).toBe('The keys could not be loaded.')
    expect(await eventsOf(page)).toEqual([
      { type: 'keywright-stopped', detail: { clientId: 'kwc_1' } },
      { type: 'keywright-error', detail: { status: 502 } },
    ])
  })

  it('a secret stays until the user has copied it, whatever the product does with the component', async () => {
    const page = await openOwn('usr-secret', listing(GENERATED))
    const disturb = `(async () => {
      const keys = document.querySelector('keywright-keys')
      keys.lang = keys.lang === 'de' ? 'en' : 'de'
      await keys.refresh()
      keys.parentNode.append(keys)
      await Promise.resolve()
    })()`
    await page.route(`${product}/api/keys`, async (route) => {
      if (route.request().method() === 'POST') await page.evaluate(disturb)
      await route.fallback()
    })
    await clickAll(page, 'Generate new keys', 'Generate keys now')
    const secret = page.locator('keywright-keys input[value="kws_2"], keywright-keys #clientSecret')
    expect(await secret.inputValue()).toBe('kws_2')
    await page.evaluate(disturb)
    await page.evaluate(disturb)
    expect(await secret.count()).toBe(1)
    await clickAll(page, 'Ich habe sie kopiert')
    await page.getByText('Client-Secret endet auf').waitFor()
    expect(await secret.count()).toBe(0)
  })

  it.each([
    ['there is no clipboard', 'undefined'],
    ['the browser refuses', `{ writeText: () => Promise.reject(new DOMException('', 'NotAllowedError')) }`],
  ])('the component says that copying is blocked, and selects the text: %s', async (_, clipboard) => {
    const page = await openOwn('usr-blocked', listing(GENERATED))
    await page.evaluate(`Object.defineProperty(navigator, 'clipboard', { value: ${clipboard} })`)
    await clickAll(page, 'Generate new keys', 'Generate keys now')
    const copy = page.getByRole('button', { name: 'Copy', exact: true })
    await copy.last().click()
    await page.getByText('Copying is blocked by your browser. Copy the selected text yourself.').waitFor()
    const selected = `(({ value, selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd))
      (document.querySelector('keywright-keys').shadowRoot.activeElement)`
    expect(await page.evaluate(selected)).toBe('kws_2')
    expect(await copy.count()).toBe(2)
  })

  it('the component says what it has copied', async () => {
    const page = await openOwn('usr-copying', listing(GENERATED))
    await page.evaluate(
      `Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text } } })`,
    )
    await clickAll(page, 'Generate new keys', 'Generate keys now')
    await page.getByRole('button', { name: 'Copy', exact: true }).last().click()
    await page.getByRole('button', { name: 'Copied', exact: true }).waitFor()
    expect(await page.evaluate('window.copied')).toBe('kws_2')
    expect(await page.getByRole('status').textContent()).toBe('Copied')
  })

  it.each([
    ['', 'Generated'],
    ['de_DE', 'Generiert'],
    ['de-AT', 'Generiert'],
    ['DE', 'Generiert'],
    ['den', 'Generated'],
    ['de!', 'Generated'],
  ])('the component lists keys in a page whose language is "%s"', async (language, text) => {
    const page = await openOwn('usr-language', listing(GENERATED))
    await page.getByText('kwc_1').waitFor()
    await page.evaluate(
      `document.documentElement.lang = '${language}'; document.querySelector('keywright-keys').refresh()`,
    )
    await page.getByText('kwc_1').waitFor()
    await page.getByText(text, { exact: true }).waitFor()
    expect(await eventsOf(page)).toEqual([])
  })

  it.each(['en', 'de'])('the component is no wider than a phone: %s', async (language) => {
    const long = { client_id: `kwc_${'m'.repeat(43)}`, client_secret: `kws_${'m'.repeat(43)}` }
    const page = await openOwn('usr-phone', (request) => ({
      json: request.method() === 'GET' ? { items: [{ ...PAIR, ...long }] } : long,
    }))
    await page.setViewportSize(PHONE)
    await page.evaluate(`document.querySelector('keywright-keys').lang = '${language}'`)
    const buttons = page.getByRole('button')
    await page.getByText(long.client_id).waitFor()
    expect(await overhangOf(page)).toBe(0)
    await buttons.last().click()
    expect(await overhangOf(page)).toBe(0)
    await buttons.first().click()
    await page.locator('keywright-keys input').first().waitFor()
    expect(await overhangOf(page)).toBe(0)
  })

  it('the pages in the frame are no wider than a phone', async () => {
    const { page, frame } = await generateInFrame('usr-small')
    await page.setViewportSize(PHONE)
    const widths = () => frame.locator('html').evaluate(({ scrollWidth, clientWidth }) => [scrollWidth, clientWidth])
    const secret = await widths()
    await frame.getByRole('link', { name: 'I have copied them' }).click()
    await frame.getByText('Last used').first().waitFor()
    const list = await widths()
    expect([secret[0]! - secret[1]!, list[0]! - list[1]!, await overhangOf(page)]).toEqual([0, 0, 0])
  })

  it('a page in the frame begins at its top on a phone, where the button before it is far below', async () => {
    const page = await enter('usr-scrolled', '/keys')
    await page.setViewportSize(PHONE)
    const frame = page.frameLocator('keywright-keys iframe')
    await frame.getByRole('link', { name: 'Generate keys' }).click()
    const generate = frame.getByRole('button', { name: 'Generate keys' })
    await generate.scrollIntoViewIfNeeded()
    const top = () => page.locator('keywright-keys').evaluate((keys) => keys.getBoundingClientRect().top)
    expect(await top()).toBeLessThan(-1)
    await generate.click()
    await frame.getByText('Copy the secret now').waitFor()
    // Browsers scroll by whole pixels.
    await until(async () => (await top()) > -1)
  })

  it('the console opens by a redirect and leads back', async () => {
    const page = await enter('usr-console', '/console')
    expect(new URL(page.url()).origin).toBe(environment.issuer)
    await page.getByRole('link', { name: 'Activity' }).click()
    await page.getByRole('link', { name: /Back to/ }).click()
    await page.waitForURL(`${product}/keys`)
  })

  it('requests for keys without the header of the component are refused', async () => {
    const page = await enter('usr-forged', '/keys/own')
    const status = await page.evaluate(`fetch('/api/keys', { method: 'POST' }).then(({ status }) => status)`)
    expect(status).toBe(403)
  })
})
