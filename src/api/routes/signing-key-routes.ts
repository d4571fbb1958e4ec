import { z } from 'zod'
import { listSigningKeys, rotateSigningKeys } from '../../management/instance-operations.ts'
import { moment } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { toWire } from '../wire-names.ts'

const TAG = 'Signing keys'

const signingKey = z
  .object({
    kid: z.string(),
    alg: z.enum(['ES256', 'RS256', 'PS256', 'EdDSA']),
    state: z.enum(['next', 'current', 'previous']),
    created_at: moment,
    signs_from: moment
      .nullable()
      .meta({ description: 'Since when, or from when on, it signs; null: not yet asked to' }),
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
    summary: 'The keys that sign tokens, without their private halves',
    answers: { 200: signingKeys },
    handle: async ({ management, who }) => ({ body: { items: toWire(await listSigningKeys(management, who, {})) } }),
  }),
  route({
    method: 'post',
    path: '/signing-keys/rotate',
    operation: rotateSigningKeys,
    id: 'rotateSigningKeys',
    tag: TAG,
    summary: 'Let the next keys sign',
    description: 'A next key begins once it has been published for a minute; until then this changes nothing more.',
    answers: { 200: signingKeys },
    handle: async ({ management, who }) => ({ body: { items: toWire(await rotateSigningKeys(management, who, {})) } }),
  }),
]
