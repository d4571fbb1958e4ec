import { z } from 'zod'
import { API_ATTRIBUTES } from '../../apis/api-attributes.ts'
import {
  type GeneratedKeyPair,
  generateKeyPair,
  type KeyPairOfUser,
  type KeyPairSummary,
  listKeyPairs,
  readKeyPair,
} from '../../management/key-pair-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { attributeSchemas } from '../attribute-schemas.ts'
import { clientApi, expiresAt, newCredentials, pairIdentity, use } from '../client-fields.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { apiIdentifier, clientId, environment, id, idText, revision, revoked, secret, timestamp } from '../fields.ts'
import { type ApiRoute, type Call, route } from '../route.ts'

const TAG = 'Key pairs'

const { key_pairs } = attributeSchemas({ keyPairs: API_ATTRIBUTES.keyPairs })

const keyPair = z
  .object({
    user: z.object({ id: idText, email: z.string(), name: z.string().nullable() }),
    pair: z
      .object({
        client_id: clientId,
        status: z.enum(['active', 'archived', 'replaced', 'deleting']),
        created_at: timestamp,
        revision,
        ...use,
      })
      .nullable()
      .meta({ description: 'Null until the user generates a key pair' }),
    choosable_apis: z.array(
      z.object({ identifier: apiIdentifier, scopes: z.array(z.string()), is_default: z.boolean(), key_pairs }),
    ),
    api_enabled: z.boolean(),
  })
  .meta({ id: 'KeyPair' })

const generation = z
  .strictObject({
    apis: z.array(apiIdentifier).max(100).optional().meta({
      description:
        'The APIs that the key pair may call; the first is its default. Default: the APIs of the previous pair, or the default API',
    }),
    replaces: clientId.nullable().optional().meta({
      description:
        'The client id of the pair to replace, null for none; the response is 412 when the user has another pair',
    }),
    secret_expires_at: expiresAt,
  })
  .meta({ id: 'KeyPairGeneration', examples: [{}] })

const namedGeneration = z
  .strictObject({
    ...generation.shape,
    pair_name: z
      .string()
      .max(200)
      .meta({
        description: 'At most 60 characters; compared without regard to case',
        examples: ['Night job'],
      }),
    environment: environment.nullable().optional().meta({
      description:
        'Required for a new name if its APIs have environments; default: that of the previous pair of this name. It cannot be changed',
    }),
  })
  .meta({ id: 'NamedKeyPairGeneration', examples: [{ pair_name: 'Night job' }] })

const summary = z
  .object({
    client_id: clientId,
    ...pairIdentity,
    status: z.enum(['active', 'archived', 'replaced', 'deleting']).meta({ description: 'archived: it was stopped' }),
    created_at: timestamp,
    last_used_at: timestamp.nullable(),
    last_four: z.string().nullable().meta({ description: 'The last four characters of the client secret' }),
    apis: z.array(clientApi),
  })
  .meta({ id: 'KeyPairSummary' })

const summaries = z.object({ items: z.array(summary) }).meta({ id: 'KeyPairList' })

const viewList = (pairs: readonly KeyPairSummary[]) => ({
  body: {
    items: pairs.map(({ client, ...parts }) => {
      const { clientId: of, pairName, environment: env, status, createdAt } = client
      return toWire({ clientId: of, pairName, environment: env, status, createdAt, ...parts })
    }),
  },
})

const generated = z
  .object({ ...newCredentials, client_secret: secret, revoked })
  .meta({ id: 'GeneratedKeyPair', description: 'The client secret is shown only in this response' })

const GENERATION =
  'Revokes the previous key pair and all its tokens before the response is sent. A request that authenticates with a token of the previous pair cannot be retried, because that token is revoked too.'

const NAMED_GENERATION =
  'The APIs must allow named key pairs. Revokes the previous key pair of this name and all its tokens before the response is sent; the other key pairs stay. A user has at most 20 active named key pairs.'

function view({ pair, namedPairs: _, ...rest }: KeyPairOfUser) {
  if (!pair) return { ...toWire(rest), pair }
  const { client, ...parts } = pair
  const { clientId: id, status, createdAt, revision } = client
  return { ...toWire(rest), pair: { ...toWire(parts), ...toWire({ clientId: id, status, createdAt, revision }) } }
}

