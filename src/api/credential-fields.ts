import { z } from 'zod'
import { AUTH_METHODS } from '../clients/authentication-attributes.ts'
import { MAX_KEY_SET_LENGTH } from '../clients/client-keys.ts'
import type { TrustChange } from '../clients/trust-changes.ts'
import { MAX_AUDIENCE_LENGTH, MAX_CONDITIONS, MAX_PATTERNS, type TrustInput } from '../clients/workload-trusts.ts'
import { MAX_PATTERN_LENGTH } from '../shared/claim-patterns.ts'
import { MAX_NAME_LENGTH } from '../shared/distinguished-names.ts'
import { LONGEST_ISSUER } from '../shared/issuer-identifiers.ts'
import { type Domain, toDomain } from '../shared/wire-names.ts'
import { secret, timestamp } from './fields.ts'

/** That of RFC 8037, appendix A.2. */
export const EXAMPLE_KEY = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }

/** Public keys; the domain takes their text. */
export const jwks = z
  .union([
    z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(10) }),
    z.string().max(MAX_KEY_SET_LENGTH),
  ])
  .transform((given) => (typeof given === 'string' ? given : JSON.stringify(given)))
  .optional()
  .meta({
    description:
      'The public keys of an application with auth_method private_key_jwt: a JWK set (RFC 7517), or a text with PEM blocks, which are public keys or certificates; or a JWK set with certificates (x5c) for self_signed_tls_client_auth',
  })

/** In a rotation. */
export const newAuthMethod = z.enum(AUTH_METHODS).optional().meta({
  description:
    'How the application authenticates from now on, with the credentials that this needs; default: as before. The earlier credentials end after the overlap, certificates at once',
})

/** In a rotation; a new application has it among its settings. */
export const jwksUri = z
  .string()
  .max(2000)
  .optional()
  .meta({
    description:
      'Where the application publishes its public keys from now on, instead of jwks; without both, an application with jwks_uri keeps it, and its keys are fetched anew',
    examples: ['https://app.example.com/jwks.json'],
  })

export const jwksOfApi = jwks.meta({
  description:
    'Public keys with which the API authenticates for introspection in place of a client secret (private_key_jwt): a JWK set (RFC 7517), or a text with PEM blocks, which are public keys or certificates',
})

export const jwksUriOfApi = jwksUri.meta({
  description: 'Where the API publishes these public keys, instead of jwks',
  examples: ['https://api.example.com/jwks.json'],
})

export const secretOfApi = secret.optional().meta({
  ...secret.meta(),
  description: 'Shown only in this response; absent if the API authenticates by its private key',
})

export const keyFetch = z
  .object({
    fetched_at: timestamp.nullable().meta({ description: 'When the last successful fetch began' }),
    failed_at: timestamp.nullable().meta({ description: 'When the last fetch failed; null: it did not' }),
    failure: z.string().nullable().meta({ description: 'Why it failed' }),
    cools_until: timestamp
      .nullable()
      .meta({ description: 'Until when no fetch is made, over all nodes; null: one can be made now' }),
  })
  .nullable()
  .meta({
    id: 'KeyFetch',
    description: 'The last fetch of the public keys from jwks_uri; null: the application has no jwks_uri',
  })

const condition = z.strictObject({
  claim: z.string().min(1).max(200),
  any_of: z.array(z.string().min(1).max(MAX_PATTERN_LENGTH)).min(1).max(MAX_PATTERNS),
})

