import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { archiveApplication } from '../../../src/management/application-operations.ts'
import { createApplication } from '../../../src/management/new-applications.ts'
import type { Principal } from '../../../src/management/principal.ts'
import { createEncryptionKeys } from '../../../src/shared/encryption-keys.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { type Browser, formsOf, openBrowser, type Page, signIn } from '../../support/scriptless-browser.ts'
import { createTestUser, PASSWORD, type Person } from '../../support/test-users.ts'
import { copyableOf } from './admin-session.ts'
import { createOperator, enter, statementsOf, wordsOf } from './console-visits.ts'

let server: Keywright
let account: string
let ada: Person
let grace: Person
let operator: Person
let asAda: Browser
let asOperator: Browser

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  ada = await createTestUser(server.knex, account, 'admin')
  grace = await createTestUser(server.knex, account, 'admin')
  operator = await createOperator(server.knex)
  asAda = await enter(server, ada)
  asOperator = await enter(server, operator)
})
afterAll(() => server.stop())

const invite = async (browser: Browser, fields: Record<string, string>, from = '/users/invite'): Promise<Page> =>
  await browser.submit(await browser.visit(from), /\/users\/invite$/, fields)

let invited = 0
const newEmail = (): string => `invited-${++invited}@people.example`

describe('inviting', () => {
  it('shows a one-time password once, which lets them in and is then replaced', async () => {
    const email = newEmail()
    const page = await invite(asAda, { email, name: 'Mary', role: 'member' })
    expect(page.status).toBe(200)
    expect(page.headers.get('cache-control')).toBe('no-store')
    const password = copyableOf(page, 'One-time password')
    expect(wordsOf(page)).toContain(
      `Sign in at: ${server.url}/signin Email address: ${email} One-time password: ${password}`,
    )
    const list = await asAda.visit('/users?search=mary')
    expect(wordsOf(list)).toMatch(/Mary invited-\S+ Member Invited never/)
    expect(list.text).not.toContain(password)

    const browser = openBrowser(server.url)
    const choosing = await signIn(browser, await browser.visit('/signin'), email, password)
    expect(wordsOf(choosing)).toContain('Choose')
    const user = await server.knex('users').where({ email }).first()
    expect(user).toMatchObject({ account_id: account, role: 'member', name: 'Mary' })
    expect(JSON.stringify(user)).not.toContain(password)
  })

  it('marks the address as verified where the box is checked', async () => {
    for (const [checked, verified] of [
      [{}, false],
      [{ emailVerified: 'on' }, true],
    ] as const) {
      const email = newEmail()
      await invite(asAda, { email, role: 'member', ...checked })
      expect(await server.knex('users').where({ email }).first()).toMatchObject({ email_verified: verified })
    }
  })

  it('says at the field what is wrong, and keeps what was typed', async () => {
    const page = await invite(asAda, { email: grace.email, name: '<script>alert(1)</script>', role: 'member' })
    expect(page.status).toBe(400)
    expect(page.text).toMatch(/id="field-email-error"[^>]*>There is already a user/)
    expect(page.text).toContain('value="&lt;script&gt;alert(1)&lt;/script&gt;"')
    expect(page.text).not.toContain('<script>alert')
  })

  it('by an admin makes nobody of another account, and no operator', async () => {
    const elsewhere = await server.make.account()
    const email = newEmail()
    const page = await invite(asAda, { email, role: 'member', accountId: elsewhere })
    expect(page.status).toBe(200)
    expect(await server.knex('users').where({ email }).first('account_id')).toEqual({ account_id: account })
    expect((await invite(asAda, { email: newEmail(), role: 'operator' })).status).toBe(400)
  })

  it('by an operator names the account by its id or its exact name', async () => {
    const [name, twice] = ['Northwind Traders', 'Twice']
    const rows = [name, twice, twice].map((one) => ({ id: crypto.randomUUID(), name: one }))
    await server.knex('accounts').insert(rows)
    const accountOf = async (fields: Record<string, string>) => {
      const email = newEmail()
      const page = await invite(asOperator, { email, role: 'admin', ...fields })
      const user = await server.knex('users').where({ email }).first('account_id')
      return user ? user.account_id : wordsOf(page)
    }
    expect(await accountOf({ accountId: name })).toBe(rows[0]!.id)
    expect(await accountOf({ accountId: rows[1]!.id })).toBe(rows[1]!.id)
    expect(await accountOf({ accountId: twice })).toContain('Several accounts have this name')
    expect(await accountOf({ accountId: 'Nobody Ltd' })).toContain('No account has this ID or name')
    expect(await accountOf({ accountId: '' })).toContain('Enter the account of the user')
    expect(await accountOf({ accountId: name, role: 'operator' })).toContain('An operator has no account')
    expect(await accountOf({ accountId: '', role: 'operator' })).toBeNull()
  })
})

