/** Who signs in through a provider: linking, creation, takeover by address, accounts and roles, and what ends a session. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { lockCredentials } from '../../src/accounts/credentials.ts'
import { deleteIdentity, insertIdentity } from '../../src/identity-providers/user-identities.ts'
import { addEmailDomain, verifyEmailDomain } from '../../src/management/email-domain-operations.ts'
import {
  deleteIdentityProvider,
  setIdentityProviderStatus,
  updateIdentityProvider,
} from '../../src/management/identity-provider-operations.ts'
import { removeUserIdentity } from '../../src/management/user-identity-operations.ts'
import { adminOf, operator } from '../management/principals.ts'
import { createApplication, isAllow } from '../oidc/application-fixtures.ts'
import { untilLocked } from '../support/lock-waits.ts'
import { claimsOf } from '../support/requests.ts'
import { openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { enter } from '../web/console/console-visits.ts'
import { startScriptedProvider } from './scripted-provider.ts'
import { addProvider, openUpstream, select, signInThrough, submitToProvider } from './upstream-environment.ts'

let upstream: Awaited<ReturnType<typeof openUpstream>>
let account: string
let made = 0

beforeAll(async () => {
  upstream = await openUpstream()
  account = upstream.server.firstStart.accountId
})
afterAll(() => upstream.stop())
afterEach(async () => {
  upstream.provider.script({})
  await knex()('identity_providers').delete()
})

const knex = () => upstream.server.knex
const management = () => ({ knex: knex(), encryptionKeys: upstream.server.instance.encryptionKeys })

const isSignedIn = ({ url, status }: Page): boolean => status === 200 && new URL(url).pathname === '/account/security'

/** A session that is fixed to an account does not show what the user has in all accounts. */
const isAskedAgain = ({ url, status }: Page): boolean => status === 200 && new URL(url).pathname === '/signin/confirm'

const errorOn = ({ text }: Page): string => /role="alert">([^<]*)</.exec(text)?.[1] ?? ''

/** The error at a field. */
const errorIn = ({ text }: Page): string => /Single sign-on is not set up[^<]*/.exec(text)?.[0] ?? ''

const newEmail = () => `new-${++made}-${process.pid}@example.com`

async function verifiedUser(of = account): Promise<Person> {
  const person = await createTestUser(knex(), of)
  await knex()('users').where({ id: person.id }).update({ email_verified: true })
  return person
}

/** An operator's provider that creates users. */
const creating = (values: object = {}) =>
  upstream.add({ name: 'Staff', createsUsers: true, accountClaim: 'customer', ...values })

const userWith = (email: string) => knex()('users').where({ email_key: email.toLowerCase() }).first()

