import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blocksPage } from '../../../src/web/console/kit/blocks.ts'
import { fact, idCell } from '../../../src/web/console/kit/cells.ts'
import type { ConsoleRoute } from '../../../src/web/console/kit/console-route.ts'
import { launchBrowser, type RealBrowser } from '../../support/browser.ts'
import { findChromium } from '../../support/debian.ts'
import { ADA, openFakeManagement } from '../fake-management.ts'

const chromium = await findChromium()

let fake: Awaited<ReturnType<typeof openFakeManagement>>
let browser: RealBrowser
let value = 'first'
let isBroken = false

const LIVE: ConsoleRoute = {
  method: 'get',
  path: '/live',
  permission: { role: 'member', scope: 'applications:read' },
  async handle({ show }) {
    if (isBroken) throw new Error('the database is gone')
    const facts = [fact('Client ID', idCell(value, 'client ID'))]
    show(blocksPage({ title: 'Live', isLive: true }, [{ part: 'facts', facts }]))
  },
}

beforeAll(async () => {
  if (!chromium) return
  fake = await openFakeManagement({ routes: [LIVE] })
  fake.world.signedInAs = ADA.id
  browser = await launchBrowser(chromium)
})
afterAll(async () => {
  await browser?.close()
  await fake?.close()
})

describe.skipIf(!chromium)('a live page in Chromium', () => {
  it('shows what changed without a reload, with its copy buttons, and offers to reload while that fails', async () => {
    const page = await browser.open()
    await page.goto(`${fake.origin}/live`)
    await page.evaluate(`window.isSame = true`)
    const reload = page.getByRole('link', { name: 'Reload' })
    value = 'second'
    await page.getByText('second').waitFor()
    expect(await page.evaluate(`window.isSame`)).toBe(true)
    expect(await page.locator('button[data-copy="second"]').isVisible()).toBe(true)
    await reload.waitFor({ state: 'hidden' })
    isBroken = true
    await reload.waitFor({ state: 'visible' })
    expect(await page.getByText('second').isVisible()).toBe(true)
    await page.context().close()
  })

  it('is replaced while nobody uses it: a focused control stays', async () => {
    isBroken = false
    value = 'third'
    const page = await browser.open()
    await page.goto(`${fake.origin}/live`)
    await page.locator('button[data-copy="third"]').focus()
    value = 'fourth'
    await sleep(3500)
    expect(await page.locator('button[data-copy="third"]').isVisible()).toBe(true)
    await page.evaluate(`document.activeElement.blur()`)
    await page.getByText('fourth').waitFor()
    await page.context().close()
  })
})