const toReply = (made: GeneratedKeyPair) => ({ body: toWire(made) })

const userParams = z.strictObject({ user_id: id })

type NamedGeneration = z.output<typeof namedGeneration>

const generateNamed = async ({ management, who, body }: Call<unknown, unknown, NamedGeneration>, userId?: string) =>
  toReply(await generateKeyPair(management, who, { ...toDomain(body), ...(userId && { userId }) }))

export const KEY_PAIR_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/key-pair',
    operation: readKeyPair,
    id: 'readOwnKeyPair',
    tag: TAG,
    summary: 'Retrieve the key pair of the caller',
    responses: { 200: keyPair },
    handle: async ({ management, who }) => ({ body: view(await readKeyPair(management, who, {})) }),
  }),
  route({
    method: 'post',
    path: '/key-pair',
    operation: generateKeyPair,
    id: 'generateOwnKeyPair',
    tag: TAG,
    summary: 'Generate a new key pair for the caller',
    description: GENERATION,
    body: generation,
    responses: { 201: generated },
    idempotent: true,
    handle: async ({ management, who, body }) => toReply(await generateKeyPair(management, who, toDomain(body))),
    dryRun: async ({ management, who }) => viewDryRun(await generateKeyPair.dryRun(management, who, {})),
  }),
  route({
    method: 'get',
    path: '/users/{user_id}/key-pair',
    operation: readKeyPair,
    id: 'readKeyPair',
    tag: TAG,
    summary: 'Retrieve the key pair of a user',
    params: userParams,
    responses: { 200: keyPair },
    handle: async ({ management, who, params }) => ({
      body: view(await readKeyPair(management, who, { userId: params.user_id })),
    }),
  }),
  route({
    method: 'post',
    path: '/users/{user_id}/key-pair',
    operation: generateKeyPair,
    id: 'generateKeyPair',
    tag: TAG,
    summary: 'Generate a new key pair for a user',
    description: `${GENERATION} Only operators may generate a key pair for another user.`,
    params: userParams,
    body: generation,
    responses: { 201: generated },
    idempotent: true,
    handle: async ({ management, who, params, body }) =>
      toReply(await generateKeyPair(management, who, { ...toDomain(body), userId: params.user_id })),
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await generateKeyPair.dryRun(management, who, toDomain(params))),
  }),
  route({
    method: 'get',
    path: '/key-pairs',
    operation: listKeyPairs,
    id: 'listOwnKeyPairs',
    tag: TAG,
    summary: 'List the key pairs of the caller, the default one first',
    responses: { 200: summaries },
    handle: async ({ management, who }) => viewList(await listKeyPairs(management, who, {})),
  }),
  route({
    method: 'post',
    path: '/key-pairs',
    operation: generateKeyPair,
    id: 'generateOwnNamedKeyPair',
    tag: TAG,
    summary: 'Generate a new named key pair for the caller',
    description: NAMED_GENERATION,
    body: namedGeneration,
    responses: { 201: generated },
    idempotent: true,
    handle: async (call) => await generateNamed(call),
    dryRun: async ({ management, who, body }) =>
      viewDryRun(await generateKeyPair.dryRun(management, who, { pairName: body.pair_name })),
  }),
  route({
    method: 'get',
    path: '/users/{user_id}/key-pairs',
    operation: listKeyPairs,
    id: 'listKeyPairs',
    tag: TAG,
    summary: 'List the key pairs of a user, the default one first',
    params: userParams,
    responses: { 200: summaries },
    handle: async ({ management, who, params }) =>
      viewList(await listKeyPairs(management, who, { userId: params.user_id })),
  }),
  route({
    method: 'post',
    path: '/users/{user_id}/key-pairs',
    operation: generateKeyPair,
    id: 'generateNamedKeyPair',
    tag: TAG,
    summary: 'Generate a new named key pair for a user',
    description: `${NAMED_GENERATION} Only operators may generate a key pair for another user.`,
    params: userParams,
    body: namedGeneration,
    responses: { 201: generated },
    idempotent: true,
    handle: async (call) => await generateNamed(call, call.params.user_id),
    dryRun: async ({ management, who, params, body }) =>
      viewDryRun(await generateKeyPair.dryRun(management, who, { userId: params.user_id, pairName: body.pair_name })),
  }),
]
