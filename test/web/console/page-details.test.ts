import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIENT_ATTRIBUTES } from '../../../src/clients/client-attributes.ts'
import { toClient } from '../../../src/clients/clients.ts'
import { toConsoleEnglish } from '../../../src/languages/console/console-translator.ts'
import { brandCss } from '../../../src/web/brand.ts'
import { stepsOf } from '../../../src/web/console/applications/application-command-examples.ts'
import { attributeFields } from '../../../src/web/console/kit/attribute-fields.ts'
import { createApplication, getTokens, openBrowserOn } from '../../oidc/application-fixtures.ts'
import { launchBrowser, type RealBrowser } from '../../support/browser.ts'
import { findChromium } from '../../support/debian.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { until } from '../../support/load.ts'
import { type Browser, signIn } from '../../support/scriptless-browser.ts'
import { createTestUser, PASSWORD, type Person } from '../../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'

const chromium = await findChromium()

/** Has only a shape: no width and no height. */
const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><rect width="40" height="20" fill="#246"/></svg>'

let server: Keywright
let admin: Person
let browser: Browser
let real: RealBrowser | undefined

beforeAll(async () => {
  server = await startKeywright()
  await server
    .knex('instance_settings')
    .update({ name: 'Acme Identity', logo: Buffer.from(LOGO), logo_type: 'image/svg+xml' })
  // A node remembers the settings of the instance for three seconds.
  await until(async () => (await (await fetch(`${server.url}/signin`)).text()).includes('class="logo"'))
  admin = await createTestUser(server.knex, server.firstStart.accountId, 'admin')
  browser = await enter(server, admin)
  real = chromium ? await launchBrowser(chromium) : undefined
})
afterAll(async () => {
  await real?.close()
  await server?.stop()
})

describe('an application', () => {
  it('that is public was last used when it last got a token', async () => {
    const application = await createApplication(server, { isPublic: true, name: 'Phone' })
    const { clientId } = application
    const rowOf = async () => wordsOf(await browser.visit(`/applications?search=${clientId}`))
    expect(await rowOf()).toContain('not in the last 30 days')
    await getTokens(server, application, admin)
    const hourAgo = server.knex.raw("now() - interval '1 hour'")
    const row = await server.knex('clients').where({ client_id: clientId }).first()
    // Uses are written in batches, some after the response.
    await until(async () => {
      await server.knex('client_callers').where({ client_id: row.id }).update({ last_used_at: hourAgo })
      return /1 hour ago|an hour ago/.test(await rowOf())
    })
    expect(wordsOf(await browser.visit(`/applications/${clientId}`))).toMatch(/Last used (1|an) hour ago/)
  })

  it('is shown commands that ask for the scopes that it has', async () => {
    const { clientId } = await createApplication(server, { isPublic: true })
    const client = toClient(await server.knex('clients').where({ client_id: clientId }).first())
    const device = { ...client, grants: [...client.grants, 'urn:ietf:params:oauth:grant-type:device_code'] }
    const commands = stepsOf(toConsoleEnglish(), 'https://id.example', device, ['reports.read', 'reports.write']).map(
      ({ value }) => value,
    )
    const asking = commands.filter((one) => one.includes('scope='))
    expect(asking).toHaveLength(2)
    for (const one of asking) expect(one).toContain('scope=openid+reports.read+reports.write')
    const { text } = await browser.visit(`/applications/${clientId}`)
    expect(text).toMatch(/scope=openid\+\w+/)
  })

  it('says at the field that skipping the consent page does not reach public loopback applications', () => {
    const { consent } = attributeFields(CLIENT_ATTRIBUTES, { t: toConsoleEnglish(), isOperator: true })
    const { choices } = consent.controls('consent', new Map()) as never as {
      choices: { hint: string; value: string }[]
    }
    expect(choices.find(({ value }) => value === 'skip_own_account')!.hint).toMatch(
      /public application with a loopback.*RFC 8252/,
    )
    expect(choices.find(({ value }) => value === 'skip')!.hint).toContain('exception')
  })
})

