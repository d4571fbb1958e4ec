/** The requests that Okta sends to a SCIM 2.0 application, in their order, after its developer documentation. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type IdentityProvider, identityProviderOf, patchOf, USER_SCHEMA } from './scim-fixtures.ts'

let on: Keywright
let okta: IdentityProvider
let account: string

beforeAll(async () => {
  on = await startKeywright()
  account = await on.make.account()
  okta = await identityProviderOf(on, on.url, account, 'developer')
})
afterAll(async () => await on.stop())

const newUser = (userName: string) => ({
  schemas: [USER_SCHEMA],
  userName,
  name: { givenName: 'Ada', familyName: 'Lovelace' },
  emails: [{ primary: true, value: userName, type: 'work' }],
  displayName: 'Ada Lovelace',
  locale: 'en-US',
  externalId: '00ujl29u0le5T6Aj10h7',
  groups: [],
  password: '1mz050nq',
  active: true,
})

const find = (userName: string) =>
  okta.request('GET', `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}&startIndex=1&count=100`)

test('Okta assigns a user, updates the profile, removes and assigns the user again', async () => {
  expect((await okta.request('GET', '/Users?startIndex=1&count=2')).body).toMatchObject({
    totalResults: 0,
    startIndex: 1,
  })
  const userName = 'ada@customer.example'
  const absent = await find(userName)
  expect([absent.status, absent.body.totalResults, absent.body.Resources]).toEqual([200, 0, []])
  expect(absent.headers.get('content-type')).toMatch(/^application\/scim\+json/)

  const created = await okta.request('POST', '/Users', newUser(userName))
  expect(created.status, created.text).toBe(201)
  const { id, meta } = created.body
  expect(created.body).toMatchObject({
    schemas: [USER_SCHEMA],
    userName,
    externalId: '00ujl29u0le5T6Aj10h7',
    active: true,
    displayName: 'Ada Lovelace',
    name: { givenName: 'Ada', familyName: 'Lovelace', formatted: 'Ada Lovelace' },
    emails: [{ value: userName, type: 'work', primary: true }],
    roles: [{ value: 'developer' }],
    meta: { resourceType: 'User', location: `${on.issuer}/scim/v2/Users/${id}` },
  })
  expect(created.headers.get('location')).toBe(meta.location)
  expect(created.headers.get('etag')).toBe(meta.version)
  expect(created.text).not.toContain('1mz050nq')

  expect((await find(userName.toUpperCase())).body.Resources.map((one: { id: string }) => one.id)).toEqual([id])
  expect((await okta.request('GET', `/Users/${id}`)).body).toEqual(created.body)

  const { groups: _, password: __, ...profile } = newUser(userName)
  const changed = { ...profile, id, name: { givenName: 'Augusta', familyName: 'King' }, displayName: 'Augusta King' }
  const replaced = await okta.request('PUT', `/Users/${id}`, changed)
  expect(replaced.status, replaced.text).toBe(200)
  expect(replaced.body).toMatchObject({ name: { givenName: 'Augusta' }, displayName: 'Augusta King', active: true })
  expect(replaced.body.meta.version).not.toBe(meta.version)

  const removed = await okta.request('PATCH', `/Users/${id}`, patchOf({ op: 'replace', value: { active: false } }))
  expect([removed.status, removed.body.active]).toEqual([200, false])
  expect((await on.knex('users').where({ id }).first()).status).toBe('disabled')
  expect((await find(userName)).body.Resources[0]).toMatchObject({ id, active: false })

  const again = await okta.request('PUT', `/Users/${id}`, { ...changed, active: true })
  expect([again.status, again.body.active]).toEqual([200, true])
  const disabled = await okta.request('PUT', `/Users/${id}`, { ...changed, active: false })
  expect([disabled.status, disabled.body.active]).toEqual([200, false])
})

test('a PUT request that does not say active leaves a disabled user disabled', async () => {
  const userName = `${randomUUID()}@customer.example`
  const { body } = await okta.request('POST', '/Users', { ...newUser(userName), externalId: userName, active: false })
  expect(body.active).toBe(false)
  const { active: _, ...profile } = newUser(userName)
  const replaced = await okta.request('PUT', `/Users/${body.id}`, { ...profile, externalId: userName })
  expect([replaced.status, replaced.body.active]).toEqual([200, false])
})

test('a PUT request that names one part of the name keeps the other one, also in the full name', async () => {
  const userName = `${randomUUID()}@customer.example`
  const { body } = await okta.request('POST', '/Users', { ...newUser(userName), externalId: userName })
  for (const [name, wanted] of [
    [{ givenName: 'Augusta' }, { givenName: 'Augusta', familyName: 'Lovelace', formatted: 'Augusta Lovelace' }],
    [{ familyName: 'King' }, { givenName: 'Augusta', familyName: 'King', formatted: 'Augusta King' }],
    [{}, { givenName: 'Augusta', familyName: 'King', formatted: 'Augusta King' }],
  ]) {
    const replaced = await okta.request('PUT', `/Users/${body.id}`, { userName, name })
    expect([replaced.status, replaced.body.name, replaced.body.externalId]).toEqual([200, wanted, userName])
  }
})

test('a user who exists is a conflict of uniqueness', async () => {
  const userName = `${randomUUID()}@customer.example`
  const body = { ...newUser(userName), externalId: userName }
  expect((await okta.request('POST', '/Users', body)).status).toBe(201)
  const again = await okta.request('POST', '/Users', body)
  expect([again.status, again.body]).toMatchObject([409, { status: '409', scimType: 'uniqueness' }])
  const other = { ...body, userName: `x${userName}`, emails: [] }
  const sameId = await okta.request('POST', '/Users', other)
  expect([sameId.status, sameId.body.scimType]).toEqual([409, 'uniqueness'])
})

test('an admin of the account is found by address and taken over by the provider', async () => {
  const admin = await on.make.user('admin', account)
  const found = await find(admin.email)
  expect(found.body.Resources).toMatchObject([{ id: admin.id, userName: admin.email, roles: [{ value: 'admin' }] }])
  const body = { ...newUser(admin.email), externalId: 'linked' }
  const linked = await okta.request('PUT', `/Users/${admin.id}`, body)
  expect([linked.status, linked.body.externalId, linked.body.roles[0].value]).toEqual([200, 'linked', 'admin'])
})

test('a deleted user is gone, and their address is free afterwards', async () => {
  const userName = `${randomUUID()}@customer.example`
  const { body } = await okta.request('POST', '/Users', { ...newUser(userName), externalId: userName })
  expect((await okta.request('DELETE', `/Users/${body.id}`)).status).toBe(204)
  for (const method of ['GET', 'DELETE']) expect((await okta.request(method, `/Users/${body.id}`)).status).toBe(404)
  expect((await find(userName)).body.totalResults).toBe(0)
})
