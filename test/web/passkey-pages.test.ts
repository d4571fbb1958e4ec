/** Passkeys through the pages: what forms accept, and what they answer to bad input. Browsers are in `test/journeys`. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { passkeyStepBudget } from '../../src/accounts/sign-in-limits.ts'
import { type Application, createApplication, getTokens, goOn } from '../oidc/application-fixtures.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { claimsOf } from '../support/requests.ts'
import { type Browser, formsOf, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import {
  createSoftwareAuthenticator,
  type Deviation,
  passkeyOptionsOn,
  type SoftwareAuthenticator,
} from '../support/software-authenticator.ts'
import { createTestUser, PASSWORD, type Person } from '../support/test-users.ts'
import { enter, wordsOf } from './console/console-visits.ts'

const SECURITY = '/account/security'
const MFA_ACR = 'urn:keywright:acr:mfa'

let server: Keywright
let application: Application

beforeAll(async () => {
  server = await startKeywright({ env: { HOST: 'localhost' } })
  application = await createApplication(server)
})
afterAll(() => server.stop())
afterEach(() => void vi.useRealTimers())

const newPerson = (): Promise<Person> => createTestUser(server.knex, server.firstStart.accountId)

async function add(browser: Browser, authenticator: SoftwareAuthenticator, name = ''): Promise<Page> {
  const page = await browser.visit(`${SECURITY}/passkeys`)
  const credential = authenticator.create(passkeyOptionsOn(page))
  return await browser.submit(page, /\/passkeys$/, { name, credential })
}

/** A person with a passkey, whose browser is signed in. */
async function owner() {
  const person = await newPerson()
  const browser = await enter(server, person)
  const authenticator = createSoftwareAuthenticator(server.issuer)
  const added = await add(browser, authenticator, 'Laptop')
  return { person, browser, authenticator, added }
}

const send = (browser: Browser, page: Page, authenticator: SoftwareAuthenticator, deviation: Deviation = {}) =>
  browser.submit(page, /\/passkey$/, { credential: authenticator.get(passkeyOptionsOn(page), deviation) })

test('a user adds a passkey, sees recovery codes once, finds it in the list, and is signed in with it', async () => {
  const { person, browser, added } = await owner()
  expect(added.text.match(/<li>[0-9a-z-]{19}<\/li>/g)).toHaveLength(10)
  expect(wordsOf(await browser.visit(SECURITY))).toMatch(
    /Laptop.*After your password, you use one of your passkeys.*10 of 10/,
  )
  const second = await add(browser, createSoftwareAuthenticator(server.issuer))
  expect(wordsOf(second)).toContain('Passkey added.')
  const events = await server.knex('audit_log').where({ target_id: person.id, action: 'user.factor_added' })
  expect(events.map(({ detail }) => detail)).toEqual([{ factor: 'passkey' }, { factor: 'passkey' }])
})

test('a user signs in at the sign-in page, and continues where they wanted to go', async () => {
  const { authenticator } = await owner()
  const browser = openBrowser(server.url)
  const page = await browser.visit(`/signin?return_to=${SECURITY}`)
  expect(page.text).toContain('autocomplete="username webauthn"')
  const arrived = await send(browser, page, authenticator)
  expect([new URL(arrived.url).pathname, wordsOf(arrived)]).toEqual([SECURITY, expect.stringContaining('Laptop')])
})

test('an application gets tokens that name the passkey and the verification of the user, and steps up with it', async () => {
  const { person, authenticator } = await owner()
  const browser = openBrowser(server.url)
  const page = await browser.visit(application.link({ acr_values: MFA_ACR }))
  const left = await goOn(browser, await send(browser, page, authenticator), person)
  const { body } = await application.redeem(left.searchParams.get('code')!)
  expect(claimsOf(body.id_token)).toMatchObject({ acr: MFA_ACR, amr: ['hwk', 'user', 'mfa'], sub: person.id })
  const plain = await newPerson()
  const tokens = await getTokens(server, application, plain, {})
  expect(claimsOf(tokens.id_token).amr).toEqual(['pwd'])
})

test('a user whom an application asks for a second factor sets up a passkey on the way, with the request kept', async () => {
  const person = await newPerson()
  const browser = openBrowser(server.url)
  const link = application.link({ acr_values: MFA_ACR, state: 'kept' })
  const asked = await signIn(browser, await browser.visit(link), person.email, PASSWORD)
  expect(asked.text.indexOf('data-passkey="create"')).toBeLessThan(asked.text.indexOf('class="qr-code"'))
  const create = (page: Page, deviation?: Deviation) =>
    browser.submit(page, /\/setup\/passkey$/, {
      credential: createSoftwareAuthenticator(server.issuer).create(passkeyOptionsOn(page), deviation),
    })
  const refused = await create(asked, { origin: 'https://evil.example' })
  expect([refused.status, wordsOf(refused)]).toEqual([400, expect.stringContaining('Your browser sent no passkey')])
  // A QR code that was scanned meanwhile stays valid.
  const keyOn = ({ text }: Page) => /totp-key">([^<]+)</.exec(text)![1]
  expect(keyOn(refused)).toBe(keyOn(asked))
  const codes = await create(refused)
  expect(codes.text.match(/<li>[0-9a-z-]{19}<\/li>/g)).toHaveLength(10)
  const left = await goOn(browser, await browser.submit(codes, /\/finish$/), person)
  expect(left.searchParams.get('state')).toBe('kept')
  const { body } = await application.redeem(left.searchParams.get('code')!)
  expect(claimsOf(body.id_token)).toMatchObject({ acr: MFA_ACR, amr: ['pwd', 'hwk', 'user', 'mfa'], sub: person.id })
})

