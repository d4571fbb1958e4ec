/** What an operator does to APIs, through the pages, and what comes of it at the endpoints. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClientKey, introspectionStatus, newClientKey } from '../../support/client-assertions.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { claimsOf } from '../../support/requests.ts'
import type { Page } from '../../support/scriptless-browser.ts'
import { copyableOf, openAdmin } from './admin-session.ts'
import { formAt, type Operator, openOperator } from './console-forms.ts'
import { wordsOf } from './console-visits.ts'

let server: Keywright
let operator: Operator

beforeAll(async () => {
  server = await startKeywright()
  operator = await openOperator(server)
})
afterAll(() => server.stop())

const SCRIPT = '<script>alert(1)</script>'

let made = 0
const nextIdentifier = () => `https://declared-${++made}.example.com`

const declare = async (changes: Record<string, string | undefined>): Promise<Page> =>
  await operator.send(await operator.visit('/apis/new'), '/apis/new', changes)

async function pathOf(identifier: string): Promise<string> {
  const { id } = await server.knex('apis').where({ identifier }).first('id')
  return `/apis/${id}`
}

const rowOf = (identifier: string) => server.knex('apis').where({ identifier }).first()

async function madeApi(settings: Parameters<Keywright['make']['api']>[0] = {}) {
  const api = await server.make.api(settings)
  return { ...api, path: await pathOf(api.identifier) }
}

describe('declaring an API', () => {
  it('shows its credentials once, with which it introspects a token that a client got for it', async () => {
    const identifier = nextIdentifier()
    const page = await declare({
      identifier,
      'scopes.0.scope': 'calendar.read',
      'scopes.0.title': 'See your calendar',
      'scopes.0.description': 'All entries.',
      'scopes.2.scope': 'calendar.write',
      tokenTtl: '1.5',
      policy: 'single',
      signingAlg: 'EdDSA',
    })
    expect(page.status).toBe(200)
    expect(page.headers.get('cache-control')).toBe('no-store')
    const basic = { clientId: copyableOf(page, 'Client ID'), clientSecret: copyableOf(page, 'Client secret') }

    const client = await server.make.client({}, [identifier])
    const { body } = await server.machineToken(client)
    expect(claimsOf(body.access_token)).toMatchObject({ aud: identifier, scope: 'calendar.read calendar.write' })
    expect(body.expires_in).toBe(5400)
    expect((await server.introspect(body.access_token, basic)).body.active).toBe(true)

    const shown = await operator.visit(await pathOf(identifier))
    expect(wordsOf(shown)).toContain('See your calendar All entries.')
    expect(shown.text).not.toContain(basic.clientSecret)
    expect(await rowOf(identifier)).toMatchObject({ policy: 'single', signing_alg: 'EdDSA' })
  })

  it('says what is wrong at each field, and keeps everything that was typed', async () => {
    const page = await declare({
      identifier: 'no address',
      'scopes.0.title': SCRIPT,
      'scopes.0.description': 'of nothing',
      'scopes.1.scope': 'two words',
      tokenTtl: '0.001',
    })
    expect(page.status).toBe(400)
    const words = wordsOf(page)
    expect(words).toContain('Scopes : Row 1 has no scope name; not a scope')
    expect(words).toContain('Access token lifetime : Enter a number, such as 90 or 1.5.')
    expect(formAt(page, '/apis/new')).toMatchObject({ identifier: 'no address', 'scopes.0.title': SCRIPT })
    expect(page.text).not.toContain(SCRIPT)
  })

  it.each([
    ['an identifier that is no address', { identifier: 'no address' }, 'Identifier (audience) :'],
    ['an identifier that is there', { identifier: 'https://api.keywright.example' }, 'There is already an API'],
    ['a scope of two words', { 'scopes.0.scope': 'two words' }, 'Scopes : Not a scope'],
    ['a scope of OpenID Connect', { 'scopes.0.scope': 'openid' }, 'Scopes : Openid belongs to OpenID Connect'],
    ['a scope twice', { 'scopes.1.scope': 'read' }, 'Scopes : A scope is named twice'],
    ['no scope', { 'scopes.0.scope': '' }, 'Scopes : Add at least one scope'],
    [
      'a scope of 10,000 characters',
      { 'scopes.0.scope': 'x'.repeat(10_000) },
      'Scopes : Use at most 100 characters for a scope name',
    ],
    [
      'a title of 10,000 characters',
      { 'scopes.0.title': 'x'.repeat(10_000) },
      'Scopes : Use at most 100 characters for the title of read',
    ],
    [
      'a description of 10,000',
      { 'scopes.0.description': 'x'.repeat(10_000) },
      'Scopes : Use at most 500 characters for the description of read',
    ],
    [
      'a lifetime of a second',
      { tokenTtl: '1', 'tokenTtl.unit': 'seconds' },
      'Access token lifetime : Enter a time from 1 minute to 30 days',
    ],
    [
      'a lifetime of a century',
      { tokenTtl: '36500', 'tokenTtl.unit': 'days' },
      'Access token lifetime : Enter a time from 1 minute to 30 days',
    ],
    ['a lifetime of nothing', { tokenTtl: '' }, 'Access token lifetime : This field is required'],
    ['a unit that there is not', { 'tokenTtl.unit': 'fortnights' }, 'Access token lifetime :'],
    ['a policy that there is not', { policy: 'some' }, 'Token policy : Choose an option'],
    ['an algorithm that there is not', { signingAlg: 'none' }, 'Signing algorithm : Choose an option'],
  ])('refuses %s', async (_, changes, words) => {
    const page = await declare({ identifier: nextIdentifier(), 'scopes.0.scope': 'read', ...changes })
    expect(page.status).toBe(400)
    expect(wordsOf(page)).toContain(words)
  })

  it('draws the same form with more rows where more scopes are wanted, and declares nothing', async () => {
    const identifier = nextIdentifier()
    const page = await declare({ identifier, 'scopes.0.scope': 'one', more: 'on' })
    expect(page.status).toBe(200)
    expect(formAt(page, '/apis/new')).toMatchObject({ identifier, 'scopes.0.scope': 'one', 'scopes.5.scope': '' })
    expect(await rowOf(identifier)).toBeUndefined()
  })

  it('takes the default from the API that was it', async () => {
    const [first, second] = [nextIdentifier(), nextIdentifier()]
    for (const identifier of [first, second]) await declare({ identifier, 'scopes.0.scope': 'all', isDefault: 'on' })
    expect((await rowOf(first)).is_default).toBe(false)
    expect((await rowOf(second)).is_default).toBe(true)
    expect(
      formAt(await operator.visit(`${await pathOf(second)}/edit`), `${await pathOf(second)}/edit`),
    ).not.toHaveProperty('isDefault')
  })
})

describe('editing an API', () => {
  it('changes what is issued from now on, and what people read', async () => {
    const { identifier, path } = await madeApi()
    const page = await operator.visit(`${path}/edit`)
    const saved = await operator.send(page, `${path}/edit`, {
      'scopes.0.title': 'See it',
      'scopes.2.scope': 'admin',
      tokenTtl: '5',
      'tokenTtl.unit': 'minutes',
      policy: 'single',
    })
    expect(saved.url).toBe(`${server.url}${path}?notice=saved`)
    expect(wordsOf(saved)).toContain('See it')
    expect(await rowOf(identifier)).toMatchObject({
      scopes: ['read', 'write', 'admin'],
      token_ttl: 300,
      policy: 'single',
    })
    const client = await server.make.client({}, [identifier])
    expect((await server.machineToken(client)).body).toMatchObject({ expires_in: 300, scope: 'read write admin' })
  })

  it('writes one entry for the change, and none where nothing was changed', async () => {
    const { identifier, path } = await madeApi()
    const entries = () => server.knex('audit_log').where({ target_id: identifier }).whereNot('action', 'api.created')
    await operator.send(await operator.visit(`${path}/edit`), `${path}/edit`)
    expect(await entries()).toEqual([])
    await operator.send(await operator.visit(`${path}/edit`), `${path}/edit`, { policy: 'single' })
    expect(await entries()).toMatchObject([{ action: 'api.updated', actor_id: operator.person.id }])
  })

  it('asks before a scope goes, with how many clients it concerns, and removes it when confirmed', async () => {
    const { identifier, path } = await madeApi()
    for (let n = 0; n < 2; n++) await server.machineToken(await server.make.client({}, [identifier]))
    const asked = await operator.send(await operator.visit(`${path}/edit`), `${path}/edit`, {
      'scopes.1.remove': 'on',
      tokenTtl: '2',
    })
    expect(wordsOf(asked)).toContain('Remove the scope write?')
    expect(wordsOf(asked)).toContain('2 clients can call this API')
    expect(wordsOf(asked)).toContain('revoke 2 access tokens that have it, at once')
    expect((await rowOf(identifier)).scopes).toEqual(['read', 'write'])

    await operator.send(asked, `${path}/edit`)
    expect(await rowOf(identifier)).toMatchObject({ scopes: ['read'], token_ttl: 7200 })
  })

  it('says which clients ask for a scope by default, before it can go', async () => {
    const { identifier, path } = await madeApi()
    const { clientId } = await server.make.client({ defaultScopes: ['write'] }, [identifier])
    const page = await operator.visit(`${path}/edit`)
    const asked = await operator.send(page, `${path}/edit`, { 'scopes.1.remove': 'on' })
    const refused = await operator.send(asked, `${path}/edit`)
    expect(refused.status).toBe(400)
    expect(wordsOf(refused)).toContain(clientId)
    expect(formAt(refused, `${path}/edit`)).toHaveProperty('scopes.1.remove')
  })

  it('shows both versions to the second of two who edit at once, and saves theirs when they insist', async () => {
    const { identifier, path } = await madeApi()
    const [one, other] = [await operator.visit(`${path}/edit`), await operator.visit(`${path}/edit`)]
    await operator.send(one, `${path}/edit`, { tokenTtl: '2', 'scopes.2.scope': 'more' })
    const stale = await operator.send(other, `${path}/edit`, { tokenTtl: '3' })
    expect(stale.status).toBe(412)
    expect(wordsOf(stale)).toMatch(/Access token lifetime\s+2 hours\s+3 hours/)
    expect(wordsOf(stale)).toMatch(/Scopes\s+read write more\s+read write/)
    expect((await rowOf(identifier)).token_ttl).toBe(7200)

    await operator.send(await operator.send(stale, `${path}/edit`), `${path}/edit`)
    expect(await rowOf(identifier)).toMatchObject({ scopes: ['read', 'write'], token_ttl: 10_800 })
  })

  it('of the management API sets the lifetime alone', async () => {
    const path = await pathOf('urn:keywright:management')
    expect(wordsOf(await operator.visit(path))).toContain('Built in')
    const page = await operator.visit(`${path}/edit`)
    expect(Object.keys(formAt(page, `${path}/edit`))).toEqual(['csrf', 'revision', 'tokenTtl', 'tokenTtl.unit'])
    await operator.send(page, `${path}/edit`, { tokenTtl: '20', 'tokenTtl.unit': 'minutes', policy: 'single' })
    expect(await rowOf('urn:keywright:management')).toMatchObject({ token_ttl: 1200, policy: 'none' })
    expect((await operator.visit(`${path}/secret`)).status).toBe(404)
  })
})

describe("an API's new secret", () => {
  const isAccepted = async (basic: { clientId: string; clientSecret: string }) =>
    (await server.introspect('any', basic)).status === 200

  it('ends the present one at once, or lets it work for a time', async () => {
    const { path, clientId, clientSecret } = await madeApi()
    const former = { clientId, clientSecret }
    const overlapping = await operator.send(await operator.visit(`${path}/secret`), `${path}/secret`)
    const second = { clientId, clientSecret: copyableOf(overlapping, 'Client secret') }
    expect([await isAccepted(former), await isAccepted(second)]).toEqual([true, true])

    const page = await operator.visit(`${path}/secret`)
    const third = await operator.send(page, `${path}/secret`, { overlap: '0' })
    expect(await isAccepted({ clientId, clientSecret: copyableOf(third, 'Client secret') })).toBe(true)
    expect([await isAccepted(former), await isAccepted(second)]).toEqual([false, false])
  })

  it('is not made again by a form that is sent a second time', async () => {
    const { path } = await madeApi()
    const page = await operator.visit(`${path}/secret`)
    const shown = await operator.send(page, `${path}/secret`, { overlap: '0' })
    const again = await operator.send(page, `${path}/secret`, { overlap: '0' })
    expect(again.status).toBe(412)
    const basic = { clientId: copyableOf(shown, 'Client ID'), clientSecret: copyableOf(shown, 'Client secret') }
    expect(await isAccepted(basic)).toBe(true)
  })

  it('gives way to several public keys, each retired alone, and comes back', async () => {
    const [first, second] = [await newClientKey(), await newClientKey('EdDSA')]
    const jwks = (key: ClientKey) => JSON.stringify({ keys: [key.jwk] })
    const { path, clientId, clientSecret } = await madeApi()
    const statuses = async (...keys: ClientKey[]) =>
      await Promise.all(keys.map((key) => introspectionStatus(server, clientId, key)))
    const rotate = async (changes: Record<string, string>) =>
      await operator.send(await operator.visit(`${path}/secret`), `${path}/secret`, changes)
    expect((await rotate({ authMethod: 'private_key_jwt' })).status).toBe(400)
    const method = { authMethod: 'private_key_jwt', overlap: '0' }
    expect(wordsOf(await rotate({ ...method, jwks: jwks(first) }))).toContain('Public keys replaced.')
    expect([await isAccepted({ clientId, clientSecret }), ...(await statuses(first))]).toEqual([false, 200])
    const add = await operator.visit(`${path}/keys/new`)
    const added = wordsOf(await operator.send(add, `${path}/keys/new`, { jwks: jwks(second) }))
    expect(added).toContain('Public keys added.')
    expect(added).not.toMatch(/client secret/i)
    expect(await statuses(first, second)).toEqual([200, 200])
    const all = await operator.visit(`${path}/secrets`)
    expect(wordsOf(all)).not.toMatch(/client secret/i)
    const [retire] = [...all.text.matchAll(/href="([^"]*\/secrets\/\d+\/retire)"/g)].map(([, one]) => one!)
    await operator.send(await operator.visit(retire!), retire!)
    expect((await statuses(first, second)).sort()).toEqual([200, 401])
    const shown = await rotate({ authMethod: 'client_secret', overlap: '0' })
    expect(await isAccepted({ clientId, clientSecret: copyableOf(shown, 'Client secret') })).toBe(true)
    expect(await statuses(first, second)).toEqual([401, 401])
    expect((await operator.visit(`${path}/keys/new`)).status).toBe(409)
  })

  it('is not made where the API is declared with a public key', async () => {
    const key = await newClientKey()
    const identifier = nextIdentifier()
    const method = { authMethod: 'private_key_jwt', jwks: JSON.stringify({ keys: [key.jwk] }) }
    const page = await declare({ identifier, 'scopes.0.scope': 'read', ...method })
    expect(wordsOf(page)).toContain('API added.')
    const { client_id: id } = await server.knex('clients').where({ name: identifier }).first('client_id')
    expect(await introspectionStatus(server, id, key)).toBe(200)
    const none = await declare({ identifier: nextIdentifier(), 'scopes.0.scope': 'read', ...method, jwks: '' })
    expect([none.status, wordsOf(none)]).toEqual([400, expect.stringContaining('Enter public keys, or the URL')])
  })

  it('takes no time that is not among the choices', async () => {
    const { path } = await madeApi()
    const page = await operator.visit(`${path}/secret`)
    expect((await operator.send(page, `${path}/secret`, { overlap: '-1' })).status).toBe(400)
  })
})

describe('the list of APIs', () => {
  it('is searched by a part of the identifier or a whole scope, and comes in parts', async () => {
    for (let n = 0; n < 51; n++)
      await server.make.api({ identifier: `https://crowd-${n}.example.org`, scopes: ['all'] })
    await server.make.api({ identifier: 'urn:lonely:one', scopes: ['rare.scope'] })
    for (const search of ['LONELY', 'rare.scope']) {
      expect(wordsOf(await operator.visit(`/apis?search=${search}`))).toContain('urn:lonely:one')
    }
    const crowd = await operator.visit('/apis?search=crowd-')
    expect(wordsOf(crowd)).not.toContain('lonely')
    const next = /href="([^"]*after=[^"]*)"/.exec(crowd.text)![1]!.replaceAll('&amp;', '&')
    expect(wordsOf(await operator.visit(next))).toContain('https://crowd-50.example.org')
    expect(wordsOf(await operator.visit('/apis?search=nothing-of-the-kind'))).toContain('No results')
  })

  it.each([
    ['a cursor of something else', `/apis?after=${Buffer.from('["x"]').toString('base64url')}`, 400],
    ['a cursor beyond every number', `/apis?after=${Buffer.from('[9007199254740991]').toString('base64url')}`, 400],
    ['a search of 10,000 characters', `/apis?search=${'x'.repeat(10_000)}`, 400],
    ['a NUL', '/apis?search=%00', 400],
    ['an API that there is not', '/apis/999999999', 404],
    ['a number that no database knows', '/apis/99999999999999999999', 404],
    ['an API of another kind of name', '/apis/https:%2F%2Fapi.example.com', 404],
  ])('answers %s as what it is', async (_, path, status) => {
    expect((await operator.visit(path)).status).toBe(status)
  })

  it('is for operators', async () => {
    const admin = await openAdmin(server)
    for (const path of ['/apis', '/apis/new', '/apis/1', '/apis/1/edit', '/apis/1/secret']) {
      expect((await admin.visit(path)).status).toBe(403)
    }
  })
})
