import { z } from 'zod'
import {
  type GeneratedKeyPair,
  generateKeyPair,
  type KeyPairOfUser,
  readKeyPair,
} from '../../management/key-pair-operations.ts'
import { newCredentials, use } from '../client-fields.ts'
import { apiIdentifier, clientId, id, idText, revision, revoked, secret, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { toWire } from '../wire-names.ts'

const TAG = 'Key pairs'

const keyPair = z
  .object({
    user: z.object({ id: idText, email: z.string(), name: z.string().nullable() }),
    pair: z
      .object({
        client_id: clientId,
        status: z.enum(['active', 'archived', 'replaced']),
        created_at: timestamp,
        revision,
        ...use,
      })
      .nullable()
      .meta({ description: 'Null until the user generates a key pair' }),
    choosable_apis: z.array(
      z.object({ identifier: apiIdentifier, scopes: z.array(z.string()), is_default: z.boolean() }),
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
  })
  .meta({ id: 'KeyPairGeneration', examples: [{}] })

const generated = z
  .object({ ...newCredentials, client_secret: secret, revoked })
  .meta({ id: 'GeneratedKeyPair', description: 'The client secret is shown only in this response' })

const GENERATION =
  'Revokes the previous key pair and all its tokens before the response is sent. A request that authenticates with a token of the previous pair cannot be retried, because that token is revoked too.'

function view({ pair, ...rest }: KeyPairOfUser) {
  if (!pair) return { ...toWire(rest), pair }
  const { client, ...parts } = pair
  const { clientId: id, status, createdAt, revision } = client
  return { ...toWire(rest), pair: { ...toWire(parts), ...toWire({ clientId: id, status, createdAt, revision }) } }
}

const toReply = (made: GeneratedKeyPair) => ({ body: toWire(made) })

const userParams = z.strictObject({ user_id: id })

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
    handle: async ({ management, who, body }) => toReply(await generateKeyPair(management, who, body)),
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
      toReply(await generateKeyPair(management, who, { ...body, userId: params.user_id })),
  }),
]