describe('somebody without a user', () => {
  test('gets one in the account that a claim names by its ID, with the role of their groups', async () => {
    const id = await creating({ roleClaim: 'groups', roleValues: ['staff=viewer', 'engineers=developer'] })
    const email = newEmail()
    const claims = { sub: email, email, email_verified: true, name: 'Grace Hopper', customer: account }
    const { page } = await signInThrough(upstream, id, { ...claims, groups: ['staff', 'engineers', 'others'] })
    expect(isSignedIn(page)).toBe(true)
    const user = await userWith(email)
    expect(user.proven_mailbox_key).toBe(user.email_key)
    expect(user).toMatchObject({ name: 'Grace Hopper', account_id: account, email_verified: true, password_hash: null })
    expect(await knex()('memberships').where({ user_id: user.id })).toMatchObject([{ role: 'developer' }])
  })

  test('gets one in the account that a claim names by its external ID; userinfo has what the ID token lacks', async () => {
    await knex()('accounts').where({ id: account }).update({ external_id: 'cus_1' })
    const id = await creating()
    const email = newEmail()
    upstream.provider.script({ userinfo: { sub: email, email, email_verified: true, customer: 'cus_1' } })
    expect(isSignedIn((await signInThrough(upstream, id, { sub: email })).page)).toBe(true)
    expect(await userWith(email)).toMatchObject({ account_id: account })
  })

  test('gets none when userinfo is about another subject', async () => {
    const id = await creating()
    const email = newEmail()
    upstream.provider.script({ userinfo: { sub: 'another', email, email_verified: true, customer: account } })
    const { page } = await signInThrough(upstream, id, { sub: email })
    expect(errorOn(page)).toContain('is not valid')
    expect(await userWith(email)).toBeUndefined()
  })

  test.each([
    ['the provider creates no users', { createsUsers: false, accountClaim: null }, {}],
    ['no claim names an account', {}, { customer: undefined }],
    ['the claim names an unknown account', {}, { customer: 'cus_unknown' }],
    ['the claim is no text', {}, { customer: ['cus_1'] }],
  ])('gets none when %s', async (_, values, changed) => {
    const id = await creating(values)
    const email = newEmail()
    const claims = { sub: email, email, email_verified: true, customer: account, ...changed }
    const { page } = await signInThrough(upstream, id, claims)
    expect([page.status, errorOn(page)]).toEqual([403, expect.stringContaining('you do not have access here')])
    expect(await userWith(email)).toBeUndefined()
  })

  test('becomes no operator, whatever a claim says', async () => {
    await expect(creating({ roleClaim: 'groups', roleValues: ['root=operator'] })).rejects.toThrow(/roles are/)
  })

  test('gets one user only, of two sign-ins at once', async () => {
    const id = await creating()
    const email = newEmail()
    const claims = { sub: email, email, email_verified: true, customer: account }
    await Promise.all([1, 2, 3].map(() => signInThrough(upstream, id, claims)))
    expect(await knex()('users').where({ email_key: email })).toHaveLength(1)
    expect(await knex()('user_identities').where({ subject: email })).toHaveLength(1)
  })
})

describe('a user is not taken over by an address that', () => {
  async function expectOwnCredentials(person: Person, claims: object): Promise<{ id: string; page: Page }> {
    const id = await upstream.add()
    const { page } = await signInThrough(upstream, id, { sub: 'mallory', email: person.email, ...claims })
    expect(isSignedIn(page)).toBe(false)
    expect(errorOn(page)).toContain('have not used Acme here yet')
    expect(await knex()('user_identities').where({ user_id: person.id })).toEqual([])
    return { id, page }
  }

  test('the provider has not verified', async () => {
    await expectOwnCredentials(await verifiedUser(), { email_verified: false })
    await expectOwnCredentials(await verifiedUser(), {})
    await expectOwnCredentials(await verifiedUser(), { email_verified: 1 })
  })

  test('is not verified here', async () => {
    await expectOwnCredentials(await createTestUser(knex(), account), { email_verified: true })
  })

  test('a provider of another account states', async () => {
    const person = await verifiedUser()
    const other = await upstream.server.make.account()
    const id = await upstream.add({ accountId: other, createsUsers: true })
    const claims = { sub: 'mallory', email: person.email, email_verified: true }
    const { page } = await signInThrough(upstream, id, claims)
    expect(isSignedIn(page)).toBe(false)
    expect(await knex()('user_identities').where({ user_id: person.id })).toEqual([])
    expect(await knex()('memberships').where({ user_id: person.id }).pluck('account_id')).toEqual([person.accountId])
  })

  test('looks the same with and without a user, while it is not verified', async () => {
    const id = await upstream.add()
    const text = async (email: string) => {
      const { page } = await signInThrough(upstream, id, { sub: email, email })
      return [page.status, errorOn(page)]
    }
    expect(await text((await verifiedUser()).email)).toEqual(await text(newEmail()))
  })
})

