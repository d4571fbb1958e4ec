import { z } from 'zod'
import { ACCESS_ATTRIBUTES, CLIENT_ATTRIBUTES } from '../clients/client-attributes.ts'
import { attributeSchemas } from './attribute-schemas.ts'
import { apiIdentifier, bounded, clientId, secret, timestamp } from './fields.ts'

// The fields that applications and key pairs share.

/** Every setting of a client. */
export const settings = attributeSchemas(CLIENT_ATTRIBUTES)

/** The APIs and scopes that a client may request. */
export const access = attributeSchemas(ACCESS_ATTRIBUTES)

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
  active_tokens: bounded,
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