test('a user who replaces the only passkey has each method once in the tokens of the session', async () => {
  const { person, browser } = await owner()
  const [, path] = /href="([^"]*passkeys\/[^"]*\/remove)"/.exec((await browser.visit(SECURITY)).text)!
  await browser.submit(await browser.visit(path!), /remove$/)
  await add(browser, createSoftwareAuthenticator(server.issuer))
  const left = await goOn(browser, await browser.visit(application.link({})), person)
  const { body } = await application.redeem(left.searchParams.get('code')!)
  expect(claimsOf(body.id_token).amr).toEqual(['pwd', 'hwk', 'user', 'mfa'])
})

test('after the password, a user with a passkey alone is asked for it or for a recovery code', async () => {
  const { person, authenticator, added } = await owner()
  const browser = openBrowser(server.url)
  const asked = await signIn(browser, await browser.visit('/signin'), person.email, PASSWORD)
  expect(wordsOf(asked)).toContain('Confirm with your passkey, or enter a recovery code.')
  expect(formsOf(asked).map(({ fields }) => 'code' in fields)).not.toContain(true)
  const wrong = await browser.submit(asked, /\/factor$/, { recovery_code: 'x' })
  expect([wrong.status, wordsOf(wrong)]).toEqual([400, expect.stringContaining('Incorrect recovery code')])
  expect(wordsOf(await send(browser, wrong, authenticator))).not.toContain('Two-factor')
  expect(wordsOf(await browser.visit(SECURITY))).toContain('Laptop')
  const [code] = /[0-9a-z]{4}(-[0-9a-z]{4}){3}/.exec(added.text)!
  const elsewhere = openBrowser(server.url)
  const again = await signIn(elsewhere, await elsewhere.visit('/signin'), person.email, PASSWORD)
  await elsewhere.submit(again, /\/factor$/, { recovery_code: code })
  expect(wordsOf(await elsewhere.visit(SECURITY))).toContain('9 of 10')
})

test('after the password, a passkey that is refused leaves the user on the page, with the other ways and the request', async () => {
  const { person, authenticator } = await owner()
  const browser = openBrowser(server.url)
  const link = application.link({ acr_values: MFA_ACR, state: 'kept' })
  const asked = await signIn(browser, await browser.visit(link), person.email, PASSWORD)
  const refused = await send(browser, asked, authenticator, { origin: 'https://evil.example' })
  expect([refused.status, wordsOf(refused)]).toEqual([
    400,
    expect.stringMatching(/Two-factor authentication.*This passkey cannot be used to sign in.*Use a recovery code/),
  ])
  const unknown = await send(browser, refused, createSoftwareAuthenticator(server.issuer))
  expect(wordsOf(unknown)).toContain('Two-factor authentication')
  const nothing = await browser.submit(unknown, /\/passkey$/, { credential: '{' })
  expect([nothing.status, wordsOf(nothing)]).toEqual([400, expect.stringMatching(/Two-factor.*sent no passkey/)])
  const wrong = await browser.submit(nothing, /\/factor$/, { recovery_code: 'x' })
  expect(wordsOf(wrong)).toContain('Incorrect recovery code')
  const left = await goOn(browser, await send(browser, wrong, authenticator), person)
  expect([left.searchParams.get('state'), left.searchParams.has('code')]).toEqual(['kept', true])
})

test('after the password, passkeys are limited on the page, and recovery codes still sign in', async () => {
  const { person, authenticator, added } = await owner()
  const browser = openBrowser(server.url)
  const asked = await signIn(browser, await browser.visit('/signin'), person.email, PASSWORD)
  const refused = await send(browser, asked, authenticator, { origin: 'https://evil.example' })
  await server
    .knex('sign_in_limits')
    .where({ key: passkeyStepBudget(person.id, '127.0.0.1').key })
    .update({ arrival_at: server.knex.raw(`now() + interval '1 hour'`) })
  const slowed = await send(browser, refused, authenticator)
  expect([slowed.status, wordsOf(slowed)]).toEqual([429, expect.stringMatching(/Two-factor.*Too many attempts/)])
  const [code] = /[0-9a-z]{4}(-[0-9a-z]{4}){3}/.exec(added.text)!
  await browser.submit(slowed, /\/factor$/, { recovery_code: code })
  expect(wordsOf(await browser.visit(SECURITY))).toContain('9 of 10')
})

