/**
 * The engine's own limit: plain oidc-provider with its in-memory adapter, the same algorithm and the same kind of
 * clients. Nothing it issues survives a restart, and nothing it issues can be revoked.
 */
import { generateKeyPairSync } from 'node:crypto'
import Provider, { type Configuration } from 'oidc-provider'

const port = Number(process.env.PORT)
const count = Number(process.env.CLIENTS)
const audience = 'https://api.bench.example'

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' }

const clients = Array.from({ length: count }, (_, n) => ({
  client_id: `client-${n}`,
  client_secret: `secret-${n}-0123456789012345678901234567890123456789`,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
}))

const configuration = {
  clients,
  jwks: { keys: [key] },
  scopes: [],
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  routes: { token: '/oauth2/token', jwks: '/oauth2/jwks', introspection: '/oauth2/introspect' },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      // Its introspection knows only opaque tokens, so those that are to be introspected are asked for without an API.
      defaultResource: () => (process.env.FORMAT === 'opaque' ? undefined : audience),
      getResourceServerInfo: () => ({
        scope: 'all',
        audience,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
} as unknown as Configuration

new Provider(`http://127.0.0.1:${port}`, configuration).listen(port, '127.0.0.1')
