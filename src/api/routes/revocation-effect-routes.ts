import { z } from 'zod'
import { type RevocationEffect, readRevocationEffect } from '../../management/revocation-effect.ts'
import { REFUSAL_REASONS, type RefusalReason } from '../../shared/refusal-reasons.ts'
import { toWire } from '../../shared/wire-names.ts'
import { bounded, clientId, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const caller = z
  .object({
    ip: z.string(),
    refused: z
      .object({ at: timestamp, reason: z.enum(Object.keys(REFUSAL_REASONS) as [RefusalReason]) })
      .nullable()
      .meta({ description: 'The latest refused request since the revocation, as far as samples tell' }),
    issued_at: timestamp
      .nullable()
      .meta({ description: 'When it got a token again, with this client or with the key pair that replaced it' }),
  })
  .meta({ id: 'AffectedCaller' })

const follower = z
  .object({
    way: z.enum(['feed', 'list', 'introspection']).meta({ description: 'How it learns of revocations' }),
    ip: z.string().meta({ description: 'The address of the resource server, or of a cache before it' }),
    last_seen_at: timestamp,
  })
  .meta({ id: 'RevocationFollower' })

const api = z
  .object({
    identifier: z.string(),
    tokens: bounded.meta({ description: 'Revoked tokens that would not have expired yet' }),
    last_expires_at: timestamp.meta({
      description: 'Until then an API that follows in no way accepts a revoked token',
    }),
    followers: z.array(follower),
  })
  .meta({ id: 'AffectedApi' })

const effect = z
  .object({
    client_id: clientId,
    revoked_at: timestamp.nullable().meta({ description: 'Null: not in the last 30 days' }),
    successor: clientId.nullable().meta({ description: 'The key pair that replaced this one' }),
    callers: z.array(caller).meta({ description: 'Callers of the last day before the revocation, at most 50' }),
    apis: z.array(api),
  })
  .meta({ id: 'RevocationEffect' })

const view = ({ client, ...rest }: RevocationEffect) => toWire({ clientId: client.clientId, ...rest })

export const REVOCATION_EFFECT_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/clients/{client_id}/revocation-effect',
    operation: readRevocationEffect,
    id: 'readRevocationEffect',
    tag: 'Clients',
    summary:
      'Retrieve what became of the callers of a client since its tokens were revoked, and where the tokens still work',
    description:
      'For a client whose tokens were revoked together: revoked, archived, stopped or replaced. Callers are the addresses of the last day before.',
    params: z.strictObject({ client_id: clientId }),
    responses: { 200: effect },
    handle: async ({ management, who, params }) => ({
      body: view(await readRevocationEffect(management, who, { clientId: params.client_id })),
    }),
  }),
]
