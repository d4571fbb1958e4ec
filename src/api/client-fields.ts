import { z } from 'zod'
import { ACCESS_ATTRIBUTES, CLIENT_ATTRIBUTES } from '../clients/client-attributes.ts'
import { STORED_SECRET_KINDS } from '../clients/client-secrets.ts'
import { REGISTRATION_SOURCES } from '../clients/dynamic-registrations.ts'
import { MAX_UNUSED_HOURS } from '../clients/unused-secrets.ts'
import type { ClientSecrets } from '../management/client-secrets-reading.ts'
import { toWire } from '../shared/wire-names.ts'
import { attributeSchemas, imageSummary } from './attribute-schemas.ts'
import { apiIdentifier, bounded, clientId, environment, secret, timestamp } from './fields.ts'

// The fields that applications and key pairs share.

/** Every setting of a client. */
export const settings = attributeSchemas(CLIENT_ATTRIBUTES)

/** What the setting FAPI 2.0 enabled. */
const fapiRequirements = z.array(z.object({ requirement: z.string(), reference: z.string() })).meta({
  description: 'What FAPI 2.0 requires of it, with the standard that describes each; empty: fapi2 is off',
  examples: [[{ requirement: 'Pushed authorization requests (PAR)', reference: 'RFC 9126' }]],
})

/** The same in responses, where a logo has no bytes. */
export const storedSettings = {
  ...settings,
  logo: imageSummary.nullable().meta({ description: CLIENT_ATTRIBUTES.logo.description }),
  fapi2_requirements: fapiRequirements,
}

/** The APIs and scopes that a client may request. */
export const access = attributeSchemas(ACCESS_ATTRIBUTES)

export const clientApi = z
  .object({ identifier: apiIdentifier, scopes: z.array(z.string()), is_narrowed: z.boolean() })
  .meta({ id: 'ClientApi' })

export const storedSecret = z
  .object({
    id: z.number().int().meta({ description: 'Identifies the secret in requests that revoke it' }),
    kind: z.enum(STORED_SECRET_KINDS).meta({
      description:
        'key: a public key, for private_key_jwt; certificate: a certificate, or the name of certificates, for TLS; trust: an issuer with conditions, for workload_identity',
    }),
    last_four: z.string(),
    certificate_subject: z.string().nullable().meta({
      description: 'Of a certificate: its subject, or the name that certificates must have; null: no certificate',
    }),
    trust: z
      .object({
        issuer: z.string(),
        audience: z.string().nullable(),
        conditions: z.array(z.object({ claim: z.string(), any_of: z.array(z.string()) })),
        single_use: z.boolean(),
        has_keys: z
          .boolean()
          .meta({ description: 'The keys of the issuer are part of the trust, and not read from it' }),
      })
      .nullable()
      .meta({ description: 'Of a trust: the issuer, and what its tokens must be; null: no trust' }),
    created_at: timestamp,
    retires_at: timestamp.nullable().meta({ description: 'When the secret stops working; null: it has no end' }),
    expires_at: timestamp.nullable().meta({ description: 'When the secret expires; it may stop working earlier' }),
    retire_unused_hours: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'The secret also stops working after so many hours without a use; null: it does not' }),
    is_current: z.boolean().meta({
      description:
        'Whether no newer secret of its kind replaced it; the public keys of one set do not replace each other',
    }),
    last_used_at: timestamp.nullable(),
    last_used_ip: z.string().nullable(),
    last_used_api: z.string().nullable(),
  })
  .meta({ id: 'StoredSecret', description: 'A client secret or API key without its value, which is shown only once' })

/** When the previous secret retires before its latest end. */
export const retireUnusedHours = z
  .number()
  .int()
  .min(1)
  .max(MAX_UNUSED_HOURS)
  .nullable()
  .meta({
    description: 'The previous secret also stops working after so many hours without a use; null: it does not',
    examples: [24],
  })

/** A point in time in a request. */
export const time = z.iso
  .datetime({ offset: true })
  .max(40)
  .transform((text) => new Date(text))

export const expiresAt = time
  .nullable()
  .optional()
  .meta({
    description: 'When the new secret expires; default: after the longest lifetime that the account and the APIs allow',
    examples: ['2099-12-31T00:00:00Z'],
  })

export const retirementPlan = z
  .strictObject({
    retire_unused_hours: retireUnusedHours,
    retires_at: time
      .optional()
      .meta({ description: 'The latest end; it can only become earlier', examples: ['2026-12-31T00:00:00Z'] }),
  })
  .meta({ id: 'SecretRetirement', examples: [{ retire_unused_hours: 24 }] })

export const toRetirement = (body: z.output<typeof retirementPlan>) => ({
  unusedHours: body.retire_unused_hours,
  latestAt: body.retires_at,
})

export const secretId = z.string().regex(/^\d{1,15}$/)

const secretCaller = z
  .object({
    ip: z.string(),
    api: z.string().nullable().meta({ description: 'The API that the caller got tokens for; null: no token' }),
    user_agent: z.string(),
    first_used_at: timestamp,
    last_used_at: timestamp.meta({ description: 'With a precision of five minutes' }),
  })
  .meta({ id: 'SecretCaller' })

export const clientSecrets = z
  .object({
    client_id: clientId,
    as_of: timestamp.meta({ description: 'When the callers were read; a use appears within seconds' }),
    items: z.array(
      z.object({
        ...storedSecret.shape,
        callers: z.array(secretCaller).meta({ description: 'The callers of the last 30 days, at most 50' }),
      }),
    ),
  })
  .meta({ id: 'ClientSecrets', description: 'The secrets that work, newest first' })

export const viewSecrets = ({ client, asOf, secrets }: ClientSecrets) => ({
  body: { client_id: client.clientId, as_of: asOf, items: toWire(secrets) },
  revision: client.revision,
})

export const recentCaller = z
  .object({ ip: z.string(), api: z.string().nullable(), last_used_at: timestamp })
  .meta({ id: 'RecentCaller' })

/** What tells the key pairs of a user apart. */
export const pairIdentity = {
  pair_name: z.string().nullable().meta({ description: 'Null: the default key pair of the user' }),
  environment: environment.nullable().meta({ description: 'The environment of a named key pair' }),
}

/** What a client that registered itself said of itself. */
const dynamicRegistration = z
  .object({
    source: z.enum(REGISTRATION_SOURCES),
    auth_method: z.string().meta({ description: 'token_endpoint_auth_method' }),
    software_id: z.string().nullable(),
    software_version: z.string().nullable(),
    software_statement_issuer: z
      .string()
      .nullable()
      .meta({ description: 'Who issued its software statement (RFC 7591, section 2.3); null: it has none' }),
  })
  .nullable()
  .meta({ description: 'How the application registered itself (RFC 7591); null: somebody else registered it' })

/** The APIs, secrets and recent use of a client. */
export const use = {
  apis: z.array(clientApi),
  secrets: z.array(storedSecret),
  active_tokens: bounded,
  callers: z.array(recentCaller).meta({ description: 'The callers of the last 24 hours, at most 20' }),
}

/** The same of an application. */
export const useOfApplication = { ...use, registration: dynamicRegistration }

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
