/** A new user adds a service application, and runs its programs as the page copies them. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launchBrowser, overhangOf, type RealBrowser, violationsOf } from '../support/browser.ts'
import { findChromium } from '../support/debian.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { createTestUser } from '../support/test-users.ts'

const chromium = await findChromium()

const run = promisify(execFile)

let server: Keywright
let browser: RealBrowser
let page: Page
let directory: string

beforeAll(async () => {
  if (!chromium) return
  directory = await mkdtemp(join(tmpdir(), 'keywright-service-'))
  server = await startKeywright()
  browser = await launchBrowser(chromium)
  page = await browser.open({ permissions: ['clipboard-read', 'clipboard-write'] })
})
afterAll(async () => {
  await browser?.close()
  await server?.stop()
  if (directory) await rm(directory, { recursive: true, force: true })
})

/** Clicks and fields of a task. */
const effort = { clicks: 0, fields: 0 }

async function click(target: Locator): Promise<void> {
  await target.click()
  effort.clicks += 1
}

async function fill(label: RegExp, text: string): Promise<void> {
  await page.getByRole('textbox', { name: label }).fill(text)
  effort.fields += 1
}

async function signIn(): Promise<void> {
  const { email, password } = await createTestUser(server.knex, server.firstStart.accountId, 'admin')
  await page.goto(`${server.url}/signin`)
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const environment = () => ({ ...process.env, PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) })

const isThere = async (program: string): Promise<boolean> =>
  await run('sh', ['-c', `command -v ${program}`], { env: environment() }).then(
    () => true,
    () => false,
  )

/** Opens the program in a language, copies it, and saves it as the page says. Answers the command of the page. */
async function copyProgram(language: string): Promise<string> {
  const summary = page.locator('summary', { hasText: new RegExp(`^${language}$`) })
  await click(summary)
  const program = page.locator('details', { has: summary })
  const [file, command] = await program.locator('.hint code').allInnerTexts()
  await page.evaluate(`navigator.clipboard.writeText('')`)
  await click(program.getByRole('button', { name: `Copy the command: ${file}` }))
  let copied = ''
  // The browser copies after the click.
  await until(async () => {
    copied = await page.evaluate<string>('navigator.clipboard.readText()')
    return copied !== ''
  })
  await writeFile(join(directory, file!), copied)
  return command!
}

/** Runs a program in the folder where it was saved. Answers the access token that it prints. */
async function tokenOf(command: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', command], { cwd: directory, env: environment() })
  return stdout.trim()
}

describe.skipIf(!chromium)('a user who has signed in', () => {
  test('adds a service application with four clicks and one field, and gets tokens with the programs that the page copies', async () => {
    await signIn()
    await click(
      page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: 'Applications', exact: true }),
    )
    await click(page.getByRole('link', { name: 'Add application' }).first())
    await click(page.getByRole('link', { name: /^Service/ }))
    await fill(/^Name\b/, 'Invoice export')
    await click(page.getByRole('button', { name: 'Save' }))
    await page.getByRole('heading', { name: 'Invoice export was added' }).waitFor()
    expect(effort).toEqual({ clicks: 4, fields: 1 })
    expect(await violationsOf(page)).toEqual([])
    expect(await overhangOf(page)).toBe(0)
    const programs = { Node: 'node', Python: 'python3', Go: 'go' }
    const commands: string[] = []
    for (const [language, program] of Object.entries(programs)) {
      if (await isThere(program)) commands.push(await copyProgram(language))
    }
    expect(commands).toContain('node get-token.mjs')
    // One after the other: a new token revokes the earlier one.
    for (const command of commands) {
      const token = await tokenOf(command)
      expect((await server.introspect(token, server.firstStart.api)).body.active).toBe(true)
    }
  })
})
