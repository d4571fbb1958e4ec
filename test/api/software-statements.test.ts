/** Clients register themselves by software statements of issuers that an operator trusts (RFC 7591, sections 2.3 and 3.1.1). */
import { CompactSign, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { deleteUnusedRegistrations } from '../../src/management/registered-clients.ts'
import { signedIn } from '../guarantees/all-routes.ts'
import { keywright } from '../support/cli-in-process.ts'
import { type ClientKey, newClientKey } from '../support/client-assertions.ts'
import {
  CALLBACK,
  METADATA,
  type Registrations,
  registrationsOf,
  setDynamicRegistration,
} from '../support/dynamic-registration.ts'
import { documentOf, jwkSet, startKeyServer } from '../support/key-server.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import type { Answer } from '../support/requests.ts'
import { createPkce } from '../support/scriptless-browser.ts'
import { createTestUser } from '../support/test-users.ts'

const ISSUER = 'https://directory.example.com'

let server: Keywright
let keyServer: Awaited<ReturnType<typeof startKeyServer>>
let account: string
let api: { identifier: string }
let key: ClientKey
let tokenWith: Registrations['tokenWith']
let register: Registrations['register']
let configure: Registrations['configure']
let management: ReturnType<typeof rawManagement>

beforeAll(async () => {
  keyServer = await startKeyServer()
  server = await startKeywright({ env: { OUTGOING_ALLOW: '127.0.0.1' } })
  account = await server.make.account()
  api = await server.make.api({ scopes: ['read', 'write', 'delete'] })
  key = await newClientKey('ES256', { kid: 'first' })
  ;({ tokenWith, register, configure } = registrationsOf(server, account, api.identifier))
  management = rawManagement(server.url, await managementToken(server, await managingApplication(server, null)))
  await setDynamicRegistration(server, 'initial_access_token')
  await trust({ issuer: ISSUER, jwks: jwkSet(key) })
})
beforeEach(() => server.knex('sign_in_limits').delete())
afterAll(async () => {
  await server?.stop()
  keyServer.stop()
})

async function trust(given: Record<string, unknown>): Promise<string> {
  const permitted = { account_id: account, apis: [api.identifier], scopes: ['read', 'write'] }
  const answer = await management.json('POST', '/software-statement-issuers', { ...permitted, ...given })
  if (answer.status !== 201) throw new Error(`not trusted: ${answer.status} ${answer.text}`)
  return answer.body.id
}

const STATED = {
  client_name: 'Directory notes',
  redirect_uris: [CALLBACK],
  software_id: 'notes',
  software_version: '2',
}

const seconds = () => Math.floor(Date.now() / 1000)

const sign = (claims: JWTPayload = {}, by: ClientKey = key, header: Record<string, unknown> = {}): Promise<string> =>
  new SignJWT({ iss: ISSUER, iat: seconds(), ...STATED, ...claims })
    .setProtectedHeader({ alg: by.alg, ...(by.kid && { kid: by.kid }), ...header })
    .sign(by.privateKey, { crit: { x: true } })

/** A statement whose text no library would write. */
const signText = (payload: string): Promise<string> =>
  new CompactSign(Buffer.from(payload)).setProtectedHeader({ alg: key.alg, kid: key.kid! }).sign(key.privateKey)

const registerBy = (statement: unknown, metadata: object = METADATA): Promise<Answer> =>
  register(undefined, { ...metadata, software_statement: statement })

const clients = async () => Number((await server.knex('clients').where({ kind: 'application' }).count())[0]!.count)

describe('a client with a software statement of a trusted issuer', () => {
  test('registers itself without a token, with what the statement says', async () => {
    const statement = await sign()
    const answer = await registerBy(statement, {
      client_name: 'Another name',
      redirect_uris: ['https://thief.example.com/'],
      grant_types: METADATA.grant_types,
      scope: 'read write delete',
    })
    expect(answer.body).toMatchObject({ ...STATED, software_statement: statement, scope: 'read write' })
    expect(answer.status).toBe(201)
    const { client_id: clientId } = answer.body
    const row = await server.knex('clients').where({ client_id: clientId }).first()
    expect(row).toMatchObject({ account_id: account, consent: 'show', name: 'Directory notes' })

    const shown = await management.json('GET', `/applications/${clientId}`, undefined)
    expect(shown.body.registration).toMatchObject({
      source: 'software_statement',
      software_id: 'notes',
      software_version: '2',
      software_statement_issuer: ISSUER,
    })
  })

  test('has the statement in each response, and can send it back', async () => {
    const statement = await sign()
    const made = await registerBy(statement)
    const read = await configure('GET', made)
    expect(read.body.software_statement).toBe(statement)
    const { client_id_issued_at: _, registration_client_uri: __, registration_access_token: ___, ...sent } = read.body
    expect((await configure('PUT', made, sent)).body).toEqual(read.body)
  })

  test('cannot change what the statement says, or the statement', async () => {
    const made = await registerBy(await sign())
    const update = { client_id: made.body.client_id, ...METADATA }
    const renamed = await configure('PUT', made, {
      ...update,
      client_name: 'X',
      redirect_uris: ['https://thief.example.com/'],
    })
    expect([renamed.status, renamed.body]).toMatchObject([200, STATED])
    const other = await configure('PUT', made, { ...update, software_statement: await sign({ client_name: 'X' }) })
    expect([other.status, other.body.error]).toEqual([400, 'unapproved_software_statement'])
  })

  test('does not regain a grant type that the statement names and an admin took', async () => {
    const made = await registerBy(await sign({ grant_types: METADATA.grant_types, response_types: ['code'] }))
    await keywright(server.env)(`client update ${made.body.client_id} --grants authorization_code`)
    const updated = await configure('PUT', made, { client_id: made.body.client_id })
    expect([updated.status, updated.body.grant_types]).toEqual([200, ['authorization_code']])
  })

  test.each(['ES256', 'PS256', 'RS256', 'EdDSA'])('may have it signed by %s', async (alg) => {
    const own = await newClientKey(alg)
    const issuer = `https://${alg.toLowerCase()}.example.com`
    await trust({ issuer, jwks: jwkSet(own) })
    expect((await registerBy(await sign({ iss: issuer, exp: seconds() + 60, aud: server.issuer }, own))).status).toBe(
      201,
    )
  })

  test('registers with a token, within what the token permits, and the statement counts too', async () => {
    const token = await tokenWith({ scopes: ['delete'] })
    const statement = await sign()
    const made = await register(token, { ...METADATA, software_statement: statement })
    expect(made.body).toMatchObject({ ...STATED, software_statement: statement, scope: 'delete' })
    const untrusted = await register(token, {
      ...METADATA,
      software_statement: await sign({ iss: 'https://x.example' }),
    })
    expect([untrusted.status, untrusted.body.error]).toEqual([400, 'unapproved_software_statement'])
  })

  test('may have no grant type, and no scope, that the operator does not permit', async () => {
    for (const claims of [{ grant_types: ['client_credentials'] }, { scope: 'delete' }]) {
      const refused = await registerBy(await sign(claims))
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_client_metadata'])
    }
  })

  test('names URLs that the server calls in the statement only', async () => {
    const uri = keyServer.publish(documentOf(jwkSet(await newClientKey()))).uri
    const keyed = { token_endpoint_auth_method: 'private_key_jwt' }
    for (const urls of [{ ...keyed, jwks_uri: uri }, { backchannel_logout_uri: 'https://victim.example.com/' }]) {
      const refused = await registerBy(await sign(), { ...METADATA, ...urls })
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_client_metadata'])
      const made = await registerBy(await sign(urls))
      expect([made.status, made.body]).toMatchObject([201, urls])
      expect((await configure('PUT', made, { client_id: made.body.client_id, ...METADATA })).body).toMatchObject(urls)
    }
  })

  test('leads users to no page that its statement does not name', async () => {
    const links = {
      client_uri: 'https://thief.example.com/',
      policy_uri: 'https://thief.example.com/policy',
      tos_uri: 'https://thief.example.com/terms',
      post_logout_redirect_uris: ['https://thief.example.com/bye'],
    }
    const names = Object.keys(links)
    const given = { ...METADATA, ...links }
    const made = await registerBy(await sign(), given)
    const updated = await configure('PUT', made, { client_id: made.body.client_id, ...given })
    for (const { status, body } of [made, updated])
      expect([status < 300, names.filter((name) => name in body)]).toEqual([true, []])
    const stated = await registerBy(await sign(links))
    expect(stated.body).toMatchObject(links)
    expect((await configure('PUT', stated, { client_id: stated.body.client_id, ...METADATA })).body).toMatchObject(
      links,
    )
    expect((await register(await tokenWith(), { ...given, software_statement: await sign() })).body).toMatchObject(
      links,
    )
  })

  test('is unused after a week without authentication and users', async () => {
    const { body } = await registerBy(await sign())
    const row = await server.knex('clients').where({ client_id: body.client_id }).first('id')
    const own = { client_id: row.id }
    const { expires_at } = await server.knex('dynamic_registrations').where(own).first()
    expect(expires_at.getTime() - Date.now()).toBeGreaterThan(6.9 * 86_400_000)
    expect(expires_at.getTime() - Date.now()).toBeLessThan(7.1 * 86_400_000)
    const past = server.knex.raw(`now() - interval '1 second'`)
    await server.knex('dynamic_registrations').where(own).update({ expires_at: past })
    await deleteUnusedRegistrations(server.knex, 500)
    expect(await server.knex('clients').where({ ...row, status: 'active' })).toEqual([])
  })
})

describe('users are warned', () => {
  async function consentPageOf({ body }: Answer): Promise<string> {
    const person = await createTestUser(server.knex, account, 'admin')
    const request = {
      client_id: body.client_id,
      response_type: 'code',
      redirect_uri: CALLBACK,
      scope: 'read',
      code_challenge: createPkce().challenge,
      code_challenge_method: 'S256',
    }
    return (await (await signedIn(server, person)).visit(`/oauth2/authorize?${new URLSearchParams(request)}`)).text
  }

  test('of a client whose statement does not say where it is, and of no other', async () => {
    const warning = 'nobody has checked who runs it'
    expect(await consentPageOf(await registerBy(await sign({ redirect_uris: undefined })))).toContain(warning)
    expect(await consentPageOf(await registerBy(await sign()))).not.toContain(warning)
  })
})

describe('a software statement is refused', () => {
  let other: ClientKey
  beforeAll(async () => {
    other = await newClientKey('ES256', { kid: 'first' })
  })
  const encoded = (part: unknown) =>
    Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
  const resigned = async (payload: string) => {
    const [header, , signature] = (await sign()).split('.')
    return `${header}.${encoded(payload)}.${signature}`
  }
  const hmac = () =>
    new SignJWT({ iss: ISSUER }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(JSON.stringify(key.jwk)))

  test.each<[string, () => unknown]>([
    ['that is no text', () => 1],
    ['that is no JWT', () => 'e30.e30.'],
    ['without signature', () => new UnsecuredJWT({ iss: ISSUER }).encode()],
    ['by HMAC', hmac],
    ['by another key', () => sign({}, other)],
    ['by an unknown key', () => sign({}, key, { kid: 'second' })],
    ['that was changed', () => resigned(JSON.stringify({ iss: ISSUER, ...STATED }))],
    ['with a name twice', () => signText(`{"iss":"${ISSUER}","iss":"${ISSUER}"}`)],
    ['with an extension that must be understood', () => sign({}, key, { crit: ['x'], x: 1 })],
    ['of another type', () => sign({}, key, { typ: 'at+jwt' })],
    ['without issuer', () => sign({ iss: undefined })],
    ['that has expired', () => sign({ exp: seconds() - 3600 })],
    ['from the future', () => sign({ iat: seconds() + 3600 })],
    ['that is not valid yet', () => sign({ nbf: seconds() + 3600 })],
    ['whose time is a text', () => sign({ exp: 'tomorrow' as never })],
    ['for another audience, such as an ID token', () => sign({ aud: 'kwc_other' })],
    ['that is too long', () => sign({ x: 'x'.repeat(9000) })],
  ])('%s, and nothing is stored', async (_, statement) => {
    const before = await clients()
    const answer = await registerBy(await statement())
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_software_statement'])
    expect(await clients()).toBe(before)
  })

  test('of an issuer that is not trusted, or not any more, whatever the case of its name', async () => {
    for (const iss of ['https://other.example.com', `${ISSUER}/`, ISSUER.toUpperCase(), 'x\0']) {
      const answer = await registerBy(await sign({ iss }))
      expect([iss, answer.status, answer.body.error]).toEqual([iss, 400, 'unapproved_software_statement'])
    }
  })

  test('while dynamic registration is off, and while the account of the issuer is disabled', async () => {
    const issuer = 'https://disabled.example.com'
    const holder = await server.make.account()
    await trust({ issuer, jwks: jwkSet(key), account_id: holder })
    await server.knex('accounts').where({ id: holder }).update({ status: 'disabled' })
    const disabled = await registerBy(await sign({ iss: issuer }))
    expect([disabled.status, disabled.body.error]).toEqual([400, 'unapproved_software_statement'])
    await server.knex('instance_settings').update({ dynamic_registration: 'off' })
    expect((await registerBy(await sign())).status).toBe(404)
    await server.knex('instance_settings').update({ dynamic_registration: 'initial_access_token' })
  })
})

describe('keys at a URL', () => {
  const issuer = 'https://published.example.com'

  test('are read when they are needed, and an unknown key reads them again after the cooldown only', async () => {
    const [first, second] = [await newClientKey('ES256', { kid: 'a' }), await newClientKey('ES256', { kid: 'b' })]
    const published = keyServer.publish(documentOf(jwkSet(first)))
    await trust({ issuer, jwks_uri: published.uri })
    expect((await registerBy(await sign({ iss: issuer }, first))).status).toBe(201)
    expect((await registerBy(await sign({ iss: issuer }, first))).status).toBe(201)
    for (let n = 0; n < 5; n++) expect((await registerBy(await sign({ iss: issuer }, second))).status).toBe(400)
    expect(published.requests()).toBe(1)
  })

  test('that cannot be read let nobody register, and the operator sees why', async () => {
    const broken = 'https://broken.example.com'
    const id = await trust({ issuer: broken, jwks_uri: `${keyServer.origin}/nothing` })
    const answer = await registerBy(await sign({ iss: broken }))
    expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable'])
    expect(answer.text).not.toContain(keyServer.origin)
    const shown = await management.json('GET', `/software-statement-issuers/${id}`, undefined)
    expect(shown.body.failure).toContain('status 404')
  })
})

test('registrations of one issuer are limited, from one network or many', async () => {
  const issuer = 'https://busy.example.com'
  await trust({ issuer, jwks: jwkSet(key) })
  const statement = await sign({ iss: issuer })
  const statuses: number[] = []
  for (let n = 0; n < 20 && statuses.at(-1) !== 429; n++) statuses.push((await registerBy(statement)).status)
  expect(statuses.at(-1)).toBe(429)
  expect(statuses.filter((status) => status === 201).length).toBeLessThan(15)
  expect((await registerBy(await sign())).status).toBe(201)
})

test('an operator sees what an issuer registered, and removes the issuer; the clients stay', async () => {
  const issuer = 'https://removed.example.com'
  const cli = keywright(server.env)
  const published = keyServer.publish(documentOf(jwkSet(key)))
  const trusted = (await cli(
    `software-statement-issuer trust --account ${account} --issuer ${issuer} --jwks-uri ${published.uri} --api ${api.identifier}`,
  )) as Record<string, string>
  const made = await registerBy(await sign({ iss: issuer }))
  expect(made.status).toBe(201)
  const shown = await cli(`software-statement-issuer show ${trusted.issuer_id}`)
  expect(shown).toMatchObject({ registered: 1, applications: [{ client_id: made.body.client_id, status: 'active' }] })
  const { software_statement_issuers: listed } = (await cli('software-statement-issuer list')) as Record<
    string,
    object[]
  >
  expect(listed).toContainEqual(expect.objectContaining({ issuer, account_id: account }))

  await cli(`software-statement-issuer remove ${trusted.issuer_id}`)
  const refused = await registerBy(await sign({ iss: issuer }))
  expect([refused.status, refused.body.error]).toEqual([400, 'unapproved_software_statement'])
  expect((await configure('GET', made)).status).toBe(200)
  const events = await server
    .knex('audit_log')
    .whereLike('action', 'software_statement_issuer.%')
    .where({ target_id: trusted.issuer_id })
  expect(events.map(({ action }) => action).toSorted()).toEqual([
    'software_statement_issuer.removed',
    'software_statement_issuer.trusted',
  ])
})

test.each<[string, () => object]>([
  ['without keys', () => ({ issuer: 'https://wrong.example.com' })],
  [
    'with keys and their URL',
    () => ({ issuer: 'https://wrong.example.com', jwks: jwkSet(key), jwks_uri: 'https://x.example/' }),
  ],
  ['with a URL of keys without TLS', () => ({ issuer: 'https://wrong.example.com', jwks_uri: 'http://x.example/' })],
  [
    'with a private key',
    () => ({ issuer: 'https://wrong.example.com', jwks: '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}' }),
  ],
  ['that is no issuer', () => ({ issuer: 'directory', jwks: jwkSet(key) })],
  ['twice', () => ({ issuer: ISSUER, jwks: jwkSet(key) })],
  [
    'for the management API',
    () => ({ issuer: 'https://wrong.example.com', jwks: jwkSet(key), apis: ['urn:keywright:management'] }),
  ],
])('an issuer cannot be trusted %s', async (_, given) => {
  const answer = await management.json('POST', '/software-statement-issuers', { account_id: account, ...given() })
  expect(answer.status).toBe(400)
})

test('only operators see and trust issuers', async () => {
  const own = rawManagement(server.url, await managementToken(server, await managingApplication(server, account)))
  expect((await own.json('GET', '/software-statement-issuers', undefined)).status).toBe(403)
  const given = { account_id: account, issuer: 'https://own.example.com', jwks: jwkSet(key) }
  expect((await own.json('POST', '/software-statement-issuers', given)).status).toBe(403)
})