describe('a provider of an account', () => {
  test('creates users there, whose sessions are fixed to the account, and vouches for its own domains only', async () => {
    const other = await upstream.server.make.account()
    const id = await upstream.add({ accountId: other, createsUsers: true, newUserRole: 'viewer' })
    const email = newEmail()
    const { page, browser } = await signInThrough(upstream, id, { sub: email, email, email_verified: true })
    expect(isAskedAgain(page)).toBe(true)
    const user = await userWith(email)
    expect(user).toMatchObject({ account_id: other, email_verified: false, email_set_by_program: true })
    await knex()('memberships').where({ user_id: user.id }).update({ status: 'disabled' })
    expect(isAskedAgain(await browser.visit('/account/security'))).toBe(false)
  })

  test.each([
    ['signs in', true],
    ['creates nobody', false],
  ])('does not learn whether a user elsewhere has an address: it %s in both cases', async (_, createsUsers) => {
    const other = await upstream.server.make.account()
    const id = await upstream.add({ accountId: other, createsUsers })
    const used = await verifiedUser()
    const seen = async (email: string) => {
      const claims = { sub: email, email, email_verified: true, name: 'Ada' }
      const visits = []
      for (let n = 0; n < 2; n++) {
        const { page } = await signInThrough(upstream, id, claims)
        visits.push([page.status, new URL(page.url).pathname, isAskedAgain(page), errorOn(page)])
      }
      const row = await knex()('users').where({ email, account_id: other }).first()
      const actions = knex()('audit_log')
        .where({ target_id: row?.id ?? '' })
        .orderBy('at')
        .orderBy('id')
      const { role, email_verified: verified, email_set_by_program: byProgram } = row ?? {}
      return { visits, role, verified, byProgram, actions: await actions.pluck('action') }
    }
    const answers = [await seen(used.email), await seen(newEmail())]
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]!.visits[0]![2]).toBe(createsUsers)
  })

  test('signs in the pending user in its account only, and the person after they have joined', async () => {
    const other = await upstream.server.make.account()
    const id = await upstream.add({ accountId: other, createsUsers: true })
    const person = await verifiedUser()
    const claims = { sub: person.id, email: person.email, email_verified: true }
    const userOfIdentity = async () => (await knex()('user_identities').where({ provider_id: id }).first()).user_id
    const { browser } = await signInThrough(upstream, id, claims)
    const pending = await userOfIdentity()
    expect(pending).not.toBe(person.id)
    expect(isAskedAgain(await browser.visit('/account/security'))).toBe(true)
    await knex()('users').where({ id: person.id }).update({ proven_mailbox_key: person.email })
    const own = await enter(upstream.server, person)
    const path = /href="(\/invitation\?[^"]*)"/.exec((await own.visit('/')).text)![1]!
    await own.submit(await own.visit(path), /\/invitation$/, { answer: 'join' })
    expect(isAskedAgain(await browser.visit('/account/security'))).toBe(false)
    await knex()('users').where({ id: pending }).delete()
    await signInThrough(upstream, id, claims)
    expect(await userOfIdentity()).toBe(person.id)
  })

  test('signs in a member of the account with a verified address', async () => {
    const person = await verifiedUser()
    const id = await upstream.add({ accountId: account })
    const claims = { sub: person.id, email: person.email, email_verified: true }
    expect(isAskedAgain((await signInThrough(upstream, id, claims)).page)).toBe(true)
  })

  test('is found by a verified domain, and by no other', async () => {
    const id = await upstream.add({ accountId: account })
    const domain = 'acme.example.com'
    await addEmailDomain(management(), operator, { providerId: id, domain })
    const at = async (email: string) => {
      const browser = openBrowser(upstream.server.url)
      return await submitToProvider(browser, await browser.visit('/signin'), { email })
    }
    expect(errorIn(await at(`ada@${domain}`))).toContain('Single sign-on is not set up')
    await verifyEmailDomain(management(), operator, { providerId: id, domain })
    expect((await openBrowser(upstream.server.url).visit('/signin')).text).toContain('Use single sign-on')
    const { left } = await at(`ada@ACME.example.com`)
    expect(left!.origin).toBe(upstream.provider.issuer)
    expect(left!.searchParams.get('login_hint')).toBe('ada@ACME.example.com')
    expect((await at('ada@sub.acme.example.com')).left).toBeUndefined()
    // The same domain for another account.
    const other = await upstream.add({ accountId: await upstream.server.make.account() })
    await addEmailDomain(management(), operator, { providerId: other, domain })
    await expect(verifyEmailDomain(management(), operator, { providerId: other, domain })).rejects.toThrow(
      /is verified/,
    )
  })

  test('needs a TXT record for a domain, if no operator verifies it', async () => {
    const id = await upstream.add({ accountId: account })
    const who = adminOf(account)
    const selector = { providerId: id, domain: 'dns.example.com' }
    await addEmailDomain(management(), who, selector)
    const records: string[] = []
    const asked: string[] = []
    const check = {
      redirectUri: (one: string) => one,
      logoutUri: (one: string) => one,
      postLogoutUri: (one: string) => one,
      check: async () => {},
      hidesResponses: false,
    }
    const textRecords = async (name: string) => {
      asked.push(name)
      return records
    }
    const withDns = { ...management(), upstream: { ...check, textRecords } }
    await expect(verifyEmailDomain(withDns, who, selector)).rejects.toThrow(/TXT record _keywright.dns.example.com/)
    records.push('other', `keywright-identity-provider=${id}`)
    const { domains } = await verifyEmailDomain(withDns, who, selector)
    expect(domains).toMatchObject([{ domain: 'dns.example.com', verifiedAt: expect.any(Date) }])
    expect(asked).toEqual(['_keywright.dns.example.com', '_keywright.dns.example.com'])
  })

  test('is managed by no program of the account', async () => {
    const id = await upstream.add({ accountId: account })
    const program = { ...adminOf(account), scopes: new Set(['identity_providers:write']), signedInAt: null }
    const change = { providerId: id, name: 'Other' }
    await expect(updateIdentityProvider(management(), program, change)).rejects.toThrow(/just signed in/)
    await expect(updateIdentityProvider(management(), adminOf(account), change)).resolves.toMatchObject({
      name: 'Other',
    })
    const trusting = { providerId: id, trustsSecondFactor: true }
    await expect(updateIdentityProvider(management(), adminOf(account), trusting)).rejects.toThrow(/only an operator/)
  })
})

