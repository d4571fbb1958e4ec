import { z } from 'zod'
import { apiIdentifier, bounded, clientId, moment, name, secret } from './fields.ts'

// What applications and key pairs have in common.

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
  .meta({ description: 'N/s, N/min or N/h; null: none', examples: ['10/s'] })

export const accessType = z.enum(['user', 'client', 'both']).meta({ description: 'For whom it may act' })

const GRANT_EXAMPLES = [['authorization_code', 'refresh_token']]

/** Every setting of a client but those that operators alone see. */
export const settings = {
  name,
  grants: z.array(z.string().max(200)).max(20).meta({
    description: 'authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code',
    examples: GRANT_EXAMPLES,
  }),
  redirect_uris: uris('Where people are sent back to; exactly as the request says it'),
  post_logout_redirect_uris: uris('Where people may be sent after they signed out'),
  backchannel_logout_uri: z.string().max(10_000).nullable().meta({ description: 'Told when a person signs out' }),
  is_public: z.boolean().meta({ description: 'It can keep no secret, as a program on a desk or phone' }),
  pkce_required: z.boolean().meta({ description: 'Always so for public ones (RFC 7636)' }),
  consent: z
    .enum(['show', 'skip', 'skip_own_account'])
    .meta({ description: 'Who sees the allow/deny page; skip is for operators to say' }),
  default_scopes: scopes.nullable().meta({ description: 'What a request without scope gets; null: all it has' }),
  access_token_ttl: lifetime("In seconds; null: the API's"),
  refresh_token_ttl: lifetime('In seconds, anew with each rotation; null: 30 days'),
  refresh_token_max_age: lifetime('In seconds since the sign-in; null: no absolute end'),
  refresh_token_rotation: z.boolean(),
  refresh_tokens: z.enum(['always', 'offline_access']),
  id_token_alg: z.enum(['RS256', 'ES256']),
  policy: z
    .enum(['none', 'single'])
    .nullable()
    .meta({ description: "What a new token does to the one before; null: the API's" }),
  query_credentials: z.boolean().meta({ description: 'Credentials may come in the query, where logs keep them' }),
  client_credentials_refresh: z.boolean().meta({ description: 'client_credentials yields a refresh token too' }),
  api_key_required: z.boolean().meta({ description: 'Each request carries an x-api-key as well' }),
}

/** What its caller says of the APIs that it may call. */
export const reach = {
  apis: z.array(apiIdentifier).max(100).meta({ description: 'The APIs it may call, its default first' }),
  scopes: scopes
    .nullable()
    .meta({ description: 'What it may ask of them; null: everything, also what they gain later' }),
}

export const clientApi = z
  .object({ identifier: apiIdentifier, scopes: z.array(z.string()), is_narrowed: z.boolean() })
  .meta({ id: 'ClientApi' })

export const storedSecret = z
  .object({
    id: z.number().int().meta({ description: 'Names it where it is retired' }),
    kind: z.enum(['secret', 'api_key']),
    last_four: z.string(),
    created_at: moment,
    retires_at: moment.nullable().meta({ description: 'When it ends, if it is being replaced' }),
    last_used_at: moment.nullable(),
    last_used_ip: z.string().nullable(),
    last_used_api: z.string().nullable(),
  })
  .meta({ id: 'StoredSecret', description: 'What may be told of a secret after it was shown once' })

export const recentCaller = z
  .object({ ip: z.string(), api: z.string().nullable(), last_used_at: moment })
  .meta({ id: 'RecentCaller' })

/** What is known of a client's use. */
export const use = {
  apis: z.array(clientApi),
  secrets: z.array(storedSecret),
  live_tokens: bounded,
  callers: z.array(recentCaller).meta({ description: 'Who called in the last day, at most twenty' }),
}

/** Shown once. */
export const newCredentials = {
  client_id: clientId,
  client_secret: secret
    .optional()
    .meta({ description: 'Shown in this answer and never again; public clients have none' }),
  api_key: z
    .string()
    .optional()
    .meta({ description: 'Shown in this answer and never again, where the client needs one' }),
}

/** A replacement's mercy. */
export const overlap = z
  .number()
  .int()
  .min(0)
  .default(0)
  .meta({ description: 'For how many seconds the former secret still works; 0: it is dead at once', examples: [3600] })
