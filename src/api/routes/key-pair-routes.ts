import { z } from 'zod'
import {
  type GeneratedKeyPair,
  generateKeyPair,
  type KeyPairOfUser,
  readKeyPair,
} from '../../management/key-pair-operations.ts'
import { newCredentials, use } from '../client-fields.ts'
import { apiIdentifier, clientId, id, idText, moment, revision, revoked, secret } from '../fields.ts'
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
        created_at: moment,
        revision,
        ...use,
      })
      .nullable()
      .meta({ description: 'Null until the first one is generated' }),
    choosable_apis: z.array(
      z.object({ identifier: apiIdentifier, scopes: z.array(z.string()), is_default: z.boolean() }),
    ),
    api_enabled: z.boolean(),
  })
  .meta({ id: 'KeyPair' })

const generation = z
  .strictObject({
    apis: z.array(apiIdentifier).max(100).optional().meta({
      description: "What the pair may call, its default first; absent: the former pair's, or the default API",
    }),
    replaces: clientId
      .nullable()
      .optional()
      .meta({ description: 'The client id that was seen, null for none: 412 when it is another by now' }),
  })
  .meta({ id: 'KeyPairGeneration', examples: [{}] })

const generated = z
  .object({ ...newCredentials, client_secret: secret, revoked })
  .meta({ id: 'GeneratedKeyPair', description: 'Shown this once' })

const GENERATION = `The former pair is dead, with every token of it, when this is answered. Sent with the former pair's own token,
there is no second try: the token is dead too.`

function view({ pair, ...rest }: KeyPairOfUser) {
  if (!pair) return { ...toWire(rest), pair }
  const { client, ...parts } = pair
  const { clientId: id, status, createdAt, revision } = client
  return { ...toWire(rest), pair: { ...toWire(parts), ...toWire({ clientId: id, status, createdAt, revision }) } }
}

const shown = (made: GeneratedKeyPair) => ({ body: toWire(made) })

const byUser = z.strictObject({ user_id: id })

export const KEY_PAIR_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/key-pair',
    operation: readKeyPair,
    id: 'readOwnKeyPair',
    tag: TAG,
    summary: "The caller's own key pair",
    answers: { 200: keyPair },
    handle: async ({ management, who }) => ({ body: view(await readKeyPair(management, who, {})) }),
  }),
  route({
    method: 'post',
    path: '/key-pair',
    operation: generateKeyPair,
    id: 'generateOwnKeyPair',
    tag: TAG,
    summary: "A new id and secret in place of the caller's own",
    description: GENERATION,
    body: generation,
    answers: { 201: generated },
    idempotent: true,
    handle: async ({ management, who, body }) => shown(await generateKeyPair(management, who, body)),
  }),
  route({
    method: 'get',
    path: '/users/{user_id}/key-pair',
    operation: readKeyPair,
    id: 'readKeyPair',
    tag: TAG,
    summary: "A person's key pair",
    params: byUser,
    answers: { 200: keyPair },
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
    summary: "A new id and secret in place of a person's",
    description: `${GENERATION} Colleagues make their own: for somebody else, only operators may.`,
    params: byUser,
    body: generation,
    answers: { 201: generated },
    idempotent: true,
    handle: async ({ management, who, params, body }) =>
      shown(await generateKeyPair(management, who, { ...body, userId: params.user_id })),
  }),
]
