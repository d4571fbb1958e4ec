import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { everywhereBudget, takeAttempt } from '../../src/accounts/sign-in-limits.ts'
import { findUser } from '../../src/accounts/users.ts'
import { launchBrowser, type RealBrowser } from '../support/browser.ts'
import { keywright, runCli } from '../support/cli-in-process.ts'
import { findChromium } from '../support/debian.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Browser, openBrowser, signIn } from '../support/scriptless-browser.ts'
import { createTestUser, PASSWORD } from '../support/test-users.ts'
import { createOperator, enter, wordsOf } from './console/console-visits.ts'

const chromium = await findChromium()
const IDN = 'Ingrid.Müller@bücher.example'
const STORED = 'Ingrid.Müller@xn--bcher-kva.example'
const WAYS = [IDN, STORED, 'INGRID.MÜLLER@BÜCHER.EXAMPLE', 'ingrid.mu\u0308ller@xn--bcher-kva.example']

let server: Keywright
let operator: Browser
let userId: string
let real: RealBrowser | undefined

beforeAll(async () => {
  server = await startKeywright()
  operator = await enter(server, await createOperator(server.knex))
  const invited = await operator.submit(await operator.visit('/users/invite'), /invite$/, {
    email: IDN,
    role: 'member',
    accountId: server.firstStart.accountId,
  })
  expect(wordsOf(invited)).toContain(STORED)
  const known = await createTestUser(server.knex, server.firstStart.accountId)
  const { password_hash } = await server.knex('users').where({ id: known.id }).first()
  const chosen = { password_hash, password_change_required: false }
  const [row] = await server.knex('users').where({ email: STORED }).update(chosen).returning('id')
  userId = row.id
  real = chromium ? await launchBrowser(chromium) : undefined
})
afterAll(async () => {
  await real?.close()
  await server?.stop()
})

describe.each(WAYS)('an address written as %s', (email) => {
  it('signs in', async () => {
    const browser = openBrowser(server.url)
    const page = await signIn(browser, await browser.visit('/signin'), email, PASSWORD)
    expect([page.url, page.status]).toEqual([`${server.url}/`, 200])
  })

  it('is taken, in the console and at the command line', async () => {
    const fields = { email, role: 'member', accountId: server.firstStart.accountId }
    const refused = await operator.submit(await operator.visit('/users/invite'), /invite$/, fields)
    expect([refused.status, wordsOf(refused)]).toEqual([400, expect.stringContaining('There is already a user')])
    const options = ['--account', server.firstStart.accountId, '--role', 'member', '--email', email]
    const run = await runCli(['user', 'create', ...options], server.env)
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('there is already a user')])
  })

  it('finds its user at the command line, in the list, and in the activity', async () => {
    expect((await findUser(server.knex, email)).id).toBe(userId)
    const renamed = await keywright(server.env)('user update', email, '--name', 'Ingrid')
    expect(renamed).toMatchObject({ user_id: userId, email: STORED })
    for (const search of [email, email.slice(email.indexOf('@') + 1)]) {
      const list = await operator.visit(`/users?search=${encodeURIComponent(search)}`)
      expect(list.text, search).toContain(STORED)
    }
    const activity = await operator.visit(`/activity?by=${encodeURIComponent(email)}&kind=user.signed_in`)
    expect(wordsOf(activity)).toContain('signed in')
  })
})

it('an address that is changed finds its user however it is written', async () => {
  const { id } = await createTestUser(server.knex, server.firstStart.accountId)
  const written = await keywright(server.env)('user update', id, '--email', 'Jörg@BÜCHER.example')
  expect(written).toMatchObject({ email: 'Jörg@xn--bcher-kva.example' })
  for (const way of ['JÖRG@bücher.example', 'jo\u0308rg@xn--bcher-kva.example', 'jörg@XN--BCHER-KVA.example']) {
    expect((await findUser(server.knex, way)).id).toBe(id)
  }
})

it('every way to write an address spends the same attempts', async () => {
  // Another user: the next test signs in.
  const ways = WAYS.map((email) => email.replace(/ingrid/i, 'Astrid'))
  const few = (email: string) => ({ ...everywhereBudget(email), burst: ways.length, interval: 600 })
  for (const email of ways) expect(await takeAttempt(server.knex, few(email))).toBeUndefined()
  expect(await takeAttempt(server.knex, few(ways[0]!))).toBeGreaterThan(0)
})

it.skipIf(!chromium)('Chromium sends an international address as it was typed, and its user signs in', async () => {
  const page = await real!.open()
  await page.goto(`${server.url}/signin`)
  const field = page.getByLabel('Email address')
  expect([await field.getAttribute('type'), await field.getAttribute('inputmode')]).toEqual(['text', 'email'])
  await field.fill(IDN)
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(`${server.url}/`)
  expect(await page.title()).toContain('Your account')
  await page.context().close()
})
