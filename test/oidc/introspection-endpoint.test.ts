import {
  createRemoteJWKSet,
  decodeProtectedHeader,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signJwt } from '../../src/keys/jwt.ts'
import { openKeyRings } from '../../src/keys/key-ring.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { updateApi } from '../../src/management/api-changes.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { SIGNING_ALGS } from '../../src/shared/algorithms.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Credentials, claimsOf, send } from '../support/requests.ts'

const ACTOR = { type: 'system' } as const
const SIGNED = { headers: { accept: 'application/token-introspection+jwt' } }

let server: Keywright
let api: Credentials & { identifier: string }
let otherApi: Credentials & { identifier: string }
let client: Credentials
let stranger: Credentials

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api()
  otherApi = await server.make.api()
  client = await server.make.client({}, [api.identifier, otherApi.identifier])
  stranger = await server.make.client({}, [api.identifier])
})

afterAll(() => server.stop())

const issue = async (form = {}, who = client): Promise<string> =>
  (await server.machineToken(who, form)).body.access_token

describe('a token is introspected', () => {
  test('by the API that it is for, with all its claims', async () => {
    const token = await issue({ scope: 'read' })
    const { status, body, headers } = await server.introspect(token, api)
    expect(status).toBe(200)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(body).toEqual({ active: true, token_type: 'Bearer', ...claimsOf(token) })
    expect(body).toMatchObject({ client_id: client.clientId, aud: api.identifier, scope: 'read', iss: server.issuer })
  })

  test('by the client that it was issued to, and by no other client', async () => {
    const token = await issue()
    expect((await server.introspect(token, client)).body.active).toBe(true)
    expect((await server.introspect(token, stranger)).body).toEqual({ active: false })
  })

  test('as inactive by another API, although the client may call both', async () => {
    const token = await issue({ audience: otherApi.identifier })
    expect((await server.introspect(token, otherApi)).body.active).toBe(true)
    expect((await server.introspect(token, api)).body).toEqual({ active: false })
  })

  test('by its client alone, if it is a refresh token, and as inactive after it was redeemed', async () => {
    const refreshing = await server.make.client({ clientCredentialsRefresh: true }, [api.identifier])
    const { refresh_token } = (await server.machineToken(refreshing)).body
    const seen = await server.introspect(refresh_token, refreshing)
    expect(seen.body).toMatchObject({ active: true, client_id: refreshing.clientId, scope: 'read write' })
    expect(seen.body.exp).toBeGreaterThan(Date.now() / 1000)
    for (const other of [api, client]) {
      expect((await server.introspect(refresh_token, other)).body).toEqual({ active: false })
    }
    const next = await server.token({ grant_type: 'refresh_token', refresh_token }, { basic: refreshing })
    expect((await server.introspect(refresh_token, refreshing)).body).toEqual({ active: false })
    expect((await server.introspect(next.body.refresh_token, refreshing)).body.active).toBe(true)
  })

  test('with the same result whatever the token_type_hint is (RFC 7662, section 2.1)', async () => {
    const token = await issue()
    for (const token_type_hint of ['access_token', 'refresh_token', 'nonsense']) {
      const form = { token, token_type_hint }
      const answer = await server.token(form, { path: '/oauth2/introspect', basic: api })
      expect([token_type_hint, answer.body.active]).toEqual([token_type_hint, true])
    }
  })

  test('by no caller that does not authenticate: no client, a public client, a wrong secret', async () => {
    const token = await issue()
    const grants = { grants: ['authorization_code'], redirectUris: ['https://app.example.com/'], isPublic: true }
    const open = await server.make.client(grants, [api.identifier])
    const forms: Record<string, string>[] = [
      { token },
      { token, client_id: open.clientId },
      { token, client_id: client.clientId },
    ]
    for (const form of forms) {
      const answer = await server.token(form, { path: '/oauth2/introspect' })
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
    }
    const wrong = { ...api, clientSecret: otherApi.clientSecret }
    expect((await server.introspect(token, wrong)).status).toBe(401)
  })
})

