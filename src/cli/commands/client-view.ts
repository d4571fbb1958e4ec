import type { Knex } from 'knex'
import { listClientApis } from '../../clients/client-apis.ts'
import { formatRateLimit } from '../../clients/client-rate-limits.ts'
import { listSecrets, type SecretSummary } from '../../clients/client-secrets.ts'
import type { Client } from '../../clients/clients.ts'

const onOff = (value: boolean): 'on' | 'off' => (value ? 'on' : 'off')

const viewSecret = (secret: SecretSummary) => ({
  id: secret.id,
  kind: secret.kind,
  last_four: secret.lastFour,
  created_at: secret.createdAt,
  retires_at: secret.retiresAt,
  last_used_at: secret.lastUsedAt,
  last_used_ip: secret.lastUsedIp,
  last_used_api: secret.lastUsedApi,
})

/** A client in the words of its options. */
export function viewClient(client: Client) {
  return {
    client_id: client.clientId,
    name: client.name,
    kind: client.kind,
    status: client.status,
    account_id: client.accountId,
    user_id: client.userId,
    grants: client.grants.join(' '),
    redirect_uris: client.redirectUris,
    post_logout_redirect_uris: client.postLogoutRedirectUris,
    backchannel_logout_uri: client.backchannelLogoutUri,
    public: client.isPublic,
    pkce: client.pkceRequired ? 'required' : 'optional',
    consent: client.consent,
    access_type: client.accessType,
    default_scopes: client.defaultScopes?.join(' ') ?? 'all',
    access_token_ttl: client.accessTokenTtl,
    refresh_token_ttl: client.refreshTokenTtl,
    refresh_token_max_age: client.refreshTokenMaxAge,
    refresh_token_rotation: onOff(client.refreshTokenRotation),
    refresh_tokens: client.refreshTokens,
    id_token_alg: client.idTokenAlg,
    policy: client.policy,
    rate_limit: client.rateLimit && formatRateLimit(client.rateLimit),
    query_credentials: onOff(client.queryCredentials),
    client_credentials_refresh: onOff(client.clientCredentialsRefresh),
    api_key_required: onOff(client.apiKeyRequired),
    created_at: client.createdAt,
  }
}

/** The client with its APIs and with what may be told of its secrets. */
export async function viewClientWhole(knex: Knex, client: Client) {
  // One after the other: `knex` may be a transaction, which has one connection.
  const apis = await listClientApis(knex, client.key)
  const secrets = await listSecrets(knex, client.key)
  return { ...viewClient(client), apis, secrets: secrets.map(viewSecret) }
}
