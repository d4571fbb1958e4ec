/**
 * Writes docs/images/key-pair.png, the screenshot of the README (`npm run docs:images`). It starts a server with an embedded
 * PostgreSQL, gets some tokens with the key pair of the first start, and opens the page of the key pair in Chromium.
 * `PORT`: the port of the server, which the page shows (3000). `CHROMIUM`: the path of Chromium.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import type { Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { bootstrap, type FirstStart } from '../../src/bootstrap.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { openInstance } from '../../src/instance.ts'
import { createServer } from '../../src/server.ts'

const IMAGE = fileURLToPath(new URL('../../docs/images/key-pair.png', import.meta.url))
const PASSWORD = 'a sentence for the screenshot'
const TOKENS = 12

async function getTokens(url: string, { keyPair }: FirstStart): Promise<void> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: keyPair.clientId,
    client_secret: keyPair.clientSecret,
  })
  for (let count = 0; count < TOKENS; count++) {
    const response = await fetch(`${url}/oauth2/token`, { method: 'POST', body })
    if (!response.ok) throw new Error(`the token endpoint answered ${response.status}`)
  }
}

async function signIn(page: Page, url: string, { admin }: FirstStart): Promise<void> {
  await page.goto(`${url}/signin`)
  await page.getByLabel('Email').fill(admin.email)
  await page.getByLabel('Password').fill(admin.password)
  await page.locator('main form').getByRole('button').first().click()
  for (const field of await page.locator('input[type=password]').all()) await field.fill(PASSWORD)
  await page.locator('main form').getByRole('button').first().click()
  await page.getByRole('heading', { level: 1 }).waitFor()
}

async function takeScreenshot(url: string, firstStart: FirstStart): Promise<void> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 780 }, colorScheme: 'light' })
    await signIn(page, url, firstStart)
    await page.goto(`${url}/settings/api`)
    await page.screenshot({ path: IMAGE })
  } finally {
    await browser.close()
  }
}

const dataDir = await mkdtemp(join(tmpdir(), 'keywright-image-'))
const config = loadConfig({ DATA_DIR: dataDir, PORT: process.env.PORT ?? '3000', SHUTDOWN_DELAY: '0' })
const instance = await openInstance(config, { role: 'server' })
const firstStart = (await bootstrap(instance.database.knex, instance.encryptionKeys, config.issuer))!
const server = await createServer(config, instance, pino({ level: 'silent' }))
try {
  const { url } = await server.start()
  await getTokens(url, firstStart)
  await takeScreenshot(url, firstStart)
} finally {
  await server.stop()
  await instance.close()
  await rm(dataDir, { recursive: true, force: true })
}
