import { formatRateLimit } from '../../clients/client-rate-limits.ts'
import type { Client } from '../../clients/clients.ts'
import { readClient } from '../../management/client-operations.ts'
import type { ClientApiView, SecretView } from '../../management/client-parts.ts'
import type { CommandContext } from '../run.ts'

const onOff = (value: boolean): 'on' | 'off' => (value ? 'on' : 'off')

const timeOf = (text: string | null): Date | null => (text === null ? null : new Date(text))

const viewApi = ({ identifier, scopes }: ClientApiView) => ({ identifier, scopes })

const viewSecret = (secret: SecretView) => ({
  id: secret.id,
  kind: secret.kind,
  last_four: secret.lastFour,
  created_at: timeOf(secret.createdAt),
  retires_at: timeOf(secret.retiresAt),
  last_used_at: timeOf(secret.lastUsedAt),
  last_used_ip: secret.lastUsedIp,
  last_used_api: secret.lastUsedApi,
})

/** A client with its settings named after the options. */
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

/** Reads a client and returns it with its APIs and what may be shown of its secrets. */
export async function readClientView({ management, principal }: CommandContext, clientId: string) {
  const { client, apis, secrets } = await readClient(management, principal, { clientId })
  return { ...viewClient(client), apis: apis.map(viewApi), secrets: secrets.map(viewSecret) }
}
