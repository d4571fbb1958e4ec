/** The identities at providers that users connect and disconnect themselves. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createOwnIdentities } from '../../src/identity-providers/own-identities.ts'
import { insertIdentity } from '../../src/identity-providers/user-identities.ts'
import { exportUserData } from '../../src/management/user-data-export.ts'
import { adminOf } from '../management/principals.ts'
import { createApplication } from '../oidc/application-fixtures.ts'
import type { Browser, Page } from '../support/scriptless-browser.ts'
import { addTestPasskey } from '../support/second-factors.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { enter, statementsOf, wordsOf } from '../web/console/console-visits.ts'
import { openUpstream, signInThrough } from './upstream-environment.ts'

const SECURITY = '/account/security'
const CONNECT = `${SECURITY}/identities/connect`

let upstream: Awaited<ReturnType<typeof openUpstream>>
let account: string

beforeAll(async () => {
  upstream = await openUpstream()
  account = upstream.server.firstStart.accountId
})
afterAll(() => upstream.stop())
afterEach(async () => {
  vi.useRealTimers()
  upstream.provider.script({})
  await knex()('identity_providers').delete()
})

const knex = () => upstream.server.knex
const management = () => ({ knex: knex(), encryptionKeys: upstream.server.instance.encryptionKeys })

const newPerson = () => createTestUser(knex(), account)

const identitiesOf = ({ id }: Person) => knex()('user_identities').where({ user_id: id })

const pathOf = ({ url }: Page): string => new URL(url).pathname

const isSignedIn = ({ url, status }: Page): boolean => status === 200 && new URL(url).pathname === SECURITY

const actionsOn = async ({ id }: Person): Promise<string[]> =>
  await knex()('audit_log').where({ target_id: id }).orderBy('seq').pluck('action')

/** Where the browser is sent to connect a provider. */
const leave = async (browser: Browser, provider: string): Promise<URL> =>
  (await browser.submit(await browser.visit(CONNECT), /\/connect$/, { provider })).left!

/** The page that a provider's response leads to. */
const returnAs = async (browser: Browser, left: URL, claims: object): Promise<Page> =>
  await browser.visit(upstream.provider.authorize(left, { sub: 'ada', ...claims }).href)

async function connected(person: Person, claims: object = {}) {
  const providerId = await upstream.add()
  const browser = await enter(upstream.server, person)
  const asked = await returnAs(browser, await leave(browser, providerId), claims)
  return { providerId, browser, asked, page: await browser.submit(asked, /\/signin\/link$/) }
}

const disconnectionOn = ({ text }: Page): string => /href="([^"]*\/disconnect)"/.exec(text)![1]!

