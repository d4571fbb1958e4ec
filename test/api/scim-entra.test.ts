/** The requests that the provisioning service of Microsoft Entra ID sends, after its SCIM documentation. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type IdentityProvider, identityProviderOf, patchOf, USER_SCHEMA } from './scim-fixtures.ts'

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

let on: Keywright
let entra: IdentityProvider

beforeAll(async () => {
  on = await startKeywright()
  entra = await identityProviderOf(on, on.url, await on.make.account())
})
afterAll(async () => await on.stop())

const filtered = (filter: string) => entra.request('GET', `/Users?filter=${encodeURIComponent(filter)}`)

const newUser = (key: string) => ({
  schemas: [USER_SCHEMA, ENTERPRISE],
  externalId: key,
  userName: `Test_User_${key}@contoso.example`,
  active: true,
  addresses: [{ primary: false, type: 'work', country: 'Norway' }],
  displayName: 'BillyJoe',
  emails: [{ primary: true, type: 'work', value: `mail-${key}@contoso.example` }],
  meta: { resourceType: 'User' },
  name: { formatted: 'Ryan Leenay', familyName: 'Leenay', givenName: 'Ryan' },
  phoneNumbers: [{ primary: true, type: 'work', value: '+47 555 0100' }],
  roles: [],
  title: 'Engineer',
  [ENTERPRISE]: { department: 'bob', manager: { value: '1' } },
})

async function created() {
  const key = randomUUID()
  const { status, body, text } = await entra.request('POST', '/Users', newUser(key))
  expect(status, text).toBe(201)
  return { key, id: body.id as string, body }
}

const patch = (id: string, ...operations: unknown[]) => entra.request('PATCH', `/Users/${id}`, patchOf(...operations))

test('the connection test with a random user name finds nobody', async () => {
  const answer = await filtered(`userName eq "${randomUUID()}"`)
  expect([answer.status, answer.body]).toMatchObject([200, { totalResults: 0, Resources: [], itemsPerPage: 0 }])
  expect(answer.headers.get('content-type')).toMatch(/^application\/scim\+json/)
})

test('Entra creates, finds, updates, disables and deletes a user', async () => {
  const { key, id, body } = await created()
  expect(body).toMatchObject({ externalId: key, displayName: 'BillyJoe', name: { givenName: 'Ryan' } })
  expect(body.userName).toBe(`Test_User_${key}@contoso.example`)
  for (const filter of [
    `externalId eq "${key}"`,
    `userName eq "test_user_${key}@CONTOSO.example"`,
    `emails[type eq "work"].value eq "mail-${key}@contoso.example"`,
    `userName Eq "Test_User_${key}@contoso.example" and active eq true`,
  ])
    expect(
      (await filtered(filter)).body.Resources.map((one: { id: string }) => one.id),
      filter,
    ).toEqual([id])

  const updated = await patch(
    id,
    { op: 'Replace', path: 'emails[type eq "work"].value', value: `new-${key}@contoso.example` },
    { op: 'Replace', path: 'name.familyName', value: 'Smith' },
    { op: 'Add', path: `${ENTERPRISE}:department`, value: 'IT' },
    { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+47 555 0101' },
    { op: 'Replace', path: 'title', value: 'Lead' },
  )
  expect(updated.status, updated.text).toBe(200)
  expect(updated.body).toMatchObject({
    emails: [{ value: `new-${key}@contoso.example` }],
    name: { familyName: 'Smith', givenName: 'Ryan' },
  })

  const renamed = await patch(id, { op: 'Replace', path: 'userName', value: `other-${key}@contoso.example` })
  expect(renamed.body.userName).toBe(`other-${key}@contoso.example`)

  const disabled = await patch(id, { op: 'Replace', path: 'active', value: 'False' })
  expect([disabled.status, disabled.body.active]).toEqual([200, false])
  expect((await filtered(`externalId eq "${key}"`)).body.Resources[0].active).toBe(false)
  expect((await patch(id, { op: 'Replace', path: 'active', value: 'True' })).body.active).toBe(true)

  expect((await entra.request('DELETE', `/Users/${id}`)).status).toBe(204)
  expect((await entra.request('GET', `/Users/${id}`)).status).toBe(404)
})

test('a replacement without a path names attributes by themselves and by their paths', async () => {
  const { id } = await created()
  const value = {
    displayName: 'Bjorn',
    'name.givenName': 'Bjorn',
    active: 'False',
    [`${ENTERPRISE}:division`]: 'North',
  }
  const answer = await patch(id, { op: 'replace', value })
  expect(answer.status, answer.text).toBe(200)
  expect(answer.body).toMatchObject({ displayName: 'Bjorn', active: false })
  expect(answer.body.name).toMatchObject({ givenName: 'Bjorn', familyName: 'Leenay' })
})

test('parts of a name are removed, alone and together', async () => {
  const { id } = await created()
  const namesAfter = async (...operations: unknown[]) => {
    const { status, body, text } = await patch(id, ...operations)
    expect(status, text).toBe(200)
    expect((await entra.request('GET', `/Users/${id}`)).body).toEqual(body)
    return [body.name, body.displayName]
  }
  expect(await namesAfter({ op: 'Remove', path: 'name.givenName' })).toEqual([
    { familyName: 'Leenay', formatted: 'Leenay' },
    'Leenay',
  ])
  expect(await namesAfter({ op: 'Add', path: 'name.givenName', value: 'Ryan' })).toEqual([
    { givenName: 'Ryan', familyName: 'Leenay', formatted: 'Ryan Leenay' },
    'Ryan Leenay',
  ])
  expect(await namesAfter({ op: 'Replace', path: 'name.familyName', value: null })).toEqual([
    { givenName: 'Ryan', formatted: 'Ryan' },
    'Ryan',
  ])
  // The full name stays, because the display name does.
  expect(await namesAfter({ op: 'Remove', path: 'name' })).toEqual([{ formatted: 'Ryan' }, 'Ryan'])
  expect(await namesAfter({ op: 'Remove', path: 'displayName' })).toEqual([{}, undefined])
})

test.each([
  ['remove', { op: 'Remove', path: 'name' }],
  ['replace', { op: 'Replace', path: 'name', value: null }],
])('a %s of the whole name leaves neither part', async (_, operation) => {
  const { id } = await created()
  expect((await patch(id, operation)).body.name).toEqual({ formatted: 'BillyJoe' })
})

test('roles are mapped, and a user without one has that of the token', async () => {
  const { id, body } = await created()
  expect(body.roles[0].value).toBe('member')
  const roleAfter = async (...operations: unknown[]) => (await patch(id, ...operations)).body.roles?.[0].value
  expect(await roleAfter({ op: 'Add', path: 'roles', value: [{ primary: 'True', value: 'admin' }] })).toBe('admin')
  expect(await roleAfter({ op: 'Replace', path: 'roles[primary eq "True"].value', value: 'Developer' })).toBe(
    'developer',
  )
  expect(await roleAfter({ op: 'Remove', path: 'roles' })).toBe('member')
  const unknown = await patch(id, { op: 'Replace', path: 'roles', value: [{ value: 'operator' }] })
  expect([unknown.status, unknown.body.scimType]).toEqual([400, 'invalidValue'])
})

test('the list can be read in parts, without attributes', async () => {
  for (let n = 0; n < 3; n++) await created()
  const first = await entra.request('GET', '/Users?startIndex=1&count=2&excludedAttributes=emails,roles')
  expect(first.body).toMatchObject({ startIndex: 1, itemsPerPage: 2 })
  expect(first.body.Resources[0]).not.toHaveProperty('emails')
  const second = await entra.request('GET', '/Users?startIndex=3&count=2&attributes=userName')
  const ids = [first, second].flatMap(({ body }) => body.Resources.map((one: { id: string }) => one.id))
  expect(new Set(ids).size).toBe(ids.length)
  expect(Object.keys(second.body.Resources[0]).sort()).toEqual(['id', 'meta', 'schemas', 'userName'])
  expect((await entra.request('GET', '/Users?count=0')).body).toMatchObject({ itemsPerPage: 0, Resources: [] })
})

test('there are no groups, and the answers say so', async () => {
  expect((await entra.request('GET', '/Groups?excludedAttributes=members')).body.totalResults).toBe(0)
  const created = await entra.request('POST', '/Groups', { displayName: 'Staff' })
  expect([created.status, created.body.status]).toEqual([501, '501'])
})

test('the provider learns what the server supports', async () => {
  const [config, types, schemas, type] = await Promise.all(
    ['/ServiceProviderConfig', '/ResourceTypes', '/Schemas', '/ResourceTypes/User'].map((path) =>
      entra.request('GET', path),
    ),
  )
  expect(config!.body).toMatchObject({
    patch: { supported: true },
    bulk: { supported: false },
    etag: { supported: true },
  })
  expect(types!.body.Resources.map((one: { id: string }) => one.id)).toEqual(['User'])
  expect(type!.body).toEqual(types!.body.Resources[0])
  expect(schemas!.body.Resources.map((one: { id: string }) => one.id)).toEqual([USER_SCHEMA])
  expect((await entra.request('GET', `/Schemas/${USER_SCHEMA}`)).body.id).toBe(USER_SCHEMA)
})