test('adding and removing takes a sign-in of the last ten minutes, which the passkey is', async () => {
  const { browser, authenticator } = await owner()
  const [, path] = /href="([^"]*passkeys\/[^"]*\/remove)"/.exec((await browser.visit(SECURITY)).text)!
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 })
  for (const one of [`${SECURITY}/passkeys`, path!])
    expect(wordsOf(await browser.visit(one))).toContain('Confirm your password')
  const refused = await send(browser, await browser.visit(path!), authenticator, { origin: 'https://evil.example' })
  expect([refused.status, wordsOf(refused)]).toEqual([400, expect.stringContaining('Confirm your password')])
  const asked = await send(browser, refused, authenticator)
  expect(wordsOf(asked)).toMatch(/Remove Laptop\?.*turn off two-factor authentication/)
  expect(wordsOf(await browser.submit(asked, /remove$/))).toContain('Passkey removed.')
  const other = await enter(server, await newPerson())
  expect((await other.visit(path!)).status).toBe(404)
})

describe('bad input', () => {
  test.each([
    ['nothing', '', 400],
    ['no JSON', '{', 400],
    ['other JSON', '[]', 400],
    ['a long value', JSON.stringify({ id: 'A'.repeat(50_000) }), 400],
    ['more than a form holds', 'A'.repeat(70_000), 413],
  ])('%s is answered with the page, at the sign-in and when a passkey is added', async (_, credential, status) => {
    const browser = openBrowser(server.url)
    const page = await browser.submit(await browser.visit('/signin'), /\/passkey$/, { credential })
    expect(page.status).toBe(status)
    const own = await enter(server, await newPerson())
    const sent = await own.submit(await own.visit(`${SECURITY}/passkeys`), /\/passkeys$/, { name: 'x', credential })
    expect(sent.status).toBe(status)
    if (status === 400) expect(wordsOf(sent)).toContain('Your browser sent no passkey that this server accepts')
  })

  test('an unknown passkey, one of a disabled user and a removed one are refused with the same words', async () => {
    const disabled = await owner()
    await server.knex('users').where({ id: disabled.person.id }).update({ status: 'disabled' })
    const removed = await owner()
    await server.knex('passkeys').where({ user_id: removed.person.id }).delete()
    const words: string[] = []
    for (const authenticator of [
      createSoftwareAuthenticator(server.issuer),
      disabled.authenticator,
      removed.authenticator,
    ]) {
      const browser = openBrowser(server.url)
      const page = await send(browser, await browser.visit('/signin'), authenticator)
      expect(page.status).toBe(400)
      words.push(wordsOf(page))
    }
    expect(words[0]).toContain('This passkey cannot be used to sign in')
    expect(new Set(words).size).toBe(1)
  })

  test('a challenge of another browser, and one that was used, are over', async () => {
    const { authenticator } = await owner()
    const [one, other] = [openBrowser(server.url), openBrowser(server.url)]
    const page = await one.visit('/signin')
    const own = await other.visit('/signin')
    const taken = formsOf(page).find(({ action }) => action.endsWith('/passkey'))!.fields.challenge!
    const credential = authenticator.get(passkeyOptionsOn(page))
    const stolen = await other.submit(own, /\/passkey$/, { challenge: taken, credential })
    expect([stolen.status, wordsOf(stolen)]).toEqual([400, expect.stringContaining('This page has expired')])
    expect((await one.submit(page, /\/passkey$/, { credential })).status).toBe(200)
    const replayed = await one.submit(page, /\/passkey$/, { credential })
    expect([replayed.status, wordsOf(replayed)]).toEqual([400, expect.stringContaining('This page has expired')])
  })

  test('a credential that is registered already conflicts for each user', async () => {
    const { browser, authenticator } = await owner()
    const stranger = await enter(server, await newPerson())
    for (const one of [browser, stranger]) {
      const page = await add(one, authenticator)
      expect([page.status, wordsOf(page)]).toEqual([409, expect.stringContaining('registered already')])
    }
  })

  test('a name that is too long is shown at its field', async () => {
    const browser = await enter(server, await newPerson())
    const page = await add(browser, createSoftwareAuthenticator(server.issuer), 'x'.repeat(61))
    expect([page.status, page.text.includes('id="name-error"')]).toEqual([400, true])
  })
})

test('a server whose address is an IP address offers no passkeys, and everything else works', async () => {
  const other = await startKeywright()
  try {
    const browser = openBrowser(other.url)
    expect((await browser.visit('/signin')).text).not.toContain('data-passkey')
    const person = await createTestUser(other.knex, other.firstStart.accountId)
    const own = await enter(other, person)
    expect(wordsOf(await own.visit(SECURITY))).not.toContain('Passkeys Sign in')
    expect((await own.visit(`${SECURITY}/passkeys`)).status).toBe(404)
  } finally {
    await other.stop()
  }
})
