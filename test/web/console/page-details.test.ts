import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordCallers } from '../../../src/clients/client-callers.ts'
import { toClient } from '../../../src/clients/clients.ts'
import { stepsOf } from '../../../src/web/console/application-commands.ts'
import { consentField } from '../../../src/web/console/application-fields.ts'
import { plotView } from '../../../src/web/console/plot.ts'
import { createApplication, openBrowserOn } from '../../oidc/application.ts'
import { launchBrowser, type RealBrowser } from '../../support/browser.ts'
import { findChromium } from '../../support/debian.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { createPerson, PASSWORD, type Person } from '../../support/people.ts'
import { type Browser, signIn } from '../../support/person.ts'
import { until } from '../../support/storm.ts'
import { enter, wordsOf } from './console-visits.ts'

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
  admin = await createPerson(server.knex, server.firstStart.accountId, 'admin')
  browser = await enter(server, admin)
  real = chromium ? await launchBrowser(chromium) : undefined
})
afterAll(async () => {
  await real?.close()
  await server?.stop()
})

describe('an application', () => {
  it('that is public was last used when it last got a token', async () => {
    const { clientId } = await createApplication(server, { isPublic: true, name: 'Phone' })
    const row = await server.knex('clients').where({ client_id: clientId }).first()
    const rowOf = async () => wordsOf(await browser.visit(`/applications?search=${clientId}`))
    expect(await rowOf()).toContain('not in the last 30 days')
    const used = { clientKey: Number(row.id), ip: '192.0.2.1', apiId: 0, at: new Date(Date.now() - 3_600_000) }
    await recordCallers(server.knex, [used])
    expect(await rowOf()).toMatch(/1 hour ago|an hour ago/)
    expect(wordsOf(await browser.visit(`/applications/${clientId}`))).toMatch(/Last used (1|an) hour ago/)
  })

  it('is shown commands that ask for the scopes that it has', async () => {
    const { clientId } = await createApplication(server, { isPublic: true })
    const client = toClient(await server.knex('clients').where({ client_id: clientId }).first())
    const device = { ...client, grants: [...client.grants, 'urn:ietf:params:oauth:grant-type:device_code'] }
    const commands = stepsOf('https://id.example', device, ['reports.read', 'reports.write']).map(({ value }) => value)
    const asking = commands.filter((one) => one.includes('scope='))
    expect(asking).toHaveLength(2)
    for (const one of asking) expect(one).toContain('scope=openid+reports.read+reports.write')
    const { text } = await browser.visit(`/applications/${clientId}`)
    expect(text).toMatch(/scope=openid\+\w+/)
  })

  it('says at the field that skipping the consent page does not reach public loopback applications', () => {
    const { choices } = consentField({ skip: true }).controls('consent', new Map()) as never as {
      choices: { hint: string; value: string }[]
    }
    expect(choices.find(({ value }) => value === 'skip_own_account')!.hint).toMatch(
      /public application on a loopback.*RFC 8252/,
    )
    expect(choices.find(({ value }) => value === 'skip')!.hint).toContain('exception')
  })
})

describe('a plot', () => {
  it('names the zone of its times, and draws no part in the accent', () => {
    const series = [{ label: 'issued', tone: 'plain' as const, counts: [1] }]
    expect(plotView('p', { title: 'Tokens', unit: 'Hour', points: ['10:00'], series, zone: 'UTC' }).zone).toBe('UTC')
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

describe('the consent page of an instance with a logo', () => {
  it("says the instance's name beside it", async () => {
    const application = await createApplication(server)
    const visitor = openBrowserOn(server)
    await signIn(visitor, await visitor.visit('/signin'), admin.email, PASSWORD)
    const page = await visitor.visit(application.link({ scope: 'openid' }))
    expect(page.text).toMatch(/<img class="logo"[^>]*>\s*<span class="site-name"><bdi>Acme Identity/)
  })

  it.skipIf(!chromium)(
    'draws a logo that has no width and height of its own',
    async () => {
      const page = await real!.open()
      await page.goto(`${server.url}/signin`)
      const box = (await page.locator('img.logo').boundingBox())!
      expect([box.width > 20, box.height > 20]).toEqual([true, true])
      await page.context().close()
    },
    120_000,
  )
})

describe.skipIf(!chromium)('in forced colours', () => {
  it.each(['checkbox', 'radio'])(
    'a checked %s looks different from one that is not',
    async (type) => {
      const page = await real!.open({ forcedColors: 'active' })
      await page.goto(`${server.url}/signin`)
      await page.evaluate(`document.querySelector('main').innerHTML =
      '<div class="field"><input id="on" type="${type}" checked><input id="off" type="${type}"></div>'`)
      const looks = async (id: string) => (await page.locator(`#${id}`).screenshot()).toString('base64')
      const style = `getComputedStyle(document.querySelector('#on'))`
      expect(await page.evaluate(`${style}.appearance`)).toBe('auto')
      expect(await looks('on')).not.toBe(await looks('off'))
      await page.context().close()
    },
    120_000,
  )
})