describe('a user who signs in with their own credentials', () => {
  test('connects the identity, and then signs in with it', async () => {
    const id = await upstream.add()
    const person = await createTestUser(knex(), account)
    const claims = { sub: 'linked', email: person.email, email_verified: true }
    const { page, browser } = await signInThrough(upstream, id, claims)
    const asked = await browser.submit(page, /\/signin$/, { email: person.email, password: person.password })
    expect(asked.text).toContain('Connect Acme?')
    expect(isSignedIn(await browser.submit(asked, /\/signin\/link$/))).toBe(true)
    expect(isSignedIn((await signInThrough(upstream, id, claims)).page)).toBe(true)
    expect(await knex()('audit_log').where({ action: 'user.identity_linked', target_id: person.id })).toHaveLength(1)
  })

  test('cannot connect an identity that another browser proved', async () => {
    const id = await upstream.add()
    const [person, mallory] = [await createTestUser(knex(), account), openBrowser(upstream.server.url)]
    const { page } = await signInThrough(upstream, id, { sub: 'mallory' }, mallory)
    const link = /name="link" value="([^"]+)"/.exec(page.text)![1]!
    const browser = openBrowser(upstream.server.url)
    const own = await browser.visit('/signin?return_to=/account/security')
    const after = await browser.submit(own, /\/signin$/, { email: person.email, password: person.password, link })
    expect(isSignedIn(after)).toBe(true)
    expect(await knex()('user_identities').where({ user_id: person.id })).toEqual([])
  })
})