describe('anything but a valid token of this server is inactive, without other claims', () => {
  async function expectInactive(...tokens: string[]): Promise<void> {
    for (const token of tokens) {
      const { status, body } = await server.introspect(token, api)
      expect([token.slice(0, 200), status, body]).toEqual([token.slice(0, 200), 200, { active: false }])
    }
  }

  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const jwks = async (): Promise<JWK[]> => (await send(`${server.url}/oauth2/jwks`)).body.keys

  test('garbage', async () => {
    const { body } = await server.token({ token: '' }, { path: '/oauth2/introspect', basic: api })
    expect(body.error).toBe('invalid_request')
    await expectInactive('x', 'a.b.c', '..', 'none', 'jti:', 'kwr_x', 'x'.repeat(50_000), '\u{1f600}', '{}.{}.{}')
    await expectInactive(
      `${part([])}.${part([])}.`,
      `${part({ kid: null })}.e30.x`,
      `jti:${claimsOf(await issue()).jti}`,
    )
  })

  test('a valid token with any one character changed, added or removed', async () => {
    const token = await issue()
    const [header, payload, signature] = token.split('.') as [string, string, string]
    const swap = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
    await expectInactive(`${swap(header, 9)}.${payload}.${signature}`, `${header}.${swap(payload, 30)}.${signature}`)
    for (const at of [0, 40, signature.length - 1]) {
      await expectInactive(`${header}.${payload}.${swap(signature, at)}`)
    }
    await expectInactive(
      `${token}=`,
      `${token} `,
      ` ${token}`,
      `${token}.`,
      token.slice(0, -1),
      `${header}.${payload}.`,
    )
    expect((await server.introspect(token, api)).body.active).toBe(true)
  })

  test('other claims under the signature of a valid token', async () => {
    const [header, , signature] = (await issue()).split('.')
    const richer = { ...claimsOf(await issue()), scope: 'read write admin' }
    await expectInactive(`${header}.${part(richer)}.${signature}`)
  })

  test('the claims of a valid token signed by another key, with any key ID', async () => {
    const claims = claimsOf(await issue())
    const { privateKey } = await generateKeyPair('ES256')
    const [ours] = await jwks()
    for (const kid of [ours!.kid!, 'theirs']) {
      await expectInactive(
        await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid }).sign(privateKey),
      )
    }
  })

  test('the algorithm none, and HS256 keyed with our public key in any form', async () => {
    const token = await issue()
    const [ours] = await jwks()
    const header = { typ: 'at+jwt', kid: ours!.kid }
    for (const alg of ['none', 'None', 'NONE', ''])
      await expectInactive(`${part({ ...header, alg })}.${token.split('.')[1]}.`)
    const spki = await exportSPKI((await importJWK(ours!, 'ES256')) as Parameters<typeof exportSPKI>[0])
    const secrets = [spki, spki.trim(), JSON.stringify(ours), Buffer.from(ours!.x!, 'base64url')]
    for (const secret of secrets) {
      const protectedHeader = { ...header, alg: 'HS256' }
      await expectInactive(
        await new SignJWT(claimsOf(token))
          .setProtectedHeader(protectedHeader)
          .sign(new Uint8Array(Buffer.from(secret))),
      )
    }
  })

  test('a JWT of our key that the access-token store does not know: another type, jti, issuer, or time of expiry', async () => {
    const rings = await openKeyRings(server.instance.database, server.instance.encryptionKeys)
    const key = rings.ring.current('ES256')
    const claims = claimsOf(await issue())
    const now = Math.floor(Date.now() / 1000)
    for (const typ of ['at+jwt', 'JWT']) {
      expect((await server.introspect(await signJwt(key, typ, claims), api)).body.active).toBe(true)
    }
    await expectInactive(
      await signJwt(key, 'logout+jwt', claims),
      await signJwt(key, 'JWT', { ...claims, client_id: undefined }),
      await signJwt(key, 'token-introspection+jwt', claims),
      await signJwt(key, 'at+jwt', { ...claims, jti: '01890000-0000-7000-8000-000000000000' }),
      await signJwt(key, 'at+jwt', { ...claims, jti: 'no uuid' }),
      await signJwt(key, 'at+jwt', { ...claims, jti: undefined }),
      await signJwt(key, 'at+jwt', { ...claims, iss: 'https://elsewhere.example.com' }),
      await signJwt(key, 'at+jwt', { ...claims, exp: now - 60 }),
      await signJwt(key, 'at+jwt', { ...claims, exp: 'never' }),
      await signJwt(key, 'at+jwt', { ...claims, exp: 1e300 }),
      await signJwt(key, 'at+jwt', { ...claims, exp: now + 99_999 }),
    )
  })
})

