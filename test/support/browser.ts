import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking']

/** A phone of the narrowest kind that pages are made for. */
export const PHONE = { width: 320, height: 640 }
export const DESK = { width: 1280, height: 800 }

/** In milliseconds, as for `until`: a busy machine is no fault. */
const PATIENCE = 90_000

const axeSource = (): string => readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Axe takes seconds for a long page. Only `contrast` depends on whether a page is light or dark. */
export type AxeRules = 'all' | 'contrast'

/** What axe finds wrong with a page as it stands when it has been loaded, one line each. */
export async function violationsOf(page: Page, rules: AxeRules = 'all'): Promise<string[]> {
  await page.waitForLoadState()
  // Evaluated, not added as an element: a page that allows no inline script stays as strict as it is.
  if (!(await page.evaluate(`'axe' in window`))) await page.evaluate(axeSource())
  // The rules that hold are not described: of a long page that would take most of the time.
  const options = { resultTypes: ['violations'], ...(rules === 'contrast' && { runOnly: ['color-contrast'] }) }
  const run = `axe.run(${JSON.stringify(options)}).then(({ violations }) => violations)`
  const violations: AxeResults['violations'] = await page.evaluate(run)
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.failureSummary} ${node.html}`))
}

/** By how many pixels a page is wider than its window, when it has been loaded. */
export async function overhangOf(page: Page): Promise<number> {
  await page.waitForLoadState()
  return await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}

export type RealBrowser = Awaited<ReturnType<typeof launchBrowser>>

/** Chromium (`findChromium`). Every page has cookies of its own, and fails the test when a script of it fails. */
/** @param more arguments beside those of every test */
export async function launchBrowser(executablePath: string, more: readonly string[] = []) {
  const browser = await chromium.launch({ executablePath, args: [...ARGUMENTS, ...more], timeout: PATIENCE })
  return {
    async open(options: BrowserContextOptions = {}): Promise<Page> {
      const context = await browser.newContext({ viewport: DESK, colorScheme: 'light', ...options })
      context.setDefaultTimeout(PATIENCE)
      const page = await context.newPage()
      page.on('pageerror', (error) => {
        throw error
      })
      return page
    },
    close: () => browser.close(),
  }
}