describe('a session that began with a provider', () => {
  async function signedIn() {
    const id = await upstream.add()
    const person = await verifiedUser()
    const claims = { sub: person.id, email: person.email, email_verified: true }
    const { page, browser } = await signInThrough(upstream, id, claims)
    expect(isSignedIn(page)).toBe(true)
    return { id, person, browser }
  }

  const isOver = async (browser: ReturnType<typeof openBrowser>) =>
    !isSignedIn(await browser.visit('/account/security'))

  test('ends when the provider is disabled, and stays ended', async () => {
    const { id, browser } = await signedIn()
    await setIdentityProviderStatus(management(), operator, { providerId: id, status: 'disabled' })
    expect(await isOver(browser)).toBe(true)
    await setIdentityProviderStatus(management(), operator, { providerId: id, status: 'enabled' })
    expect(await isOver(browser)).toBe(true)
  })

  test('ends when the provider is deleted', async () => {
    const { id, browser } = await signedIn()
    await deleteIdentityProvider(management(), operator, { providerId: id })
    expect(await isOver(browser)).toBe(true)
  })

  test('ends when the identity is removed', async () => {
    const { person, browser } = await signedIn()
    const { id: identityId } = await knex()('user_identities').where({ user_id: person.id }).first()
    await removeUserIdentity(management(), operator, { userId: person.id, identityId })
    expect(await isOver(browser)).toBe(true)
  })

  test('does not begin when the identity is removed meanwhile, and the activity log has no such sign-in', async () => {
    const { id, person } = await signedIn()
    const { id: identityId } = await knex()('user_identities').where({ user_id: person.id }).first()
    const signIns = () => knex()('audit_log').where({ action: 'user.signed_in', target_id: person.id })
    expect(await signIns()).toHaveLength(1)
    const browser = openBrowser(upstream.server.url)
    const response = upstream.provider.authorize(await select(browser, id), { sub: person.id })
    const { page } = await knex().transaction(async (trx) => {
      await lockCredentials(trx, person.id)
      const page = browser.visit(response.href)
      await untilLocked({ query: (text) => knex().raw(text) }, page)
      await deleteIdentity(trx, { userId: person.id, identityId })
      return { page }
    })
    expect((await page).status).toBe(403)
    expect(await signIns()).toHaveLength(1)
  })

  test('does not begin for a user who is disabled', async () => {
    const { id, person } = await signedIn()
    await knex()('users').where({ id: person.id }).update({ status: 'disabled' })
    const { page } = await signInThrough(upstream, id, { sub: person.id })
    expect(page.status).toBe(403)
  })
})

describe('an application', () => {
  const PASSWORD_ACR = 'urn:keywright:acr:password'

  async function idTokenOf(providerId: string, claims: Record<string, unknown>, params = {}) {
    const application = await createApplication(upstream.server, { consent: 'skip' })
    const browser = openBrowser(upstream.server.url)
    const page = await browser.visit(application.link(params))
    const at = (await browser.submit(page, /\/provider$/, { provider: providerId })).left!
    const back = await browser.visit(upstream.provider.authorize(at, claims).href)
    const left = isAllow(back) ? (await browser.submit(back, /\/allow$/)).left : back.left
    if (!left) return { at, page: back }
    const { body } = await application.redeem(left.searchParams.get('code')!)
    return { at, page: back, claims: claimsOf(body.id_token) }
  }

  test('receives amr, acr and auth_time of a trusted provider', async () => {
    const id = await upstream.add({ trustsSecondFactor: true, trustedAcr: ['phr'] })
    const person = await verifiedUser()
    const time = Math.floor(Date.now() / 1000) - 1000
    const stated = { amr: ['hwk', 'user'], acr: 'phr', auth_time: time }
    const claims = { sub: person.id, email: person.email, email_verified: true, ...stated }
    const token = (await idTokenOf(id, claims)).claims
    expect(token).toMatchObject({ sub: person.id, acr: 'phr', auth_time: time })
    expect(token!.amr).toEqual(['hwk', 'user', 'mfa'])
  })

  test('receives neither mfa nor acr that another provider states', async () => {
    const id = await upstream.add()
    const person = await verifiedUser()
    const stated = { amr: ['pwd', 'mfa'], acr: 'urn:keywright:acr:mfa' }
    const token = (await idTokenOf(id, { sub: person.id, email: person.email, email_verified: true, ...stated })).claims
    expect(token).toMatchObject({ acr: PASSWORD_ACR, amr: ['pwd'] })
  })

  test('that asks for a new sign-in makes the provider ask, and the answer must be recent', async () => {
    const id = await upstream.add()
    const person = await verifiedUser()
    const claims = { sub: person.id, email: person.email, email_verified: true }
    const fresh = await idTokenOf(id, { ...claims, auth_time: Math.floor(Date.now() / 1000) }, { prompt: 'login' })
    expect(Object.fromEntries(fresh.at.searchParams)).toMatchObject({ prompt: 'login', max_age: '0' })
    expect(fresh.claims).toMatchObject({ sub: person.id })
    for (const auth_time of [undefined, Math.floor(Date.now() / 1000) - 3600]) {
      const { page } = await idTokenOf(id, { ...claims, auth_time }, { prompt: 'login' })
      expect(errorOn(page)).toContain('did not confirm that you have just signed in')
    }
  })

  test('that requires a second factor gets that of Keywright, unless the provider is trusted', async () => {
    const params = { acr_values: 'urn:keywright:acr:mfa' }
    const person = await verifiedUser()
    const claims = { sub: person.id, email: person.email, email_verified: true, amr: ['pwd', 'mfa'] }
    const { page } = await idTokenOf(await upstream.add(), claims, params)
    expect(page.text).toMatch(/action="[^"]*\/factor\/setup"/)
    const trusted = await upstream.add({ trustsSecondFactor: true })
    expect((await idTokenOf(trusted, claims, params)).claims).toMatchObject({ sub: person.id })
  })
})

