import { z } from 'zod'
import { listSigningKeys, rotateSigningKeys } from '../../management/instance-operations.ts'
import { timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { toWire } from '../wire-names.ts'

const TAG = 'Signing keys'

const signingKey = z
  .object({
    kid: z.string(),
    alg: z.enum(['ES256', 'RS256', 'PS256', 'EdDSA']),
    state: z.enum(['next', 'current', 'previous']),
    created_at: timestamp,
    signs_from: timestamp
      .nullable()
      .meta({ description: 'When the key started or starts to sign; null: not scheduled' }),
  })
  .meta({ id: 'SigningKey' })

const signingKeys = z.object({ items: z.array(signingKey) })

export const SIGNING_KEY_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/signing-keys',
    operation: listSigningKeys,
    id: 'listSigningKeys',
    tag: TAG,
    summary: 'List the public signing keys',
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
]
