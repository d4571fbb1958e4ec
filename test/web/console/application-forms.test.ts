import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { GRANT_TYPES } from '../../../src/clients/grant-types.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'
import { copyableOf } from './admin-session.ts'
import { createOperator, enter, wordsOf } from './console-visits.ts'
import { type Changes, filledForm, sendForm } from './filled-forms.ts'

const LONG = 'x'.repeat(10_000)
const SCRIPT = '"><script>alert(1)</script>'

let server: Keywright
let account: string
let asAdmin: Browser
let asOther: Browser
let asOperator: Browser
let client: { clientId: string; clientSecret: string }
let keyPair: { clientId: string }

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  const admin = await createTestUser(server.knex, account, 'admin')
  asAdmin = await enter(server, admin)
  asOther = await enter(server, await createTestUser(server.knex, account, 'admin'))
  asOperator = await enter(server, await createOperator(server.knex))
  client = await server.make.register({ settings: { name: 'Robot' }, account })
  keyPair = await server.make.keyPair(admin.email)
})
afterAll(() => server.stop())

const NEW = /\/applications\/new$/
const GOOD: Changes = { name: 'Robot', 'grants.client_credentials': 'on' }

async function add(changes: Changes, browser = asAdmin): Promise<Page> {
  return await sendForm(browser, await browser.visit('/applications/new'), NEW, { ...GOOD, ...changes })
}

test.each(GRANT_TYPES)('the form offers the grant type $value with its hint', async ({ value, label, hint }) => {
  const page = await asAdmin.visit('/applications/new')
  expect(page.text).toContain(`name="grants.${value}"`)
  expect(wordsOf(page)).toContain(`${label} ${hint}`)
})

const countClients = async () => Number((await server.knex('clients').count('* AS n').first())!.n)

const fieldErrorAt = ({ text }: Page, field: string): string | undefined =>
  new RegExp(`id="field-${field}-error"[^>]*>([^<]*)`).exec(text)?.[1]

