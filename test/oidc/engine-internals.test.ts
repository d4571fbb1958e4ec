/** The contract with oidc-provider: what src/oidc/engine-internals.ts uses beside its documented API. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { decodeProtectedHeader, type JWK } from 'jose'
import Provider from 'oidc-provider'
// @ts-expect-error no types
import ServerChallenge from 'oidc-provider/lib/helpers/challenge.js'
import { describe, expect, test } from 'vitest'
import * as internals from '../../src/oidc/engine-internals.ts'

const provider = new Provider('https://issuer.example', {
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
  },
})

/** The source of a function, as a short hash; undefined where there is no such function. */
function sourceHash(target: object, name: string): string | undefined {
  const method: unknown = (target as Record<string, unknown>)[name]
  if (typeof method !== 'function') return undefined
  return createHash('sha256').update(String(method)).digest('hex').slice(0, 12)
}

const { OIDCContext } = provider as unknown as { OIDCContext: { prototype: object } }

const { Schema } = provider.Client as unknown as { Schema: { prototype: object } }

/** Each method that is called or replaced, with the hash of the source that was reviewed. */
const METHODS: [name: string, target: object, method: string, reviewed: string][] = [
  ['helpers/grants.js', internals, 'validateDpop', 'ad8bd399c171'],
  ['helpers/grants.js', internals, 'checkDpopReplay', 'c2c4f632ae40'],
  ['helpers/re_render_errors.js', internals, 'AlreadyUsedError', '818b8b2ec518'],
  ['OIDCContext.prototype', OIDCContext.prototype, 'urlFor', '35570db5d03a'],
  ['Provider.prototype', Provider.prototype, 'registerResponseMode', '98b893d8ff86'],
  ['Client', provider.Client, 'find', 'f9e7ecd05f5f'],
  ['Client.prototype', provider.Client.prototype, 'compareClientSecret', '7a404f9c2599'],
  ['Client.prototype', provider.Client.prototype, 'responseTypeAllowed', '90e2a9145fd3'],
  ['Client.prototype', provider.Client.prototype, 'grantTypeAllowed', '44251c0bc00d'],
  ['Client.prototype', provider.Client.prototype, 'redirectUriAllowed', '4336b785844e'],
  ['Client.prototype', provider.Client.prototype, 'postLogoutRedirectUriAllowed', 'a0fca54e070e'],
  ['Client.prototype', provider.Client.prototype, 'backchannelLogout', 'c4d4f0126520'],
  ['Client.Schema.prototype', Schema.prototype, 'redirectUris', '0d2287d438dd'],
  ['Client.Schema.prototype', Schema.prototype, 'postLogoutRedirectUris', '63b9d5b82310'],
  ['AccessToken', provider.AccessToken, 'find', '7774e9bf19c4'],
  ['AccessToken.prototype', provider.AccessToken.prototype, 'save', 'ef4835828696'],
  ['ClientCredentials', provider.ClientCredentials, 'find', 'fd5cae182dcf'],
  ['ClientCredentials.prototype', provider.ClientCredentials.prototype, 'save', 'ef4835828696'],
  ['RefreshToken', provider.RefreshToken, 'find', '7774e9bf19c4'],
  ['Grant', provider.Grant, 'find', 'fd5cae182dcf'],
  ['AuthorizationCode', provider.AuthorizationCode, 'find', '7774e9bf19c4'],
  ['AuthorizationCode.prototype', provider.AuthorizationCode.prototype, 'consume', '2a8be012b55f'],
  ['DeviceCode.prototype', provider.DeviceCode.prototype, 'consume', '2a8be012b55f'],
  ['ServerChallenge.prototype', ServerChallenge.prototype, 'nextChallenge', 'e964e543ab68'],
  ['ServerChallenge.prototype', ServerChallenge.prototype, 'checkChallenge', '6ff605e67469'],
  ['ReplayDetection', provider.ReplayDetection, 'unique', '26f0872a55e3'],
  ['IdToken.prototype', provider.IdToken.prototype, 'issue', '296b8e90f083'],
  ['Session', provider.Session, 'get', 'eed32d535b29'],
  ['Session.prototype', provider.Session.prototype, 'persist', 'ef22bdac508c'],
  ['Session.prototype', provider.Session.prototype, 'save', 'f8ddf6a8fe26'],
]

const REVIEW =
  'oidc-provider changed this. Compare the new source with the former one, adapt src/oidc/engine-internals.ts, run test/oidc, and then write the new hash here.'

describe('oidc-provider', () => {
  test.each(METHODS.map(([name, target, method, reviewed]) => ({ name, target, method, reviewed })))(
    'has the reviewed method $method of $name',
    ({ name, target, method, reviewed }) => {
      expect(sourceHash(target, method), `${name}.${method}: ${REVIEW}`).toBe(reviewed)
    },
  )

  test('keeps the fields of a session in IN_PAYLOAD, which a subclass extends', () => {
    const { IN_PAYLOAD } = provider.Session as unknown as { IN_PAYLOAD: string[] }
    expect(IN_PAYLOAD, REVIEW).toEqual(expect.arrayContaining(['accountId', 'loginTs', 'state', 'authorizations']))
  })

  test('registers its response modes in the constructor, through the method that is overridden', () => {
    const registered: string[] = []
    class Observed extends Provider {
      override registerResponseMode(name: string, handler: Parameters<Provider['registerResponseMode']>[1]): void {
        registered.push(name)
        super.registerResponseMode(name, handler)
      }
    }
    new Observed('https://issuer.example')
    expect(registered, REVIEW).toEqual(expect.arrayContaining(['query', 'fragment']))
  })

  test('exposes the current request as Provider.ctx, and none outside of a request', () => {
    expect('ctx' in Provider, REVIEW).toBe(true)
    expect(internals.engineContext()).toBeUndefined()
  })

  test('shows the page for user codes again after the error for a used code', () => {
    const error = new internals.AlreadyUsedError('ABCD') as Error & { userCode?: string }
    expect([error.name, error.userCode], REVIEW).toEqual(['AlreadyUsedError', 'ABCD'])
  })

  test('is pinned to one version in package.json, so that an update is a change of its own', () => {
    const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(dependencies['oidc-provider']).toMatch(/^\d+\.\d+\.\d+$/)
  })
})

test('a method that an update removed is reported with its name, instead of being replaced in vain', () => {
  const updated = { Grant: {} } as unknown as Provider
  expect(() => internals.findGrantsBy(updated, async () => undefined)).toThrow(/oidc-provider has no method find/)
})

const SIGNED = { id_token_signed_response_alg: 'ES256', token_endpoint_auth_method: 'none' } as const

describe('an engine that another one replaced', () => {
  const engineWith = (kid: string) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const jwk = { ...(privateKey.export({ format: 'jwk' }) as JWK), kid, alg: 'ES256', use: 'sig' }
    return new Provider('https://issuer.example', {
      jwks: { keys: [jwk] },
      clients: [{ client_id: 'app', redirect_uris: [], response_types: [], grant_types: [], ...SIGNED }],
      enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    })
  }

  test('signs ID tokens with the present keys, because a key of its own may be revoked', async () => {
    const [earlier, present] = [engineWith('revoked'), engineWith('present')]
    internals.useKeysOf(earlier, present)
    const client = await earlier.Client.find('app')
    const token = new earlier.IdToken({ sub: 'user' }, { client: client!, ctx: {} } as never)
    expect(decodeProtectedHeader(await token.issue({ use: 'idtoken' })).kid).toBe('present')
  })
})
