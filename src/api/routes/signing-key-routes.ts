import { z } from 'zod'
import type { SigningKeyImpact } from '../../management/signing-key-impact.ts'
import { listSigningKeys, revokeSigningKey, rotateSigningKeys } from '../../management/signing-key-operations.ts'
import { toWire } from '../../shared/wire-names.ts'
import { bounded, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Signing keys'

const signingKey = z
  .object({
    kid: z.string(),
    alg: z.enum(['ES256', 'RS256', 'PS256', 'EdDSA']),
    state: z.enum(['next', 'current', 'previous', 'revoked']),
    created_at: timestamp,
    signs_from: timestamp
      .nullable()
      .meta({ description: 'When the key started or starts to sign; null: not scheduled' }),
    revoked_at: timestamp
      .nullable()
      .meta({ description: 'When the key was revoked; null: it is published and not revoked' }),
  })
  .meta({ id: 'SigningKey' })

const revokedKey = signingKey
  .extend({
    state: z.literal('revoked'),
    revoked_at: timestamp,
    successor: z
      .string()
      .nullable()
      .meta({ description: 'ID of the key that signs instead; null: the revoked key was not the current one' }),
    pending_nodes: z.number().int().nullable().meta({
      description:
        'Nodes that did not confirm in time that they no longer publish the key; 0: every node did; null: not known. With an Idempotency-Key, the response does not wait for the nodes',
    }),
  })
  .meta({ id: 'RevokedSigningKey' })

const impact = z
  .object({
    dry_run: z.literal(true),
    ...signingKey.pick({ kid: true, alg: true, created_at: true }).shape,
    state: z.enum(['next', 'current', 'previous']),
    access_tokens: bounded.nullable().meta({
      description: 'Valid access tokens that would be revoked; null: too many to count in time',
    }),
    successor: z
      .object({
        kid: z.string().nullable().meta({ description: 'Null: a new key' }),
        is_recent: z.boolean().meta({
          description:
            'It was published less than a minute ago: resource servers that cache the key set may refuse its tokens until they fetch the key set again',
        }),
      })
      .nullable()
      .meta({ description: 'The key that would sign instead; null: the key is not the current one' }),
    apis: z
      .array(
        z.object({
          identifier: z.string(),
          access_tokens: bounded,
          last_expires_at: timestamp.meta({ description: 'When the last of the counted tokens expires' }),
          followers: z
            .array(
              z.object({ way: z.enum(['introspection', 'feed', 'list']), ip: z.string(), last_seen_at: timestamp }),
            )
            .meta({ description: 'Who follows revocations, the latest first' }),
        }),
      )
      .nullable()
      .meta({ description: 'The APIs that accept these tokens; null: too many tokens to count in time' }),
  })
  .meta({ id: 'SigningKeyDryRun', description: 'What the revocation would affect. Nothing was changed' })

const signingKeys = z.object({ items: z.array(signingKey) })

const viewImpact = ({ tokens, apis, ...key }: SigningKeyImpact) => ({
  dry_run: true,
  ...toWire({
    ...{ ...key, accessTokens: tokens },
    apis: apis?.map(({ tokens: accessTokens, ...api }) => ({ ...api, accessTokens })) ?? null,
  }),
})

export const SIGNING_KEY_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/signing-keys',
    operation: listSigningKeys,
    id: 'listSigningKeys',
    tag: TAG,
    summary: 'List the signing keys',
    description: 'Revoked keys are listed until every token that they signed has expired.',
    responses: { 200: signingKeys },
    handle: async ({ management, who }) => ({ body: { items: toWire(await listSigningKeys(management, who, {})) } }),
  }),
  route({
    method: 'post',
    path: '/signing-keys/rotate',
    operation: rotateSigningKeys,
    id: 'rotateSigningKeys',
    tag: TAG,
    summary: 'Rotate the signing keys',
    description:
      'The next key starts to sign once it has been published for a minute. Repeating the request before then changes nothing.',
    responses: { 200: signingKeys },
    handle: async ({ management, who }) => ({
      body: { items: toWire((await rotateSigningKeys(management, who, {})).keys) },
    }),
  }),
  route({
    method: 'post',
    path: '/signing-keys/{kid}/revoke',
    operation: revokeSigningKey,
    id: 'revokeSigningKey',
    tag: TAG,
    summary: 'Revoke a signing key',
    description:
      'The key leaves the key set, and every access token that it signed is inactive at once, on every node. If the key is current, the next key starts to sign.',
    params: z.object({ kid: z.string().max(100) }),
    responses: { 200: revokedKey },
    handle: async ({ management, who, params }) => ({ body: toWire(await revokeSigningKey(management, who, params)) }),
    dryRun: async ({ management, who, params }) => viewImpact(await revokeSigningKey.dryRun(management, who, params)),
    dryRunResponse: impact,
  }),
]