describe('an invalid value has an error at its field, and the input is kept', () => {
  const FOR_USERS: Changes = { 'grants.authorization_code': 'on' }
  it.each<[string, Changes, string, RegExp]>([
    ['no name', { name: '' }, 'name', /required/],
    ['a name of blanks', { name: '   ' }, 'name', /required/],
    ['a name of 10,000 characters', { name: LONG }, 'name', /at most 200/],
    ['a control character in the name', { name: 'a\u0007b' }, 'name', /control characters/],
    ['nothing that it does', { 'grants.client_credentials': undefined }, 'grants', /at least one/],
    ['an unknown kind', { isPublic: 'perhaps' }, 'isPublic', /Choose an option/],
    ['a public one that works by itself', { isPublic: 'public' }, 'grants', /no client secret/],
    ['no redirect URL', FOR_USERS, 'redirectUris', /at least one/],
    ['a script as redirect URL', { ...FOR_USERS, redirectUris: 'javascript:alert(1)' }, 'redirectUris', /https/],
    ['http beyond this machine', { ...FOR_USERS, redirectUris: 'http://app.example.com/cb' }, 'redirectUris', /https/],
    [
      'a redirect URL with a fragment',
      { ...FOR_USERS, redirectUris: 'https://a.example/#x' },
      'redirectUris',
      /fragment/,
    ],
    ['a user name in it', { ...FOR_USERS, redirectUris: 'https://a@b.example/' }, 'redirectUris', /user name/],
    ['a wildcard in it', { ...FOR_USERS, redirectUris: 'https://*.example.com/' }, 'redirectUris', /absolute URI/],
    [
      'one of 10,000 characters',
      { ...FOR_USERS, redirectUris: `https://a.example/${LONG}` },
      'redirectUris',
      /absolute URI/,
    ],
    ['half a character in it', { ...FOR_USERS, redirectUris: 'https://a.example/ b' }, 'redirectUris', /absolute URI/],
    [
      'an API that is not ticked as the default',
      { defaultApi: 'urn:keywright:management' },
      'defaultApi',
      /Select this API/,
    ],
    ['no API', { 'apis.https://api.keywright.example': undefined }, 'apis', /at least one/],
    ['a default API that there is not', { defaultApi: 'https://nowhere.example' }, 'defaultApi', /Choose an option/],
    ['no scope of those ticked', { narrowing: 'some' }, 'scopes', /at least one/],
    ['a scope of another API', { narrowing: 'some', 'scopes.tokens:read': 'on' }, 'scopes', /tokens:read/],
    ['default scopes that it has not', { defaultScopes: 'all nothing' }, 'defaultScopes', /nothing/],
    ['31 days', { accessTokenTtl: '31', 'accessTokenTtl.unit': 'days' }, 'accessTokenTtl', /1 minute to 30 days/],
    ['59 seconds', { accessTokenTtl: '59', 'accessTokenTtl.unit': 'seconds' }, 'accessTokenTtl', /1 minute/],
    ['a life below zero', { accessTokenTtl: '-1' }, 'accessTokenTtl', /number/],
    ['a life in letters', { refreshTokenTtl: 'long' }, 'refreshTokenTtl', /number/],
    ['367 days', { refreshTokenTtl: '367', 'refreshTokenTtl.unit': 'days' }, 'refreshTokenTtl', /366 days/],
    ['an unknown unit', { accessTokenTtl: '1', 'accessTokenTtl.unit': 'years' }, 'accessTokenTtl', /number/],
    [
      'an end after 3651 days',
      { refreshTokenMaxAge: '3651', 'refreshTokenMaxAge.unit': 'days' },
      'refreshTokenMaxAge',
      /3,650/,
    ],
    ['an unknown policy', { policy: 'many' }, 'policy', /Choose an option/],
    ['an unknown allow/deny screen', { consent: 'maybe' }, 'consent', /Choose an option/],
    ['an unknown algorithm', { idTokenAlg: 'none' }, 'idTokenAlg', /Choose an option/],
    ['an unsafe address after signing out', { postLogoutRedirectUris: 'data:x' }, 'postLogoutRedirectUris', /https/],
    ['an unsafe address to tell', { backchannelLogoutUri: 'ftp://a.example' }, 'backchannelLogoutUri', /https/],
  ])('%s', async (_, changes, field, says) => {
    const before = await countClients()
    const page = await add(changes)
    expect(page.status).toBe(400)
    expect(fieldErrorAt(page, field)).toMatch(says)
    expect(page.text).toContain(`<a href="#field-${field}"`)
    expect(await countClients()).toBe(before)
    const { fields } = filledForm(page, NEW)
    for (const [name, value] of Object.entries(changes)) {
      const isDrawn = value === undefined || !/choose an option/i.test(fieldErrorAt(page, field)!) || name.includes('.')
      if (isDrawn && !name.endsWith('.unit')) expect([name, fields.get(name)]).toEqual([name, value])
    }
  })

  it('all at once', async () => {
    const page = await add({
      name: '',
      redirectUris: 'javascript:1',
      accessTokenTtl: '31',
      'accessTokenTtl.unit': 'days',
      policy: 'x',
    })
    const wrong = ['name', 'redirectUris', 'accessTokenTtl', 'policy'].map((field) => fieldErrorAt(page, field))
    expect(wrong).not.toContain(undefined)
  })

  it('a script in every field is shown as what was typed, and is never a script', async () => {
    const drawn = filledForm(await asAdmin.visit('/applications/new'), NEW).fields
    const typed = [...drawn.keys()].filter((name) => name !== 'csrf').map((name) => [name, SCRIPT])
    const page = await add(Object.fromEntries(typed))
    expect(page.status).toBe(400)
    expect(page.text).not.toContain('<script>alert')
    const added = await add({ name: SCRIPT })
    const clientId = copyableOf(added, 'Client ID')
    const paths = ['', '/edit', '/key', '/archive', '/restore', '/tokens', '/grants', '/revoke', '/try']
    for (const path of [...paths.map((rest) => `/applications/${clientId}${rest}`), '/applications']) {
      const shown = await asAdmin.visit(path)
      expect([path, shown.status]).toEqual([path, 200])
      expect(shown.text).not.toContain('<script>alert')
      expect(shown.text).toContain('&lt;script&gt;')
    }
  })

  it.each<[string, Changes, number]>([
    ['a NUL character', { name: 'a\0b' }, 400],
    ['more than any form holds', { name: 'x'.repeat(70_000) }, 413],
  ])('%s is refused as a whole', async (_, changes, status) => {
    expect((await add(changes)).status).toBe(status)
  })
})

