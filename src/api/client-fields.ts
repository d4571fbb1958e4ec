import { z } from 'zod'
import { AUTHORIZATION_CODE_GRANT, GRANTS, REFRESH_TOKEN_GRANT } from '../clients/grant-types.ts'
import { apiIdentifier, bounded, clientId, name, secret, timestamp } from './fields.ts'

// The fields that applications and key pairs share.

const scopes = z.array(z.string().max(1000)).max(1000)

const uris = (description: string) =>
  z
    .array(z.string().max(10_000))
    .max(100)
    .meta({ description, examples: [['https://app.example.com/callback']] })

const lifetime = (description: string) =>
  z
    .number()
    .int()
    .nullable()
    .meta({ description, examples: [3600] })

export const rateLimit = z
  .string()
  .max(40)
  .nullable()
  .meta({ description: 'Requests per second, minute or hour: N/s, N/min or N/h; null: no limit', examples: ['10/s'] })

export const accessType = z
  .enum(['user', 'client', 'both'])
  .meta({ description: 'Whether the application may act for users, for itself, or both' })

const GRANT_EXAMPLES = [[AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT]]

/** Every setting of a client, except those that only operators see. */
export const settings = {
  name,
  grants: z
    .array(z.string().max(200))
    .max(20)
    .meta({
      description: GRANTS.join(', '),
      examples: GRANT_EXAMPLES,
    }),
  redirect_uris: uris('Redirect URIs; an authorization request must match one exactly'),
  post_logout_redirect_uris: uris('Redirect URIs after sign-out'),
  backchannel_logout_uri: z
    .string()
    .max(10_000)
    .nullable()
    .meta({ description: 'Receives a logout token when a user signs out (OpenID Connect Back-Channel Logout)' }),
  is_public: z
    .boolean()
    .meta({ description: 'A public client, such as a desktop or mobile app, has no client secret' }),
  pkce_required: z.boolean().meta({ description: 'Require PKCE (RFC 7636); always true for public clients' }),
  consent: z
    .enum(['show', 'skip', 'skip_own_account'])
    .meta({ description: 'Which users see the allow/deny page; only operators may set skip' }),
  default_scopes: scopes
    .nullable()
    .meta({ description: 'The scopes of a request that names none; null: every scope of the application' }),
  access_token_ttl: lifetime('In seconds; null: the lifetime of the API'),
  refresh_token_ttl: lifetime('In seconds, from the last rotation; null: 30 days'),
  refresh_token_max_age: lifetime('In seconds, from the sign-in; null: no maximum age'),
  refresh_token_rotation: z.boolean(),
  refresh_tokens: z.enum(['always', 'offline_access']),
  id_token_alg: z.enum(['RS256', 'ES256']),
  policy: z
    .enum(['none', 'single'])
    .nullable()
    .meta({ description: 'single: a new token revokes the earlier one; null: the policy of the API' }),
  query_credentials: z
    .boolean()
    .meta({ description: 'Accept client credentials in the query string, where logs may record them' }),
  client_credentials_refresh: z.boolean().meta({ description: 'Issue a refresh token for client_credentials' }),
  api_key_required: z.boolean().meta({ description: 'Require an API key in the x-api-key header' }),
}

/** The APIs and scopes that a client may request. */
export const access = {
  apis: z
    .array(apiIdentifier)
    .max(100)
    .meta({ description: 'The APIs that the application may call; the first is its default' }),
  scopes: scopes.nullable().meta({
    description: 'The scopes that the application may request; null: every scope of its APIs, including later ones',
  }),
}

export const clientApi = z
  .object({ identifier: apiIdentifier, scopes: z.array(z.string()), is_narrowed: z.boolean() })
  .meta({ id: 'ClientApi' })

export const storedSecret = z
  .object({
    id: z.number().int().meta({ description: 'Identifies the secret in requests that revoke it' }),
    kind: z.enum(['secret', 'api_key']),
    last_four: z.string(),
    created_at: timestamp,
    retires_at: timestamp.nullable().meta({ description: 'When the secret stops working; null: not rotated' }),
    last_used_at: timestamp.nullable(),
    last_used_ip: z.string().nullable(),
    last_used_api: z.string().nullable(),
  })
  .meta({ id: 'StoredSecret', description: 'A client secret or API key without its value, which is shown only once' })

export const recentCaller = z
  .object({ ip: z.string(), api: z.string().nullable(), last_used_at: timestamp })
  .meta({ id: 'RecentCaller' })

/** The APIs, secrets and recent use of a client. */
export const use = {
  apis: z.array(clientApi),
  secrets: z.array(storedSecret),
  live_tokens: bounded,
  callers: z.array(recentCaller).meta({ description: 'The callers of the last 24 hours, at most 20' }),
}

/** The credentials that only the creating response shows. */
export const newCredentials = {
  client_id: clientId,
  client_secret: secret.optional().meta({ description: 'Shown only in this response; absent for public clients' }),
  api_key: z
    .string()
    .optional()
    .meta({ description: 'Shown only in this response; absent when the client needs no API key' }),
}

/** The time in which the previous secret still works. */
export const overlap = z
  .number()
  .int()
  .min(0)
  .default(0)
  .meta({
    description: 'Seconds for which the previous secret still works; 0: it stops working at once',
    examples: [3600],
  })
