/** Clients that publish their public keys at a URL (`jwks_uri`, RFC 7591, section 2). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { retireSecret } from '../../src/management/secret-retirement.ts'
import { assertionForm, type ClientKey, newClientKey, signAssertion } from '../support/client-assertions.ts'
import { ACTOR } from '../support/factory.ts'
import { documentOf, endCooldown, jwkSet, startKeyServer } from '../support/key-server.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'

let server: Keywright
let keyServer: Awaited<ReturnType<typeof startKeyServer>>
let api: { identifier: string; clientId: string; clientSecret: string }

beforeAll(async () => {
  keyServer = await startKeyServer()
  server = await startKeywright({ env: { OUTGOING_ALLOW: '127.0.0.1' } })
  api = await server.make.api()
})

afterAll(async () => {
  await server?.stop()
  keyServer.stop()
})

const register = (jwksUri: string) =>
  server.make.register({
    settings: { authMethod: 'private_key_jwt', jwksUri, policy: 'none' },
    apis: [api.identifier],
  })

async function request(clientId: string, by: ClientKey, claims = {}) {
  const assertion = await signAssertion(by, { clientId, audience: server.issuer, claims })
  return await server.token({ grant_type: 'client_credentials', ...assertionForm(assertion) })
}

const statusBy = async (clientId: string, by: ClientKey): Promise<number> => (await request(clientId, by)).status

const setOf = (clientKey: number) => server.knex('client_key_sets').where({ client_id: clientKey }).first()

const isActive = async (token: unknown): Promise<boolean> => {
  const { body } = await server.introspect(String(token), api)
  return body.active as boolean
}

describe('a client with a jwks_uri', () => {
  test('gets tokens by the keys that it publishes, with one fetch for many requests', async () => {
    const keys = [await newClientKey('ES256', { kid: 'a' }), await newClientKey('EdDSA', { kid: 'b' })]
    const site = keyServer.publish(documentOf(jwkSet(...keys)))
    const { clientId } = await register(site.uri)
    const answers = await Promise.all([...keys, ...keys, ...keys].map((key) => statusBy(clientId, key)))
    expect(answers).toEqual([200, 200, 200, 200, 200, 200])
    expect(site.requests()).toBe(1)
  })

  test('adds a new key when it is first used, and ends a key that is no longer listed with its tokens', async () => {
    const [first, second] = [await newClientKey('ES256', { kid: 'a' }), await newClientKey('ES256', { kid: 'b' })]
    const site = keyServer.publish(documentOf(jwkSet(first)))
    const { clientId, key } = await register(site.uri)
    const token = (await request(clientId, first)).body.access_token
    expect(await isActive(token)).toBe(true)
    site.respond(documentOf(jwkSet(second)))
    await endCooldown(server.knex, key)
    expect(await statusBy(clientId, second)).toBe(200)
    expect(await isActive(token)).toBe(false)
    expect(await statusBy(clientId, first)).toBe(401)
    const events = await server
      .knex('audit_log')
      .where({ action: 'client.keys_fetched', target_id: clientId })
      .orderBy('id')
    expect(events.map(({ detail }) => [detail.added.length, detail.retired.length])).toEqual([
      [1, 0],
      [1, 1],
    ])
  })

  test('is not fetched for again within the cooldown, whatever keys are claimed', async () => {
    const own = await newClientKey()
    const site = keyServer.publish(documentOf(jwkSet(own)))
    const { clientId } = await register(site.uri)
    expect(await statusBy(clientId, own)).toBe(200)
    const strangers = await Promise.all([
      newClientKey('ES256', { kid: 'x' }),
      newClientKey('RS256'),
      newClientKey('EdDSA'),
    ])
    for (const stranger of strangers) expect(await statusBy(clientId, stranger)).toBe(401)
    expect(site.requests()).toBe(1)
  })

  test('does not get a key back that was retired here while it stays listed', async () => {
    const keys = [await newClientKey(), await newClientKey(), await newClientKey()] as const
    const site = keyServer.publish(documentOf(jwkSet(keys[0], keys[1])))
    const { clientId, key } = await register(site.uri)
    expect(await statusBy(clientId, keys[0])).toBe(200)
    const { id } = await server
      .knex('client_secrets')
      .where({ client_id: key, hash: keys[0].parsed[0]!.thumbprint })
      .first()
    await retireSecret(server.knex, clientId, id, ACTOR)
    for (const listed of [[keys[0], keys[1], keys[2]], [keys[1]], [keys[0], keys[1]]]) {
      site.respond(documentOf(jwkSet(...listed)))
      await endCooldown(server.knex, key)
      expect(await statusBy(clientId, keys[0])).toBe(401)
      expect(await statusBy(clientId, keys[1])).toBe(200)
    }
  })

  test('gets a key back that was withdrawn and is listed again, but not the tokens of before', async () => {
    const keys = [await newClientKey(), await newClientKey()] as const
    const site = keyServer.publish(documentOf(jwkSet(...keys)))
    const { clientId, key } = await register(site.uri)
    const token = (await request(clientId, keys[0])).body.access_token
    site.respond(documentOf('{"keys":[]}'))
    await endCooldown(server.knex, key)
    expect(await statusBy(clientId, await newClientKey())).toBe(401)
    for (const one of keys) expect(await statusBy(clientId, one)).toBe(401)
    site.respond(documentOf(jwkSet(...keys)))
    await endCooldown(server.knex, key)
    expect(await statusBy(clientId, keys[0])).toBe(200)
    expect(await isActive(token)).toBe(false)
  })

  test('keeps its keys while its URL fails, and is refused with the reason once they are a day old', async () => {
    const own = await newClientKey()
    const site = keyServer.publish(documentOf(jwkSet(own)))
    const { clientId, key } = await register(site.uri)
    const token = (await request(clientId, own)).body.access_token
    site.respond((response) => response.writeHead(503).end())
    await endCooldown(server.knex, key)
    expect(await statusBy(clientId, await newClientKey())).toBe(401)
    expect((await setOf(key)).failure).toBe('the response is no usable JWK set')
    expect(await statusBy(clientId, own)).toBe(200)
    await server
      .knex('client_key_sets')
      .where({ client_id: key })
      .update({ fetched_at: server.knex.raw(`now() - interval '24 hours'`) })
    // A cached registration has the keys for as long as it knew.
    await server.knex('clients').where({ id: key }).increment('version', 1)
    expect(await statusBy(clientId, own)).toBe(401)
    await endCooldown(server.knex, key)
    expect(await statusBy(clientId, own)).toBe(401)
    expect(await isActive(token)).toBe(false)
    const reasons = () => server.knex('refusal_samples').where({ client_id: key }).pluck('reason')
    await expect.poll(reasons).toContain('keys_not_fetched')
    site.respond(documentOf(jwkSet(own)))
    await endCooldown(server.knex, key)
    expect(await statusBy(clientId, own)).toBe(200)
  })

  test('moves to another URL at once with all tokens, or by a rotation after the overlap', async () => {
    const [first, second, third] = [await newClientKey(), await newClientKey(), await newClientKey()]
    const { clientId, key } = await register(keyServer.publish(documentOf(jwkSet(first))).uri)
    const revocationEpoch = async () =>
      (await server.knex('clients').where({ id: key }).first()).revocation_epoch as number
    const token = (await request(clientId, first)).body.access_token
    const jwksUri = keyServer.publish(documentOf(jwkSet(second))).uri
    const before = await revocationEpoch()
    await updateClient(server.knex, clientId, { settings: { jwksUri } }, ACTOR)
    expect(await isActive(token)).toBe(false)
    // Authorization codes and refresh tokens end too.
    expect(await revocationEpoch()).toBe(before + 1)
    expect([await statusBy(clientId, first), await statusBy(clientId, second)]).toEqual([401, 200])
    const next = keyServer.publish(documentOf(jwkSet(third))).uri
    await rotateSecret(server.knex, clientId, 3600, ACTOR, { jwksUri: next })
    expect([await statusBy(clientId, second), await statusBy(clientId, third)]).toEqual([200, 200])
    await rotateSecret(server.knex, clientId, 0, ACTOR, { keys: first.parsed })
    for (const one of [second, third]) expect(await statusBy(clientId, one)).toBe(401)
    expect(await statusBy(clientId, first)).toBe(200)
    await expect(updateClient(server.knex, clientId, { settings: { jwksUri } }, ACTOR)).resolves.toBeDefined()
    expect([await statusBy(clientId, first), await statusBy(clientId, second)]).toEqual([401, 200])
    await expect(updateClient(server.knex, clientId, { settings: { jwksUri: null } }, ACTOR)).rejects.toThrow('rotate')
  })
})

describe('a jwks_uri that responds', () => {
  const big = JSON.stringify({ keys: [], padding: 'x'.repeat(100_000) })
  test.each<[string, Parameters<typeof keyServer.publish>[0]]>([
    ['with more than 64 KiB', documentOf(big)],
    [
      'without an end',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        const write = () => {
          if (response.destroyed) return
          response.write('x'.repeat(65_536), () => setImmediate(write))
        }
        write()
      },
    ],
    ['never', () => undefined],
    [
      'with a redirect to a private address',
      (response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    ],
    ['as HTML', documentOf('{"keys":[]}', { 'content-type': 'text/html' })],
    ['with a member twice', documentOf('{"keys":[],"keys":[]}')],
    ['with other JSON', documentOf('{"keys":{}}')],
    ['with no JSON', documentOf('keys')],
  ])('%s leaves no key, and says why', async (_name, respond) => {
    const own = await newClientKey()
    const { clientId, key } = await register(keyServer.publish(respond).uri)
    expect(await statusBy(clientId, own)).toBe(401)
    expect(await setOf(key)).toMatchObject({ failure: expect.any(String), fetched_at: null })
    expect(await server.knex('client_secrets').where({ client_id: key })).toEqual([])
  })

  test('at a private address, also behind a public name, is not called', async () => {
    const closed = await startKeywright()
    try {
      const own = await newClientKey()
      const site = keyServer.publish(documentOf(jwkSet(own)))
      const uris = [site.uri, site.uri.replace('127.0.0.1', 'localhost')]
      for (const jwksUri of uris) {
        const { clientId, key } = await closed.make.register({ settings: { authMethod: 'private_key_jwt', jwksUri } })
        const assertion = await signAssertion(own, { clientId, audience: closed.issuer })
        const { status } = await closed.token({ grant_type: 'client_credentials', ...assertionForm(assertion) })
        expect(status).toBe(401)
        const { failure } = await closed.knex('client_key_sets').where({ client_id: key }).first()
        expect(failure).toContain('is not at a public address')
      }
      expect(site.requests()).toBe(0)
    } finally {
      await closed.stop()
    }
  })
})

test('keys and their URL exclude each other, and only private_key_jwt has either', async () => {
  const { parsed } = await newClientKey()
  const jwksUri = 'https://app.example.com/jwks.json'
  const make = (settings: object, keys?: typeof parsed) => server.make.register({ settings, keys })
  await expect(make({ jwksUri })).rejects.toMatchObject({ fieldErrors: [{ field: 'jwksUri' }] })
  const method = { authMethod: 'private_key_jwt' }
  await expect(make({ ...method, jwksUri }, parsed)).rejects.toThrow('either')
  for (const wrong of [
    'http://app.example.com/jwks',
    'ftp://a.example/',
    'https://u:p@a.example/',
    'https://a.example/#f',
    'x',
  ]) {
    await expect(make({ ...method, jwksUri: wrong })).rejects.toMatchObject({ fieldErrors: [{ field: 'jwksUri' }] })
  }
})