describe('two who edit at once', () => {
  const path = () => `/applications/${client.clientId}/edit`
  const send = (browser: Browser, page: Page, changes: Changes) => sendForm(browser, page, /\/edit$/, changes)

  it('the second is shown both versions, with what they typed, and may then save it', async () => {
    const [first, second] = [await asAdmin.visit(path()), await asOther.visit(path())]
    expect((await send(asAdmin, first, { name: 'Robot of Ada', accessTokenTtl: '2' })).url).toMatch(/notice=saved$/)
    const stale = await send(asOther, second, { name: 'Robot of Grace' })
    expect(stale.status).toBe(412)
    expect(wordsOf(stale)).toMatch(/Name Robot of Ada Robot of Grace Access token lifetime 2 hours from the API/)
    expect(filledForm(stale, /\/edit$/).fields.get('name')).toBe('Robot of Grace')
    expect((await server.knex('clients').where({ client_id: client.clientId }).first()).name).toBe('Robot of Ada')

    expect((await send(asOther, stale, {})).url).toMatch(/notice=saved$/)
    const saved = await server.knex('clients').where({ client_id: client.clientId }).first()
    expect([saved.name, saved.access_token_ttl]).toEqual(['Robot of Grace', null])
  })

  it('of many who save at the same moment, one does', async () => {
    const page = await asAdmin.visit(path())
    const all = await Promise.all([1, 2, 3, 4, 5].map((n) => send(asAdmin, page, { name: `Robot ${n}` })))
    const saved = all.filter(({ url }) => /notice=saved$/.test(url))
    expect([saved.length, all.filter(({ status }) => status === 412).length]).toEqual([1, 4])
  })

  it('a form that says no revision is refused', async () => {
    const page = await asAdmin.visit(path())
    for (const revision of [undefined, 'x', '-1', '99999999999999999999']) {
      expect((await send(asAdmin, page, { revision })).status).toBe(400)
    }
  })

  it('an unchanged form changes nothing but the revision, and the audit log says what was changed', async () => {
    await send(asAdmin, await asAdmin.visit(path()), {})
    await send(asAdmin, await asAdmin.visit(path()), { accessTokenTtl: '3', 'accessTokenTtl.unit': 'hours' })
    const acts = server.knex('audit_log').where({ target_id: client.clientId, action: 'client.updated' })
    expect((await acts.orderBy('at', 'desc').limit(2)).map(({ detail }) => detail)).toEqual([
      { changes: { access_token_ttl: { from: null, to: 10_800 } } },
      { changes: {} },
    ])
  })
})

const paths = (clientId: string) =>
  ['', '/edit', '/key', '/archive', '/restore', '/tokens', '/grants', '/revoke', '/try'].map(
    (rest) => `/applications/${clientId}${rest}`,
  )

describe('what is not there', () => {
  it('is the same page for nothing, for what is no application, and for another account', async () => {
    const theirs = await server.make.client()
    const none = wordsOf(await asAdmin.visit('/applications/kwc_nothing'))
    const all = [
      keyPair.clientId,
      theirs.clientId,
      'kwc_nothing',
      LONG.slice(0, 3000),
      '%F0%9F%92%A9',
      'a%27b',
    ].flatMap(paths)
    for (const path of all) {
      const page = await asAdmin.visit(path)
      expect([path, page.status, wordsOf(page)]).toEqual([path, 404, none])
    }
    expect((await asAdmin.visit('/applications/a%00b')).status).toBe(400)
    expect((await asOperator.visit(`/applications/${keyPair.clientId}`)).status).toBe(404)
  })

  it('cannot be changed by a form either', async () => {
    const theirs = await server.make.client()
    const token = (await server.machineToken(theirs)).body.access_token
    const { jti } = await server.knex('active_access_tokens').where({ client_id: theirs.clientId }).first()
    const csrf = filledForm(await asAdmin.visit('/applications/new'), NEW).fields.get('csrf')!
    const more = [`tokens/${jti}/revoke`, 'tokens/x/revoke', `grants/${jti}/revoke`, 'grants/x/revoke']
    for (const clientId of [theirs.clientId, keyPair.clientId]) {
      for (const act of ['edit', 'key', 'archive', 'restore', 'revoke', 'try', ...more]) {
        const body = new URLSearchParams({ csrf, revision: '1', when: 'now', ...(GOOD as Record<string, string>) })
        const path = `/applications/${clientId}/${act}`
        const page = await asAdmin.visit(path, { method: 'POST', body, headers: { origin: server.url } })
        // A redirect after something was done could lead to a page that is not there either.
        expect([page.url, page.status]).toEqual([server.url + path, 404])
      }
    }
    expect(token).toBeTypeOf('string')
    expect((await server.machineToken(theirs)).status).toBe(200)
    const states = await server
      .knex('clients')
      .whereIn('client_id', [theirs.clientId, keyPair.clientId])
      .pluck('status')
    expect(states).toEqual(['active', 'active'])
  })
})
