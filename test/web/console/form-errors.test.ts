/** One response to a form reports every fault of it, whether its fields, several of them together or the database find it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { managementToken, managingApplication } from '../../support/management.ts'
import { send } from '../../support/requests.ts'
import type { Browser, Page } from '../../support/scriptless-browser.ts'
import { createTestUser } from '../../support/test-users.ts'
import { createOperator, enter } from './console-visits.ts'
import { type Changes, filledForm, sendForm } from './filled-forms.ts'

let server: Keywright
let account: string
let asAdmin: Browser
let asOperator: Browser
let brand: string

const API = 'https://api.keywright.example'

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  asAdmin = await enter(server, await createTestUser(server.knex, account, 'admin'))
  asOperator = await enter(server, await createOperator(server.knex))
  brand = (await server.knex('instance_settings').first('name')).name
})
afterAll(() => server.stop())

const unescaped = (text: string) => text.replaceAll('&quot;', '"').replaceAll('&#39;', "'")

/** What the page says at its fields, by their names. */
const fieldErrorsOn = ({ text }: Page): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/id="field-([\w.]+)-error"[^>]*>([^<]*)/g)].map(([, name, says]) => [name!, unescaped(says!)]),
  )

const submit = async (browser: Browser, path: string, changes: Changes): Promise<Page> =>
  await sendForm(browser, await browser.visit(path), new RegExp(`${path}$`), changes)

/** Of an application: found by a field alone, by several together, by a rule, and with the database. */
const WRONG_APPLICATION: Changes = {
  'grants.client_credentials': 'on',
  'grants.authorization_code': 'on',
  redirectUris: 'javascript:alert(1)\nunknown-scheme:/callback',
  narrowing: 'some',
  'scopes.tokens:read': 'on',
  'scopes.users:read': 'on',
  defaultApi: 'urn:keywright:management',
  defaultScopes: 'nothing nowhere',
  accessTokenTtl: '31',
  'accessTokenTtl.unit': 'days',
  refreshTokenRotation: 'on',
  policy: 'many',
}

const APPLICATION_ERRORS = {
  redirectUris: expect.stringMatching(/javascript:alert.*unknown-scheme:/),
  scopes: expect.stringMatching(/tokens:read.*users:read|users:read.*tokens:read/),
  defaultApi: expect.stringContaining('elect this API in the list above'),
  defaultScopes: expect.stringMatching(/nothing.*nowhere/),
  accessTokenTtl: expect.stringContaining('1 minute to 30 days'),
  policy: expect.stringContaining('Choose an option'),
}