describe('the list', () => {
  it('holds the people of the account alone, searched and filtered', async () => {
    const elsewhere = await createTestUser(server.knex, await server.make.account(), 'admin')
    const rows = async (query: string) => (await asAda.visit(`/users?${query}`)).text
    expect(await rows('')).toContain(ada.email)
    expect(await rows('')).not.toContain(elsewhere.email)
    expect(await rows(`search=${grace.name!.split(' ')[1]}`)).toContain(grace.email)
    expect(await rows('role=member')).not.toContain(grace.email)
    expect(await rows('status=disabled')).not.toContain(grace.email)
    expect(await rows('search=nobodyatall')).toContain('No results')
    const all = (await asOperator.visit(`/users?account=${elsewhere.accountId}`)).text
    expect(all).toContain(elsewhere.email)
    expect(all).not.toContain(ada.email)
    expect((await asAda.visit(`/users?account=${elsewhere.accountId}`)).status).toBe(404)
  })

  it('goes on where the part before ended, and misses nobody', async () => {
    const crowd = await server.make.account()
    const people = Array.from({ length: 120 }, (_, n) => ({
      id: crypto.randomUUID(),
      account_id: crowd,
      email: `crowd-${String(n).padStart(3, '0')}@people.example`,
      email_key: `crowd-${String(n).padStart(3, '0')}@people.example`,
      role: 'member',
      password_hash: 'none',
    }))
    await server.knex('users').insert(people)
    const seen: string[] = []
    let path: string | undefined = `/users?account=${crowd}`
    while (path) {
      const page: Page = await asOperator.visit(path)
      seen.push(...[...page.text.matchAll(/crowd-\d+@people\.example/g)].map(([email]) => email))
      path = /href="([^"]*)" rel="next"/.exec(page.text)?.[1]?.replaceAll('&amp;', '&')
    }
    expect(seen).toEqual(people.map(({ email }) => email))
  })
})