describe('a user', () => {
  test('connects an identity, after seeing who they are at the provider, and signs in with it', async () => {
    const person = await newPerson()
    const { providerId, asked, page } = await connected(person, { preferred_username: 'ada.l' })
    expect(wordsOf(asked)).toMatch(
      new RegExp(`sign in as ${person.email} with Acme.*You are signed in to Acme as ada.l`),
    )
    expect(wordsOf(page)).toMatch(/Identity provider connected.*Acme ada.l.*Disconnect/)
    expect(await actionsOn(person)).toContain('user.identity_linked')
    const { page: home } = await signInThrough(upstream, providerId, { sub: 'ada', email: 'ada@new.example.com' })
    expect(isSignedIn(home)).toBe(true)
    expect(wordsOf(home)).toContain('Acme ada@new.example.com')
  })

  test('disconnects it after a page that says what that means, which ends the sessions that began with it', async () => {
    const person = await newPerson()
    const { providerId, browser, page } = await connected(person)
    expect(wordsOf(page)).toMatch(/Acme ada /)
    const { browser: other } = await signInThrough(upstream, providerId, { sub: 'ada' })
    const asked = await browser.visit(disconnectionOn(page))
    expect(wordsOf(asked)).toMatch(/Disconnect Acme\?.*sign you out wherever you signed in with it/)
    expect(wordsOf(asked)).not.toContain('in this browser')
    expect(wordsOf(await other.visit(disconnectionOn(page)))).toContain('sign you out in this browser')
    expect(await identitiesOf(person)).toHaveLength(1)
    expect(wordsOf(await browser.submit(asked, /disconnect$/))).toContain('Identity provider disconnected')
    expect(await identitiesOf(person)).toEqual([])
    expect(isSignedIn(await other.visit(SECURITY))).toBe(false)
    expect(await actionsOn(person)).toContain('user.identity_removed')
    expect((await browser.visit(disconnectionOn(page))).status).toBe(404)
  })

  test('connects nothing that belongs to another user, or that is already connected', async () => {
    const [person, other] = [await newPerson(), await newPerson()]
    const { providerId } = await connected(other)
    const browser = await enter(upstream.server, person)
    const page = await returnAs(browser, await leave(browser, providerId), {})
    expect([page.status, wordsOf(page)]).toEqual([400, expect.stringContaining('is connected to another user')])
    const left = await leave(browser, providerId)
    await insertIdentity(knex(), { providerId, subject: 'own', userId: person.id })
    expect(wordsOf(await returnAs(browser, left, { sub: 'own' }))).toContain('is already connected')
    expect(await identitiesOf(person)).toMatchObject([{ subject: 'own' }])
  })

  test('reads on the same page why nothing was connected', async () => {
    const providerId = await upstream.add()
    const browser = await enter(upstream.server, await newPerson())
    const left = await leave(browser, providerId)
    const refused = upstream.provider.authorize(left, {}, { code: undefined, error: 'access_denied' })
    const page = await browser.visit(refused.href)
    expect([pathOf(page), page.status]).toEqual([`${CONNECT}/${providerId}`, 400])
    expect(wordsOf(page)).toContain('You did not sign in with Acme')
    const used = await browser.visit(refused.href)
    expect(used.status).toBe(400)
  })

  test('sees the page with at most six statements', async () => {
    const { browser } = await connected(await newPerson())
    expect((await statementsOf(browser, SECURITY, 6)).length).toBeLessThanOrEqual(6)
  })

  test('finds identities in the export of their data, an admin those of the account and of the instance', async () => {
    const person = await newPerson()
    await connected(person)
    const elsewhere = await upstream.add({ accountId: await upstream.server.make.account(), name: 'Elsewhere' })
    await insertIdentity(knex(), { providerId: elsewhere, subject: 'x', userId: person.id })
    const providersFor = async (who: ReturnType<typeof adminOf>) => {
      const found: unknown[] = []
      for await (const { kind, data } of await exportUserData(management(), who, { userId: person.id }))
        if (kind === 'identity') found.push(data.provider)
      return found
    }
    expect(await providersFor(adminOf(account, person.id))).toEqual(['Acme', 'Elsewhere'])
    expect(await providersFor(adminOf(account))).toEqual(['Acme'])
  })
})

describe('the last way to sign in', () => {
  /** Who has signed in with a password, and has none now. */
  async function withoutPassword() {
    const person = await newPerson()
    const made = await connected(person)
    await knex()('users').where({ id: person.id }).update({ password_hash: null })
    const asked = await made.browser.visit(disconnectionOn(made.page))
    return { ...made, person, disconnect: () => made.browser.submit(asked, /disconnect$/) }
  }

  test('is not disconnected', async () => {
    const { person, disconnect } = await withoutPassword()
    const page = await disconnect()
    expect([page.status, wordsOf(page)]).toEqual([409, expect.stringContaining('You could no longer sign in')])
    expect(await identitiesOf(person)).toHaveLength(1)
  })

  test('is not a one-time password, nor an identity at a provider that is disabled or of an account that is left', async () => {
    const { person, disconnect } = await withoutPassword()
    await knex()('users').where({ id: person.id }).update({ password_hash: 'x', password_change_required: true })
    const disabled = await upstream.add({ name: 'Disabled' })
    await knex()('identity_providers').where({ id: disabled }).update({ status: 'disabled' })
    const elsewhere = await upstream.add({ accountId: await upstream.server.make.account() })
    for (const providerId of [disabled, elsewhere])
      await insertIdentity(knex(), { providerId, subject: 'other', userId: person.id })
    expect((await disconnect()).status).toBe(409)
    expect(await identitiesOf(person)).toHaveLength(3)
  })

  test.each([
    ['a passkey', ({ id }: Person) => addTestPasskey(knex(), id)],
    [
      'another identity',
      async ({ id }: Person) => {
        const providerId = await upstream.add({ accountId: account })
        await insertIdentity(knex(), { providerId, subject: 'other', userId: id })
      },
    ],
  ])('may also be %s', async (_, add) => {
    const { person } = await withoutPassword()
    const [{ id }] = await identitiesOf(person)
    await add(person)
    expect(await createOwnIdentities(knex()).remove(person.id, id, { type: 'user', id: person.id })).toBe(true)
  })
})