describe('within the sign-in of an application, a user who must confirm a link', () => {
  /** Where the user has signed in with their own password and is asked. */
  async function askedWithin(params = {}) {
    const id = await upstream.add()
    const person = await createTestUser(knex(), account)
    const application = await createApplication(upstream.server, { consent: 'skip' })
    const browser = openBrowser(upstream.server.url)
    const page = await browser.visit(application.link(params))
    const at = (await browser.submit(page, /\/provider$/, { provider: id })).left!
    const auth_time = Math.floor(Date.now() / 1000)
    const back = await browser.visit(upstream.provider.authorize(at, { sub: person.id, auth_time }).href)
    expect(errorOn(back)).toContain('have not used Acme here yet')
    const { email, password } = person
    const asked = await browser.submit(back, /\/sign-in$/, { email, password })
    expect(asked.text).toContain('Connect Acme?')
    return { person, application, browser, asked }
  }

  const identitiesOf = ({ id }: Person) => knex()('user_identities').where({ user_id: id })

  test('continues to the application, as who they signed in', async () => {
    const { person, application, browser, asked } = await askedWithin()
    const { left } = await browser.submit(asked, /\/link$/)
    const { body } = await application.redeem(left!.searchParams.get('code')!)
    expect(claimsOf(body.id_token)).toMatchObject({ sub: person.id, amr: ['pwd'] })
    expect(await identitiesOf(person)).toHaveLength(1)
  })

  test('continues also when they do not connect it', async () => {
    const { person, application, browser, asked } = await askedWithin({ prompt: 'login' })
    const { left } = await browser.submit(asked, /\/link$/, { answer: 'no' })
    const { body } = await application.redeem(left!.searchParams.get('code')!)
    expect(claimsOf(body.id_token)).toMatchObject({ sub: person.id })
    expect(await identitiesOf(person)).toEqual([])
  })

  test('neither connects nor continues after their sessions were revoked', async () => {
    const { person, browser, asked } = await askedWithin()
    await knex()('users')
      .where({ id: person.id })
      .update({ sessions_valid_from: knex().raw(`sessions_valid_from + interval '1 second'`) })
    expect((await browser.submit(asked, /\/link$/)).status).toBe(400)
    const { left } = await browser.submit(asked, /\/link$/, { answer: 'no' })
    expect(left).toBeUndefined()
    expect(await identitiesOf(person)).toEqual([])
  })

  test('answers in the same browser, for the same sign-in', async () => {
    const { person, asked } = await askedWithin()
    const { browser: other, asked: another } = await askedWithin()
    const question = /name="question" value="([^"]+)"/.exec(asked.text)![1]!
    for (const answer of ['yes', 'no'])
      expect((await other.submit(another, /\/link$/, { question, answer })).status).toBe(400)
    expect(await identitiesOf(person)).toEqual([])
  })

  test('is asked nothing when they sign in through another provider, which does not prove who they are here', async () => {
    const first = await upstream.add()
    const other = await startScriptedProvider()
    const second = await addProvider(upstream.server, other, { name: 'Other' })
    const person = await verifiedUser()
    const application = await createApplication(upstream.server, { consent: 'skip' })
    const browser = openBrowser(upstream.server.url)
    const page = await browser.visit(application.link())
    const at = (await browser.submit(page, /\/provider$/, { provider: first })).left!
    const back = await browser.visit(upstream.provider.authorize(at, { sub: 'mallory' }).href)
    const onward = (await submitToProvider(browser, back, { provider: second })).left!
    const claims = { sub: person.id, email: person.email, email_verified: true }
    const { left } = await browser.visit(other.authorize(onward, claims).href)
    expect(left!.searchParams.get('code')).toBeTruthy()
    expect(await identitiesOf(person)).toMatchObject([{ provider_id: second }])
    other.stop()
  })
})