describe('a person', () => {
  it('is edited by one of two at once; the other sees both versions, and may go on from there', async () => {
    const mary = await createTestUser(server.knex, account)
    const path = `/users/${mary.id}/edit`
    const [first, second] = [await asAda.visit(path), await asOperator.visit(path)]
    expect(wordsOf(await asAda.submit(first, /edit$/, { name: 'Mary Shelley' }))).toContain('Changes saved.')
    const late = await asOperator.submit(second, /edit$/, { name: 'Mary <W>' })
    expect(late.status).toBe(412)
    expect(wordsOf(late)).toMatch(/This was changed by another user .* Name Mary Shelley Mary <W>/)
    const faulty = await asOperator.submit(late, /edit$/, { email: 'nonsense' })
    expect([faulty.status, wordsOf(faulty)]).toEqual([400, expect.stringContaining('Not an email address')])
    await asOperator.submit(late, /edit$/)
    expect(await server.knex('users').where({ id: mary.id }).first('name')).toEqual({ name: 'Mary <W>' })
  })

  it('who has signed in keeps the address; the form of an admin shows it with the reason', async () => {
    const mary = await createTestUser(server.knex, account)
    const path = `/users/${mary.id}/edit`
    const inputOf = ({ text }: Page) => /<input id="field-email"[^>]*>/.exec(text)![0]
    const [asked, askedOperator] = [await asAda.visit(path), await asOperator.visit(path)]
    expect([inputOf(asked), inputOf(askedOperator)]).toEqual([
      expect.stringContaining(' readonly'),
      expect.not.stringContaining(' readonly'),
    ])
    expect(wordsOf(asked)).toContain('Only they can change it, under Security, or an operator.')
    const refused = await asAda.submit(asked, /edit$/, { email: 'other@people.example', name: 'Mary S' })
    expect(refused.status).toBe(400)
    expect(refused.text).toMatch(/id="field-email-error"[^>]*>[^<]* has signed in, so only they or an operator/)
    expect(inputOf(refused)).toContain(`value="${mary.email}"`)
    expect(wordsOf(await asAda.submit(refused, /edit$/))).toContain('Changes saved.')
    expect(await server.knex('users').where({ id: mary.id }).first('email', 'name')).toEqual({
      email: mary.email,
      name: 'Mary S',
    })
  })

  it('who has not signed in can get another address from an admin', async () => {
    const [email, other] = [newEmail(), newEmail()]
    await invite(asAda, { email, role: 'member' })
    const { id } = await server.knex('users').where({ email }).first('id')
    await asAda.submit(await asAda.visit(`/users/${id}/edit`), /edit$/, { email: other })
    expect(await server.knex('users').where({ id }).first('email')).toEqual({ email: other })
  })

  it('whose address a user elsewhere has is pending for operators alone', async () => {
    const { email } = await createTestUser(server.knex, await server.make.account())
    await invite(asAda, { email, role: 'member' })
    const { id } = await server.knex('users').where({ email, account_id: account }).first('id')
    const pages = async (browser: Browser) =>
      await Promise.all([`/users?search=${email}&status=active`, `/users/${id}`].map((path) => browser.visit(path)))
    for (const page of await pages(asAda)) expect(wordsOf(page)).not.toMatch(/pending/i)
    const [list, page] = await pages(asOperator)
    expect(wordsOf(list!).match(/ Pending /g)).toHaveLength(1)
    expect(wordsOf(page!)).toContain(`Pending: another user has the address ${email}.`)
  })

  it('whose form had a error has not seen what was saved meanwhile', async () => {
    const mary = await createTestUser(server.knex, account)
    const page = await asAda.visit(`/users/${mary.id}/edit`)
    await asOperator.submit(await asOperator.visit(`/users/${mary.id}/edit`), /edit$/, { name: 'Saved meanwhile' })
    const faulty = await asAda.submit(page, /edit$/, { email: '' })
    expect(faulty.status).toBe(400)
    expect((await asAda.submit(faulty, /edit$/, { email: mary.email })).status).toBe(412)
  })

  it('who is demoted loses the key pair, and each token of it, at once', async () => {
    const mary = await createTestUser(server.knex, account, 'admin')
    const api = await server.make.api()
    const pair = await server.make.keyPair(mary.id, [api.identifier])
    const credentials = { client_id: pair.clientId, client_secret: pair.clientSecret }
    const { body } = await server.token({ grant_type: 'client_credentials', ...credentials })
    const asking = await asAda.visit(`/users/${mary.id}/role`)
    expect(wordsOf(asking)).toContain(
      'As a viewer or member, the user immediately loses 1 key pair and 1 active token.',
    )
    expect((await server.introspect(body.access_token, api)).body.active).toBe(true)
    const done = await asAda.submit(asking, /role$/, { role: 'member' })
    expect(wordsOf(done)).toContain('Role changed to member. The user has no key pairs.')
    expect((await server.introspect(body.access_token, api)).body.active).toBe(false)
    expect((await server.token({ grant_type: 'client_credentials', ...credentials })).status).toBe(401)
    const again = await asAda.submit(asking, /role$/, { role: 'admin' })
    expect([again.status, wordsOf(again)]).toEqual([412, expect.stringContaining('Another user changed this user')])
    expect(formsOf(again).find(({ fields }) => fields.role)!.fields.role).toBe('member')
  })

  it('who is switched off is out at once, and in again once switched on', async () => {
    const mary = await createTestUser(server.knex, account)
    const asMary = await enter(server, mary)
    const asking = await asAda.visit(`/users/${mary.id}/status`)
    expect(wordsOf(asking)).toContain('end all sessions of the user')
    expect(wordsOf(await asAda.submit(asking, /status$/))).toContain('User disabled')
    expect((await asMary.visit('/account/password')).url).toContain('/signin')
    await asAda.submit(await asAda.visit(`/users/${mary.id}/status`), /status$/)
    expect((await (await enter(server, mary)).visit('/account/password')).url).toContain('/account/password')
  })

  it('who has left is off-boarded, and neither keys nor consents come back when the user is enabled', async () => {
    const mary = await createTestUser(server.knex, account, 'developer')
    const asMary = await enter(server, mary)
    const pair = await server.make.keyPair(mary.id, [(await server.make.api()).identifier])
    const path = `/users/${mary.id}`
    const offer = `href="${path}/offboard"`
    await asAda.submit(await asAda.visit(`${path}/status`), /status$/)
    expect((await asAda.visit(path)).text).toContain(offer)
    await asAda.submit(await asAda.visit(`${path}/status`), /status$/)

    const asking = await asAda.visit(`${path}/offboard`)
    expect(wordsOf(asking)).toMatch(
      /Off-board Person \d+\? .*this does not bring back what has ended.*end all sessions of the user and prevent new sign-ins end the key pair of the user for good, and revoke 0 active tokens revoke the tokens that applications have/,
    )
    const done = await asAda.submit(asking, /offboard$/)
    expect(wordsOf(done)).toContain('User off-boarded.')
    expect(done.text).not.toContain(offer)
    expect((await asMary.visit('/account/password')).url).toContain('/signin')
    await asAda.submit(await asAda.visit(`${path}/status`), /status$/)
    expect(wordsOf(await asAda.visit(path))).toContain('no key pair')
    const { status } = await server.machineToken(pair)
    expect(status).toBe(401)
  })

  it('who is switched off leaves applications that keep working, and the page offers to archive each', async () => {
    const mary = await createTestUser(server.knex, account, 'admin')
    const asMary = { role: 'admin', accountId: account, userId: mary.id, scopes: null } as const
    const principal: Principal = { ...asMary, signedInAt: new Date(), actor: { type: 'user', id: mary.id } }
    const management = { knex: server.knex, encryptionKeys: createEncryptionKeys([randomBytes(32)]) }
    const add = (name: string) =>
      createApplication(management, principal, { settings: { name, grants: ['client_credentials'] } })
    const [nightly, archived] = [await add('Nightly export'), await add('Archived export')]
    await archiveApplication(management, principal, { clientId: archived.client.clientId })

    const asking = await asAda.visit(`/users/${mary.id}/status`)
    expect(wordsOf(asking)).toContain('Applications created by this user keep working: “Nightly export”.')
    const done = await asAda.submit(asking, /status$/)
    expect(wordsOf(done)).toMatch(/these applications still work.* Nightly export Itself never Archive/)
    expect(wordsOf(done)).not.toContain('Archived export')
    const list = await asAda.visit(`/applications?added_by=${mary.id}&status=active`)
    expect(wordsOf(list)).toMatch(/Created by Person \d+ .*Nightly export/)
    expect(wordsOf(list)).not.toContain('Archived export')
    expect((await asAda.visit('/applications?added_by=nobody')).status).toBe(400)
    const archive = `/applications/${nightly.client.clientId}/archive`
    expect(done.text).toContain(`href="${archive}"`)
    await asAda.submit(await asAda.visit(archive), /archive$/)
    expect(wordsOf(await asAda.visit(`/users/${mary.id}`))).not.toContain('Applications created by this user')
  })

  it('who forgot the password gets another, shown once, and the old one is dead', async () => {
    const mary = await createTestUser(server.knex, account)
    const asMary = await enter(server, mary)
    const page = await asAda.submit(await asAda.visit(`/users/${mary.id}/password`), /password$/)
    const password = copyableOf(page, 'One-time password')
    expect((await asMary.visit('/account/password')).url).toContain('/signin')
    const browser = openBrowser(server.url)
    expect((await signIn(browser, await browser.visit('/signin'), mary.email, PASSWORD)).status).toBe(400)
    const choosing = await signIn(browser, await browser.visit('/signin'), mary.email, password)
    expect(wordsOf(choosing)).toContain('Choose')
    const log = await server.knex('audit_log').where({ target_id: mary.id })
    expect(JSON.stringify(log)).not.toContain(password)
  })

  it('is signed out everywhere, with every token revoked', async () => {
    const mary = await createTestUser(server.knex, account, 'admin')
    const asMary = await enter(server, mary)
    const api = await server.make.api()
    const pair = await server.make.keyPair(mary.id, [api.identifier])
    const credentials = { client_id: pair.clientId, client_secret: pair.clientSecret }
    const { body } = await server.token({ grant_type: 'client_credentials', ...credentials })
    const done = await asAda.submit(await asAda.visit(`/users/${mary.id}/sessions`), /sessions$/)
    expect(wordsOf(done)).toContain('signed out of all sessions')
    expect((await asMary.visit('/account/password')).url).toContain('/signin')
    expect((await server.introspect(body.access_token, api)).body.active).toBe(false)
    expect((await server.token({ grant_type: 'client_credentials', ...credentials })).status).toBe(200)
  })
})

