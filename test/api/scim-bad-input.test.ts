/** Each irregular SCIM request has an answer in SCIM's form, and changes nothing. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { insertIdentity } from '../../src/identity-providers/user-identities.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { metricOf, send } from '../support/requests.ts'
import { type IdentityProvider, identityProviderOf, patchOf } from './scim-fixtures.ts'

let on: Keywright
let provider: IdentityProvider
let id: string

beforeAll(async () => {
  on = await startKeywright()
  const account = await on.make.account()
  provider = await identityProviderOf(on, on.url, account)
  id = (await provider.request('POST', '/Users', { userName: 'target@customer.example', externalId: 'target' })).body.id
  const signIn = { id: randomUUID(), account_id: account, name: 'Customer', issuer: 'https://login.customer.example' }
  const client = { client_id: 'keywright', sealed_client_secret: Buffer.alloc(64), scopes: ['openid'] }
  await on.knex('identity_providers').insert({ ...signIn, ...client })
  await insertIdentity(on.knex, { providerId: signIn.id, subject: 'target', userId: id })
})
afterAll(async () => await on.stop())

const ERROR = ['urn:ietf:params:scim:api:messages:2.0:Error']

async function expectRefused(answer: Awaited<ReturnType<typeof send>>, status: number, scimType?: string) {
  expect([answer.status, answer.body?.scimType], answer.text).toEqual([status, scimType])
  expect(answer.body).toMatchObject({ schemas: ERROR, status: String(status) })
  expect(answer.headers.get('content-type')).toMatch(/^application\/scim\+json/)
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

const PATCHES: readonly [string, unknown, string][] = [
  ['no operations', {}, 'invalidSyntax'],
  ['an empty list', { Operations: [] }, 'invalidSyntax'],
  ['operations that are no list', { Operations: { op: 'replace' } }, 'invalidSyntax'],
  ['an operation that is text', { Operations: ['replace'] }, 'invalidValue'],
  ['an unknown op', patchOf({ op: 'move', path: 'active', value: true }), 'invalidSyntax'],
  ['an op that is a number', patchOf({ op: 1, path: 'active', value: true }), 'invalidSyntax'],
  ['a member twice in another case', patchOf({ op: 'add', Op: 'add', path: 'active', value: true }), 'invalidSyntax'],
  ['no value', patchOf({ op: 'replace', path: 'displayName' }), 'invalidValue'],
  ['a path that is a number', patchOf({ op: 'replace', path: 7, value: 'x' }), 'invalidPath'],
  ['an unknown attribute', patchOf({ op: 'replace', path: 'shoeSize', value: '43' }), 'invalidPath'],
  ['the ID', patchOf({ op: 'replace', path: 'id', value: 'x' }), 'invalidPath'],
  ['a foreign schema', patchOf({ op: 'add', path: 'urn:example:User:x', value: 'x' }), 'invalidPath'],
  ['a part of one value', patchOf({ op: 'replace', path: 'userName.value', value: 'x' }), 'invalidPath'],
  ['a filter of one value', patchOf({ op: 'replace', path: 'active[type eq "x"]', value: true }), 'invalidPath'],
  ['an unknown part', patchOf({ op: 'replace', path: 'emails.colour', value: 'x' }), 'invalidPath'],
  ['an unknown part of the name', patchOf({ op: 'replace', path: 'name.shoe', value: 'x' }), 'invalidPath'],
  ['an open bracket', patchOf({ op: 'replace', path: 'emails[type eq "work".value', value: 'x' }), 'invalidPath'],
  ['three dots', patchOf({ op: 'replace', path: 'name.a.b', value: 'x' }), 'invalidPath'],
  ['an empty filter', patchOf({ op: 'replace', path: 'emails[].value', value: 'x' }), 'invalidFilter'],
  ['an unsupported filter', patchOf({ op: 'replace', path: 'emails[type co "w"].value', value: 'x' }), 'invalidFilter'],
  ['a filter without match', patchOf({ op: 'replace', path: 'emails[type eq "home"].value', value: 'x' }), 'noTarget'],
  ['a removal without path', patchOf({ op: 'remove' }), 'noTarget'],
  ['the removal of the name', patchOf({ op: 'remove', path: 'userName' }), 'mutability'],
  ['active as text', patchOf({ op: 'replace', path: 'active', value: 'maybe' }), 'invalidValue'],
  ['active as null', patchOf({ op: 'replace', path: 'active', value: null }), 'invalidValue'],
  ['a user name that is a list', patchOf({ op: 'replace', path: 'userName', value: ['a'] }), 'invalidValue'],
  ['an empty user name', patchOf({ op: 'replace', path: 'userName', value: ' ' }), 'invalidValue'],
  ['a long user name', patchOf({ op: 'replace', path: 'userName', value: 'x'.repeat(255) }), 'invalidValue'],
  ['an address that is none', patchOf({ op: 'replace', path: 'emails', value: [{ value: 'none' }] }), 'invalidValue'],
  ['too many values', patchOf({ op: 'add', path: 'emails', value: Array(101).fill({}) }), 'invalidValue'],
  ['too many operations', patchOf(...Array(101).fill({ op: 'add', path: 'title', value: 'x' })), 'tooMany'],
  ['NUL', patchOf({ op: 'replace', path: 'displayName', value: 'a\0b' }), 'invalidSyntax'],
  ['half a surrogate pair', `{"Operations":[{"op":"add","path":"displayName","value":"\\ud800"}]}`, 'invalidSyntax'],
  ['a name twice', '{"Operations":[],"Operations":[]}', 'invalidSyntax'],
  ['a prototype', '{"__proto__":{"active":false}}', 'invalidSyntax'],
  ['no JSON', '{"Operations":', 'invalidSyntax'],
  ['a list', '[]', 'invalidSyntax'],
  ['deep lists', `{"Operations":${nested(20_000)}}`, 'invalidValue'],
  ['an object for a text', patchOf({ op: 'add', path: 'displayName', value: { a: 1 } }), 'invalidValue'],
  [
    'one that is wrong after one that is right',
    patchOf({ op: 'replace', path: 'active', value: false }, { op: 'replace', path: 'shoeSize', value: 1 }),
    'invalidPath',
  ],
]

test.each(PATCHES)('a patch with %s is refused, and changes nothing', async (_, body, scimType) => {
  const before = await provider.request('GET', `/Users/${id}`)
  await expectRefused(await provider.request('PATCH', `/Users/${id}`, body), 400, scimType)
  expect((await provider.request('GET', `/Users/${id}`)).text).toBe(before.text)
})

const FILTERS: readonly [string, string][] = [
  ['userName', 'invalidFilter'],
  ['userName eq', 'invalidFilter'],
  ['userName eq ada', 'invalidFilter'],
  ['userName eq "ada', 'invalidFilter'],
  ['userName eq "\\x"', 'invalidFilter'],
  ['userName co "ada"', 'invalidFilter'],
  ['userName eq 7', 'invalidFilter'],
  ['userName eq "a" or userName eq "b"', 'invalidFilter'],
  ['not (userName eq "a")', 'invalidFilter'],
  [`${'('.repeat(300)}userName eq "a"${')'.repeat(300)}`, 'invalidFilter'],
  ['password eq "x"', 'invalidFilter'],
  ['shoeSize eq "x"', 'invalidPath'],
  ['userName eq "a" and userName eq "b"', 'invalidFilter'],
  [Array(7).fill('active eq true').join(' and '), 'tooMany'],
  [`userName eq "${'x'.repeat(1000)}"`, 'invalidFilter'],
]

test.each(FILTERS)('the filter %s is refused', async (filter, scimType) => {
  await expectRefused(await provider.request('GET', `/Users?filter=${encodeURIComponent(filter)}`), 400, scimType)
})

test.each([`x' OR '1'='1`, 'x"; DROP TABLE users; --', '%', '_', '\\', '🦀', 'İ', ' ', '$1', '?'])(
  'a filter with %s finds nobody',
  async (value) => {
    const filter = `userName eq ${JSON.stringify(value)}`
    const answer = await provider.request('GET', `/Users?filter=${encodeURIComponent(filter)}`)
    expect([answer.status, answer.body?.totalResults], answer.text).toEqual([200, 0])
  },
)

test('names in any script are kept as they are, and compared without regard to case', async () => {
  const userName = 'Zoë.Ångström@bücher.example'
  const name = { givenName: '佐藤', familyName: 'Ünal' }
  const created = await provider.request('POST', '/Users', { userName, name, externalId: '🦀' })
  expect(created.status, created.text).toBe(201)
  expect(created.body).toMatchObject({ userName, name, displayName: '佐藤 Ünal', externalId: '🦀' })
  const filter = encodeURIComponent(`userName eq "${userName.toUpperCase()}"`)
  expect((await provider.request('GET', `/Users?filter=${filter}`)).body.totalResults).toBe(1)
})

test.each([
  ['a huge body', 413, undefined, () => provider.request('POST', '/Users', { userName: 'x'.repeat(70_000) })],
  ['no body', 400, 'invalidSyntax', () => provider.request('POST', '/Users', '')],
  [
    'another media type',
    415,
    undefined,
    () => provider.request('POST', '/Users', '{}', { 'content-type': 'text/xml' }),
  ],
  ['no user name', 400, 'invalidValue', () => provider.request('POST', '/Users', {})],
  ['no address', 400, 'invalidValue', () => provider.request('POST', '/Users', { userName: 'ada' })],
  ['a negative count as text', 400, 'invalidValue', () => provider.request('GET', '/Users?count=many')],
  ['two filters', 400, 'invalidValue', () => provider.request('GET', '/Users?filter=a&filter=b')],
  ['an unknown ID', 404, undefined, () => provider.request('GET', '/Users/nobody')],
  ['an unknown path', 404, undefined, () => provider.request('GET', '/Devices')],
  ['an unknown method', 405, undefined, () => provider.request('DELETE', '/Users')],
  ['another version', 412, undefined, () => provider.request('PUT', `/Users/${id}`, {}, { 'if-match': 'W/"99"' })],
  [
    'a version of something else',
    412,
    undefined,
    () => provider.request('DELETE', `/Users/${id}`, undefined, { 'if-match': '"x"' }),
  ],
  ['NUL in the query', 400, undefined, () => provider.request('GET', '/Users?filter=%00')],
] as const)('%s is refused', async (_, status, scimType, request) => {
  const answer = await request()
  expect([answer.status, answer.body?.status], answer.text).toEqual([status, String(status)])
  if (scimType) expect(answer.body.scimType).toBe(scimType)
})

test('page numbers out of range are the nearest possible ones', async () => {
  const answer = await provider.request('GET', '/Users?startIndex=-5&count=-1')
  expect(answer.body).toMatchObject({ startIndex: 1, itemsPerPage: 0 })
  expect((await provider.request('GET', '/Users?startIndex=900000')).body.Resources).toEqual([])
})

test('a request without a valid token learns nothing', async () => {
  for (const path of ['/Users', `/Users/${id}`, '/ServiceProviderConfig', '/nothing'])
    for (const authorization of ['', 'Bearer kwd_x', 'Basic eDp5', `Bearer ${provider.token.slice(0, -2)}`]) {
      const answer = await send(`${on.url}/scim/v2${path}`, { headers: { authorization } })
      await expectRefused(answer, 401)
      expect(answer.headers.get('www-authenticate')).toContain('Bearer')
    }
})

const SUBJECTS: readonly [unknown, number][] = [
  [{ format: 'email', email: 'TARGET@customer.example' }, 204],
  [{ format: 'opaque', id: 'target' }, 204],
  [{ format: 'iss_sub', iss: 'https://login.customer.example', sub: 'target' }, 204],
  [{ format: 'email', email: 'nobody@customer.example' }, 404],
  [{ format: 'opaque', id: 'nobody' }, 404],
  [{ format: 'iss_sub', iss: 'https://login.customer.example', sub: 'nobody' }, 404],
  [{ format: 'iss_sub', iss: 'https://other.example', sub: 'target' }, 404],
  [{ format: 'email' }, 400],
  [{ format: 'phone_number', phone_number: '+1' }, 400],
  [{ email: 'target@customer.example' }, 400],
  ['target', 400],
  [undefined, 400],
]

test.each(SUBJECTS)('Global Token Revocation for the subject %j answers %i', async (subject, status) => {
  const answer = await send(`${on.url}/oauth2/global-token-revocation`, {
    method: 'POST',
    headers: { authorization: `Bearer ${provider.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ sub_id: subject }),
  })
  expect(answer.status, answer.text).toBe(status)
  if (status === 404) expect(answer.body.error).toBe('not_found')
})

test('Global Token Revocation takes POST alone', async () => {
  const answer = await send(`${on.url}/oauth2/global-token-revocation`)
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST'])
})

test('SCIM requests count under one endpoint label, and those of Global Token Revocation under another', async () => {
  await provider.request('GET', '/Users/unknown')
  await send(`${on.url}/oauth2/global-token-revocation`)
  const counted = (labels: string) => metricOf(on.url, 'keywright_request_duration_seconds_count', labels)
  expect(await counted('endpoint="/scim/v2",status="404"')).toBeGreaterThan(0)
  expect(await counted('endpoint="/oauth2/global-token-revocation",status="405"')).toBeGreaterThan(0)
})