/** What the log says of failed sign-ins through a provider. */
const loggedFailures = (identityProvider: string) =>
  upstream.server
    .logLines()
    .filter((line) => line.msg === 'upstream sign-in failed' && line.identityProvider === identityProvider)

describe('the log has the reason why a sign-in was refused:', () => {
  const stated = () => {
    const email = newEmail()
    return { sub: email, email, email_verified: true }
  }

  test.each([
    ['nobody is created', { createsUsers: false, accountClaim: null }, {}, 'unknown'],
    ['the authentication is older than a session', {}, { auth_time: 1 }, 'not_fresh'],
    ['the subject is not valid', {}, { sub: 'a\u0000da' }, 'invalid'],
  ])('%s', async (_, values, changed, failure) => {
    const id = await creating(values)
    await signInThrough(upstream, id, { ...stated(), ...changed })
    expect(loggedFailures(id)).toMatchObject([{ level: 30, problem: failure }])
  })

  test('the user is disabled', async () => {
    const id = await upstream.add()
    const person = await verifiedUser()
    await insertIdentity(knex(), { providerId: id, subject: person.id, userId: person.id })
    await knex()('users').where({ id: person.id }).update({ status: 'disabled' })
    await signInThrough(upstream, id, { sub: person.id })
    expect(loggedFailures(id)).toMatchObject([{ level: 30, problem: 'inactive' }])
  })

  test('a user cannot be created, and why', async () => {
    const other = await upstream.server.make.account()
    const id = await upstream.add({ accountId: other, createsUsers: true })
    await knex()('accounts').where({ id: other }).update({ status: 'disabled' })
    const { page } = await signInThrough(upstream, id, stated())
    expect(page.text).not.toContain('switched off')
    const detail = `the account ${other} is switched off`
    expect(loggedFailures(id)).toMatchObject([{ level: 30, problem: 'unknown', detail }])
  })
})

test('a provider at a private address that OUTGOING_ALLOW does not name is not called', async () => {
  const other = await startScriptedProvider()
  const id = await addProvider(upstream.server, other, { name: 'Private' })
  await knex()('identity_providers')
    .where({ id })
    .update({ issuer: other.issuer.replace('127.0.0.1', '127.0.0.2') })
  const browser = openBrowser(upstream.server.url)
  const page = await browser.submit(await browser.visit('/signin'), /\/provider$/, { provider: id })
  expect(errorOn(page)).toContain('Private does not respond')
  expect(JSON.stringify(upstream.server.logLines())).toContain('127.0.0.2 is not at a public address')
  other.stop()
})

test('the confirmation of another user at the provider is refused', async () => {
  const id = await upstream.add()
  const [person, other] = [await verifiedUser(), await verifiedUser()]
  const claims = (of: Person) => ({
    sub: of.id,
    email: of.email,
    email_verified: true,
    auth_time: Math.floor(Date.now() / 1000),
  })
  const { browser } = await signInThrough(upstream, id, claims(person))
  const confirm = async (who: Person) => {
    const left = await select(browser, id, '/signin/confirm?return_to=/account/security')
    return await browser.visit(upstream.provider.authorize(left, claims(who)).href)
  }
  expect(errorOn(await confirm(other))).toContain('as another user')
  expect(loggedFailures(id)).toMatchObject([{ level: 30, problem: 'other_user' }])
  expect(isSignedIn(await confirm(person))).toBe(true)
})