describe('the last admin', () => {
  it('stays, whichever of two admins demotes the other at the same moment', async () => {
    for (let round = 0; round < 2; round++) {
      const home = await server.make.account()
      const two = [
        await createTestUser(server.knex, home, 'admin'),
        await createTestUser(server.knex, home, 'admin'),
      ] as const
      const browsers = [await enter(server, two[0]), await enter(server, two[1])] as const
      const asked = await Promise.all([
        browsers[0].visit(`/users/${two[1].id}/role`),
        browsers[1].visit(`/users/${two[0].id}/role`),
      ])
      await Promise.all(browsers.map((browser, n) => browser.submit(asked[n]!, /role$/, { role: 'member' })))
      const admins = await server.knex('users').where({ account_id: home, role: 'admin', status: 'active' })
      expect(admins).toHaveLength(1)
    }
  })

  it('shows why the role cannot be changed nor the user disabled; no user does it to themselves', async () => {
    const home = await server.make.account()
    const alone = await createTestUser(server.knex, home, 'admin')
    const browser = await enter(server, alone)
    expect(wordsOf(await browser.visit(`/users/${alone.id}`))).toContain('You cannot do this to yourself')
    for (const step of ['role', 'status', 'offboard']) {
      expect((await browser.visit(`/users/${alone.id}/${step}`)).status).toBe(409)
      const csrf = formsOf(await browser.visit(`/users/${alone.id}/edit`)).find(({ fields }) => fields.csrf)!.fields
      const body = new URLSearchParams({ ...csrf, revision: '1', role: 'member', status: 'disabled' })
      const init = { method: 'POST', body, headers: { origin: server.url } }
      expect((await browser.visit(`/users/${alone.id}/${step}`, init)).status).toBe(409)
    }
    expect(await server.knex('users').where({ id: alone.id }).first('role', 'status')).toEqual({
      role: 'admin',
      status: 'active',
    })
  })
})