describe('a change of identities', () => {
  test('takes a sign-in of the last ten minutes', async () => {
    const person = await newPerson()
    const { browser, page } = await connected(person)
    const second = await upstream.add({ name: 'Second' })
    const left = await leave(browser, second)
    const asked = await browser.visit(disconnectionOn(page))
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 })
    for (const path of [CONNECT, disconnectionOn(page)])
      expect(pathOf(await browser.visit(path))).toBe('/signin/confirm')
    expect(wordsOf(await browser.submit(asked, /disconnect$/))).toContain('Confirm your password')
    expect(pathOf(await returnAs(browser, left, { sub: 'second' }))).toBe('/signin/confirm')
    expect(await identitiesOf(person)).toMatchObject([{ subject: 'ada' }])
  })

  test('is for providers of the instance and of the own accounts', async () => {
    const elsewhere = await upstream.add({ accountId: await upstream.server.make.account(), name: 'Elsewhere' })
    const [ofAccount, disabled] = [
      await upstream.add({ accountId: account, name: 'Own' }),
      await upstream.add({ name: 'Off' }),
    ]
    await knex()('identity_providers').where({ id: disabled }).update({ status: 'disabled' })
    const browser = await enter(upstream.server, await newPerson())
    const page = await browser.visit(CONNECT)
    expect(wordsOf(page)).toMatch(/Continue with Own/)
    expect(wordsOf(page)).not.toMatch(/Elsewhere|Off/)
    for (const provider of [elsewhere, disabled, 'x', '']) {
      const { status, left } = await browser.submit(page, /\/connect$/, { provider })
      expect([status, left]).toEqual([400, undefined])
    }
    expect((await leave(browser, ofAccount)).origin).toBe(upstream.provider.issuer)
  })

  test('is neither seen nor made in a session that is fixed to an account', async () => {
    const person = await newPerson()
    await knex()('users').where({ id: person.id }).update({ email_verified: true })
    const { page } = await connected(person)
    const path = disconnectionOn(page)
    const ofAccount = await upstream.add({ accountId: account, name: 'Own' })
    const claims = { sub: 'fixed', email: person.email, email_verified: true }
    const { browser } = await signInThrough(upstream, ofAccount, claims)
    for (const one of [SECURITY, CONNECT, path]) {
      const asked = await browser.visit(one)
      expect([pathOf(asked), wordsOf(asked).includes('Acme ada')]).toEqual(['/signin/confirm', false])
    }
  })
})

describe('a response of a provider to a user who connects an identity', () => {
  test('connects nothing for another user of the same browser, and nothing in another browser', async () => {
    const [person, other] = [await newPerson(), await newPerson()]
    const providerId = await upstream.add()
    const browser = await enter(upstream.server, person)
    const left = await leave(browser, providerId)
    const elsewhere = await enter(upstream.server, other)
    expect((await returnAs(elsewhere, left, {})).status).toBe(400)
    await browser.submit(await browser.visit(SECURITY), /\/signout$/)
    const asked = await browser.visit('/signin')
    await browser.submit(asked, /\/signin$/, { email: other.email, password: other.password })
    expect((await returnAs(browser, left, {})).status).toBe(400)
    expect([...(await identitiesOf(person)), ...(await identitiesOf(other))]).toEqual([])
  })

  test('is confirmed only by the user who began', async () => {
    const [person, other] = [await newPerson(), await newPerson()]
    const browser = await enter(upstream.server, person)
    const asked = await returnAs(browser, await leave(browser, await upstream.add()), {})
    await browser.submit(await browser.visit(SECURITY), /\/signout$/)
    await browser.submit(await browser.visit('/signin'), /\/signin$/, { email: other.email, password: other.password })
    await browser.submit(asked, /\/signin\/link$/)
    expect([...(await identitiesOf(person)), ...(await identitiesOf(other))]).toEqual([])
  })

  test('signs nobody in, also at the path of an application', async () => {
    const person = await newPerson()
    const { browser, providerId } = await connected(person)
    const other = await upstream.add({ name: 'Second' })
    const left = await leave(browser, other)
    await insertIdentity(knex(), { providerId: other, subject: 'victim', userId: (await newPerson()).id })
    const application = await createApplication(upstream.server)
    const waiting = await browser.visit(application.link({ prompt: 'login' }))
    const [, uid] = /\/interaction\/([\w-]+)/.exec(waiting.text)!
    const response = upstream.provider.authorize(left, { sub: 'victim' })
    const page = await browser.visit(`/interaction/${uid}/callback/${other}${response.search}`)
    expect([page.status, page.left]).toEqual([400, undefined])
    expect(wordsOf(await browser.visit(SECURITY))).toContain(person.email)
    expect(providerId).not.toBe(other)
  })

  test('is no way to sign in for somebody whose session has ended', async () => {
    const person = await newPerson()
    const { browser, providerId } = await connected(person)
    const second = await upstream.add({ name: 'Second' })
    const left = await leave(browser, second)
    await browser.submit(await browser.visit(SECURITY), /\/signout$/)
    await knex()('user_identities').where({ provider_id: providerId }).update({ provider_id: second })
    expect(pathOf(await returnAs(browser, left, {}))).toBe('/signin')
  })
})