test.each(SIGNING_ALGS)('a token signed with %s is verified by jose and active here', async (signingAlg) => {
  const signed = await server.make.api({ signingAlg })
  const user = await server.make.client({}, [signed.identifier])
  const token = await issue({}, user)
  const keys = createRemoteJWKSet(new URL(`${server.url}/oauth2/jwks`))
  const verified = await jwtVerify(token, keys, {
    algorithms: [signingAlg],
    audience: signed.identifier,
    typ: 'at+jwt',
  })
  expect(verified.protectedHeader.alg).toBe(signingAlg)
  expect((await server.introspect(token, signed)).body.active).toBe(true)
})

test('a token has the type that its API is set to; after a change, tokens of either type are active and can be revoked', async () => {
  const typed = await server.make.api({ tokenType: 'JWT' })
  const user = await server.make.client({}, [typed.identifier])
  const first = await issue({}, user)
  await updateApi(server.knex, typed.identifier, { tokenType: 'at+jwt' }, ACTOR)
  const second = await issue({}, user)
  expect([first, second].map((token) => decodeProtectedHeader(token).typ)).toEqual(['JWT', 'at+jwt'])
  for (const token of [first, second]) {
    expect((await server.introspect(token, typed)).body.active).toBe(true)
    await server.revoke(token, user)
    expect((await server.introspect(token, typed)).body.active).toBe(false)
  }
})

describe('a signed response (RFC 9701)', () => {
  const keys = () => createRemoteJWKSet(new URL(`${server.url}/oauth2/jwks`))

  async function verified(token: string, caller: Credentials) {
    const answer = await server.introspect(token, caller, SIGNED)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^application\/token-introspection\+jwt/)
    const options = { issuer: server.issuer, audience: caller.clientId, typ: 'token-introspection+jwt' }
    return { ...(await jwtVerify(answer.text, keys(), options)), text: answer.text }
  }

  test('is a JWT for the caller alone, and holds what the plain response holds', async () => {
    const token = await issue()
    const plain = (await server.introspect(token, api)).body
    const { payload } = await verified(token, api)
    expect(payload.token_introspection).toEqual(plain)
    expect(Object.keys(payload).sort()).toEqual(['aud', 'iat', 'iss', 'token_introspection'])
    expect((await verified(token, client)).payload.token_introspection).toEqual(plain)
  })

  test('is also sent for an inactive token, and is signed with the algorithm of the calling API', async () => {
    const rsa = await server.make.api({ signingAlg: 'PS256' })
    const { payload, protectedHeader } = await verified('garbage', rsa)
    expect(payload.token_introspection).toEqual({ active: false })
    expect(protectedHeader.alg).toBe('PS256')
  })

  test('is no access token, and an error is not signed', async () => {
    const { text } = await verified(await issue(), api)
    expect((await server.introspect(text, api)).body).toEqual({ active: false })
    const refused = await server.introspect(text, { ...api, clientSecret: 'x' }, SIGNED)
    expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client'])
  })
})

describe('a caller that may no longer act is refused, with any token, on every node', () => {
  const ENDINGS: [string, (caller: Credentials) => Promise<unknown>][] = [
    ['its secret was replaced', (caller) => rotateSecret(server.knex, caller.clientId, 0, ACTOR)],
    ['it was archived', (caller) => changeClientStatus(server.knex, caller.clientId, 'archived', ACTOR)],
    [
      'its account was disabled',
      () => changeAccountStatus(server.knex, server.firstStart.accountId, 'disabled', ACTOR),
    ],
  ]
  test.each(ENDINGS)('%s', async (_name, end) => {
    const env = { ...server.env, ISSUER: server.issuer }
    const second = await startKeywright({ databaseUrl: server.env.DATABASE_URL!, env })
    const caller = await server.make.client({}, [api.identifier])
    const token = await issue({}, caller)
    const nodes = [server, second]
    for (const node of nodes) expect((await node.introspect(token, caller)).body.active).toBe(true)
    await end(caller)
    for (const node of nodes) {
      for (const presented of [token, 'garbage']) {
        const { status, body } = await node.introspect(presented, caller)
        expect([status, body.error]).toEqual([401, 'invalid_client'])
      }
      expect((await node.introspect(token, api)).body).toEqual({ active: false })
    }
    await second.stop()
    await changeAccountStatus(server.knex, server.firstStart.accountId, 'active', ACTOR)
  })
})