/** An issuer, and which of its tokens are accepted. */
export const trust = z
  .strictObject({
    issuer: z.string().min(1).max(LONGEST_ISSUER).meta({ description: 'As in the claim iss, compared exactly' }),
    audience: z
      .string()
      .max(MAX_AUDIENCE_LENGTH)
      .nullable()
      .optional()
      .meta({ description: 'The claim aud, alone; default: the issuer identifier of this server' }),
    conditions: z
      .array(condition)
      .min(1)
      .max(MAX_CONDITIONS)
      .meta({ description: 'All must be met, each by one of its patterns, in which * stands for any text' }),
    single_use: z.boolean().optional().meta({ description: 'Whether each token is accepted once (jti)' }),
    jwks: z
      .union([
        z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(50) }),
        z.string().max(MAX_KEY_SET_LENGTH),
      ])
      .transform((given) => (typeof given === 'string' ? given : JSON.stringify(given)))
      .optional()
      .meta({ description: 'The public keys of an issuer that this server cannot reach' }),
  })
  .meta({
    id: 'Trust',
    examples: [
      {
        issuer: 'https://token.actions.githubusercontent.com',
        conditions: [{ claim: 'repository', any_of: ['octo-org/app'] }],
      },
    ],
  })

/** What changes of a trust. */
export const trustChange = z
  .strictObject({
    audience: trust.shape.audience,
    conditions: trust.shape.conditions.optional(),
    single_use: trust.shape.single_use,
    jwks: trust.shape.jwks.unwrap().nullable().optional().meta({
      description: 'The public keys of an issuer that this server cannot reach; null: they are read from the issuer',
    }),
  })
  .meta({ id: 'TrustChange', examples: [{ conditions: [{ claim: 'repository', any_of: ['octo-org/app'] }] }] })

export const toTrustChange = ({ single_use, conditions, ...rest }: z.output<typeof trustChange>): TrustChange => ({
  ...rest,
  singleUse: single_use,
  conditions: conditions?.map(({ claim, any_of }) => ({ claim, anyOf: any_of })),
})

export const toTrust = ({ single_use, conditions, ...rest }: z.output<typeof trust>): TrustInput => ({
  ...rest,
  singleUse: single_use,
  conditions: conditions.map(({ claim, any_of }) => ({ claim, anyOf: any_of })),
})

const tlsName = (description: string, example: string) =>
  z
    .string()
    .min(1)
    .max(MAX_NAME_LENGTH)
    .optional()
    .meta({ description, examples: [example] })

const ONE_NAME = 'tls_client_auth needs one of the names that begin with tls_client_auth'

/** What an application without a client secret is registered with: public keys, or for TLS (RFC 8705, section 2) certificates or their name. */
export const credentialFields = {
  trust: trust.optional().meta({
    description: 'For auth_method workload_identity: an issuer, and which of its tokens prove the application',
  }),
  jwks,
  certificates: z.string().min(1).max(MAX_KEY_SET_LENGTH).optional().meta({
    description: 'Certificates in PEM, for auth_method self_signed_tls_client_auth',
  }),
  tls_client_auth_subject_dn: tlsName(
    `The subject of the certificates (RFC 4514), compared exactly; ${ONE_NAME}`,
    'CN=client,O=Example,C=DE',
  ),
  tls_client_auth_san_dns: tlsName('A DNS name of the certificates', 'client.example.com'),
  tls_client_auth_san_uri: tlsName('A URI of the certificates', 'spiffe://example.com/client'),
  tls_client_auth_san_ip: tlsName('An IP address of the certificates', '192.0.2.7'),
  tls_client_auth_san_email: tlsName('An email address of the certificates', 'client@example.com'),
}

type Credentials = { [Name in Exclude<keyof typeof credentialFields, 'trust'>]?: string | undefined }

/** The credentials in a request body. */
export function toCredentials({
  trust: given,
  ...body
}: Credentials & { trust?: z.output<typeof trust> | undefined }): Domain<Credentials> & { trust?: TrustInput } {
  const names = Object.keys(credentialFields).filter((name) => name !== 'trust') as (keyof Credentials)[]
  const credentials = toDomain(Object.fromEntries(names.map((name) => [name, body[name]])) as Credentials)
  return { ...credentials, ...(given && { trust: toTrust(given) }) }
}