describe('a plot', () => {
  it('names the zone of its times', async () => {
    const hour = server.knex.raw("date_trunc('hour', now())")
    await server.knex('usage_hours').insert({ hour, kind: 'issued', label: 'client_credentials', count: 1 })
    const operator = await enter(server, await createOperator(server.knex))
    expect(wordsOf(await operator.visit('/'))).toContain('Times in UTC')
  })

  it.skipIf(!chromium)("has the same colours whatever the instance's accent is", async () => {
    const tones = ['plain', 'second', 'success', 'error', 'neutral']
    const bars = tones.map((tone) => `<rect class="tone-${tone}" width="1" height="1"/>`).join('')
    const coloursWith = async (accent: string) => {
      const page = await real!.open()
      await page.route('**/brand.css', (route) => route.fulfill({ contentType: 'text/css', body: brandCss(accent) }))
      await page.goto(`${server.url}/signin`)
      const button = await page.evaluate(`getComputedStyle(document.querySelector('button')).backgroundColor`)
      await page.evaluate(`document.querySelector('main').innerHTML =
        '<figure class="plot"><svg>${bars}</svg></figure>'`)
      const drawn = await page.evaluate(
        `[...document.querySelectorAll('.plot rect')].map((bar) => getComputedStyle(bar).fill)`,
      )
      await page.context().close()
      return { button, bars: drawn as string[] }
    }
    const [one, other] = [await coloursWith('#1f5fbf'), await coloursWith('#c2185b')]
    expect(one.button).not.toEqual(other.button)
    expect(one.bars).toEqual(other.bars)
    expect(new Set(one.bars).size).toBe(tones.length)
  })
})

describe('a page that does not exist', () => {
  it('keeps the console around somebody who is signed in, and nobody else', async () => {
    const page = await browser.visit('/nothing/here')
    expect([page.status, page.text.includes('href="/applications"')]).toEqual([404, true])
    const stranger = await openBrowserOn(server).visit('/nothing/here')
    expect([stranger.status, stranger.text.includes('href="/applications"')]).toEqual([404, false])
  })
})

describe('an instance with a logo', () => {
  it('has its name beside the logo on the consent page', async () => {
    const application = await createApplication(server)
    const visitor = openBrowserOn(server)
    await signIn(visitor, await visitor.visit('/signin'), admin.email, PASSWORD)
    const page = await visitor.visit(application.link({ scope: 'openid' }))
    expect(page.text).toMatch(/<img class="logo"[^>]*>\s*<span class="site-name"><bdi>Acme Identity/)
  })

  it.skipIf(!chromium)(
    'draws a logo that has no width and height of its own at its full height on every page',
    async () => {
      // A name that is narrower than the logo.
      await server.knex('instance_settings').update({ name: 'Q' })
      await until(async () => (await (await fetch(`${server.url}/signin`)).text()).includes('<bdi>Q</bdi>'))
      const page = await real!.open()
      for (const path of ['/signin', '/api/v1/docs']) {
        await page.goto(server.url + path)
        const box = (await page.locator('img.logo').first().boundingBox())!
        expect([path, box.width > 30, box.height > 30]).toEqual([path, true, true])
      }
      await page.context().close()
    },
  )
})

describe.skipIf(!chromium)('in forced colours', () => {
  it.each(['checkbox', 'radio'])('a checked %s looks different from one that is not', async (type) => {
    const page = await real!.open({ forcedColors: 'active' })
    await page.goto(`${server.url}/signin`)
    await page.evaluate(`document.querySelector('main').innerHTML =
      '<div class="field"><input id="on" type="${type}" checked><input id="off" type="${type}"></div>'`)
    const looks = async (id: string) => (await page.locator(`#${id}`).screenshot()).toString('base64')
    const style = `getComputedStyle(document.querySelector('#on'))`
    expect(await page.evaluate(`${style}.appearance`)).toBe('auto')
    expect(await looks('on')).not.toBe(await looks('off'))
    await page.context().close()
  })
})