describe('each page', () => {
  it('asks the database three times: for the session, the person and all that it shows', async () => {
    const steps = ['', '/edit', '/role', '/status', '/offboard', '/password', '/sessions'].map(
      (step) => `/users/${grace.id}${step}`,
    )
    for (const path of ['/users', `/users?search=person&role=admin`, ...steps]) {
      for (const browser of [asAda, asOperator]) {
        const asked = await statementsOf(browser, path)
        expect(asked.length, `${path}: ${asked.join('\n')}`).toBeLessThanOrEqual(3)
      }
    }
    expect(await statementsOf(asAda, '/users')).toHaveLength(3)
    expect((await statementsOf(asOperator, '/users/invite?account=x', 2)).length).toBeLessThan(3)
  })
})

describe('bad input', () => {
  const STEPS = ['', '/edit', '/role', '/status', '/offboard', '/password', '/sessions']

  it.each(STEPS)('finds nobody of another account, and nobody without a UUID: /users/…%s', async (step) => {
    const elsewhere = await createTestUser(server.knex, await server.make.account())
    for (const id of [elsewhere.id, operator.id, crypto.randomUUID(), 'nobody', '1'.repeat(10_000)]) {
      const page = await asAda.visit(`/users/${id}${step}`)
      expect([page.status, wordsOf(page).includes(elsewhere.email)]).toEqual([404, false])
      if (step === '') continue
      const { csrf } = formsOf(await asAda.visit('/users/invite')).find(({ fields }) => fields.csrf)!.fields
      const body = new URLSearchParams({ csrf: csrf!, revision: '1', role: 'member', status: 'disabled', email: 'a@b' })
      const init = { method: 'POST', body, headers: { origin: server.url } }
      expect((await asAda.visit(`/users/${id}${step}`, init)).status).toBe(404)
    }
    const untouched = await server.knex('users').where({ id: elsewhere.id }).first('status', 'revision')
    expect(untouched).toEqual({ status: 'active', revision: 1 })
  })

  it.each([
    'role=king',
    'status=gone',
    'after=nonsense',
    'after=WyJhIiwiYiJd',
    'account=nobody',
    'search=%00',
    'search=*',
    'search=a&search=b',
  ])('returns an error page for %s', async (query) => {
    for (const browser of [asAda, asOperator]) {
      const { status } = await browser.visit(`/users?${query.replace('*', 'x'.repeat(10_000))}`)
      expect([400, 404]).toContain(status)
    }
  })

  it('in a form is shown at the form', async () => {
    const long = 'x'.repeat(10_000)
    const wrong: Record<string, string>[] = [
      { email: long, role: 'member' },
      { email: newEmail(), name: long, role: 'member' },
      { email: newEmail(), role: 'king' },
      { email: '', role: '' },
      { email: 'a\u0000b@example.com', role: 'member' },
      { email: newEmail(), role: 'member', accountId: long },
    ]
    for (const fields of wrong) expect((await invite(asOperator, fields)).status).toBe(400)
    const edit = await asAda.visit(`/users/${grace.id}/edit`)
    const wrongEdits: Record<string, string>[] = [{ name: long }, { email: long }, { revision: 'x' }, { revision: '' }]
    for (const fields of wrongEdits) {
      expect((await asAda.submit(edit, /edit$/, fields)).status).toBe(400)
    }
    const role = await asAda.visit(`/users/${grace.id}/role`)
    const wrongRoles: Record<string, string>[] = [{ role: 'operator' }, { role: '' }, { revision: '-1' }]
    for (const fields of wrongRoles) {
      expect((await asAda.submit(role, /role$/, fields)).status).toBe(400)
    }
    expect(await server.knex('users').where({ id: grace.id }).first('role', 'email')).toEqual({
      role: 'admin',
      email: grace.email,
    })
  })
})