describe('one response reports every error', () => {
  it('of a new application', async () => {
    const changes = { ...WRONG_APPLICATION, name: brand, isPublic: 'public' }
    expect(fieldErrorsOn(await submit(asAdmin, '/applications/new', changes))).toEqual({
      ...APPLICATION_ERRORS,
      name: expect.stringContaining('name of this service'),
      grants: expect.stringContaining('no client secret'),
      refreshTokenRotation: expect.stringContaining('must rotate'),
    })
  })

  it('of a new application whose fields are readable one by one', async () => {
    const { policy: _, accessTokenTtl: __, ...readable } = WRONG_APPLICATION
    const { policy: ___, accessTokenTtl: ____, ...said } = APPLICATION_ERRORS
    const page = await submit(asAdmin, '/applications/new', { ...readable, name: brand })
    expect(fieldErrorsOn(page)).toEqual({ ...said, name: expect.stringContaining('name of this service') })
  })

  it('of an application whose owner an operator left out', async () => {
    const page = await submit(asOperator, '/applications/new', { name: brand, redirectUris: '*', rateLimit: '0' })
    expect(fieldErrorsOn(page)).toEqual({
      name: expect.stringContaining('name of this service'),
      accountId: expect.stringContaining('nter the ID or the exact name of the account'),
      grants: expect.stringContaining('at least one'),
      redirectUris: expect.stringContaining('absolute URI'),
      rateLimit: expect.stringContaining('at least 1'),
    })
  })

  it('of a changed application', async () => {
    const { clientId } = await server.make.register({ settings: { name: 'Robot' }, account })
    const page = await submit(asAdmin, `/applications/${clientId}/edit`, { ...WRONG_APPLICATION, name: brand })
    expect(fieldErrorsOn(page)).toEqual({
      ...APPLICATION_ERRORS,
      name: expect.stringContaining('name of this service'),
    })
    expect(filledForm(page, /\/edit$/).fields.get('defaultScopes')).toBe('nothing nowhere')
  })

  it('of an invitation', async () => {
    const taken = await createTestUser(server.knex, account)
    const page = await submit(asOperator, '/users/invite', { email: taken.email, name: brand, accountId: 'nobody' })
    expect(fieldErrorsOn(page)).toEqual({
      email: expect.stringContaining('already a user'),
      name: expect.stringContaining('name of this service'),
      accountId: expect.stringContaining('No account'),
    })
    const unread = await submit(asOperator, '/users/invite', { email: 'nobody', name: 'x'.repeat(201), role: 'king' })
    expect(Object.keys(fieldErrorsOn(unread)).sort()).toEqual(['email', 'name', 'role'])
  })

  it('of a changed person', async () => {
    const [taken, person] = [await createTestUser(server.knex, account), await createTestUser(server.knex, account)]
    const path = `/users/${person.id}/edit`
    expect(Object.keys(fieldErrorsOn(await submit(asOperator, path, { email: 'x', name: 'a\u202eb' })))).toEqual([
      'email',
      'name',
    ])
    const page = await submit(asOperator, path, { email: taken.email, name: 'x'.repeat(2001) })
    expect(fieldErrorsOn(page)).toEqual({
      email: expect.stringContaining('already a user'),
      name: expect.stringContaining('at most'),
    })
  })

  it('of a new API', async () => {
    const wrong = { 'scopes.0.scope': 'two words', 'scopes.1.title': 'Of nothing', tokenTtl: '1' }
    const page = await submit(asOperator, '/apis/new', {
      ...wrong,
      identifier: API,
      'tokenTtl.unit': 'seconds',
      policy: 'many',
    })
    expect(fieldErrorsOn(page)).toEqual({
      identifier: expect.stringContaining('already an API'),
      scopes: expect.stringMatching(/row 2.*two words/is),
      tokenTtl: expect.stringContaining('1 minute to 30 days'),
      policy: expect.stringContaining('Choose an option'),
    })
  })

  it('of a changed API', async () => {
    const { identifier } = await server.make.api({ scopes: ['read', 'write'] })
    const { id } = await server.knex('apis').where({ identifier }).first('id')
    const settings = { name: 'Asks for write', defaultScopes: ['write'] }
    await server.make.register({ settings, apis: [identifier], account })
    const page = await submit(asOperator, `/apis/${id}/edit`, { 'scopes.1.remove': 'on', tokenTtl: 'long' })
    expect(fieldErrorsOn(page)).toEqual({
      scopes: expect.stringContaining('default scopes of clients'),
      tokenTtl: expect.stringContaining('number'),
    })
  })

  it('of the settings of the instance', async () => {
    const form = new FormData()
    const { fields } = filledForm(await asOperator.visit('/settings/instance'), /\/settings\/instance$/)
    const wrong = {
      name: 'a\u202eb',
      redirectSchemes: 'javascript Not.One',
      defaultAccessTokenTtl: 'long',
      defaultRateLimit: '0',
    }
    for (const [name, value] of Object.entries({ ...Object.fromEntries(fields), ...wrong })) form.set(name, value)
    form.set('logo', new Blob(['no picture']), 'logo.png')
    const headers = { origin: server.url }
    const page = await asOperator.visit('/settings/instance', { method: 'POST', body: form, headers })
    expect(fieldErrorsOn(page)).toEqual({
      name: expect.stringContaining('direction of text'),
      logo: expect.stringContaining('PNG'),
      redirectSchemes: expect.stringMatching(/javascript.*Not\.One/i),
      defaultAccessTokenTtl: expect.stringContaining('number'),
      defaultRateLimit: expect.stringContaining('at least 1'),
    })
  })
})

describe('one problem of the management API holds every error', () => {
  const post = async (path: string, body: object) => {
    const token = await managementToken(server, await managingApplication(server, account))
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await send(`${server.url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    const pointers = answer.body.errors?.map(({ pointer }: { pointer: string }) => pointer) ?? []
    return [answer.status, [...new Set(pointers)].sort()]
  }

  it('of an application', async () => {
    const wrong = {
      name: brand,
      grants: ['authorization_code', 'magic'],
      apis: [API],
      scopes: ['nothing', 'nowhere'],
      default_scopes: ['elsewhere'],
      access_token_ttl: 1,
    }
    const pointers = ['#/access_token_ttl', '#/default_scopes', '#/grants', '#/name', '#/redirect_uris', '#/scopes']
    expect(await post('/applications', wrong)).toEqual([400, pointers])
  })

  it('of a user', async () => {
    const wrong = { email: 'nobody', name: 'a\u202eb', role: 'member' }
    expect(await post('/users', wrong)).toEqual([400, ['#/email', '#/name']])
  })
})
