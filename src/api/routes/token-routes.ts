import { z } from 'zod'
import {
  listGrants,
  listTokens,
  revokeAllOfClient,
  revokeAllOfUser,
  revokeOneGrant,
  revokeOneToken,
} from '../../management/token-operations.ts'
import { clientId, id, idText, moment, pageOf, pageQuery, revoked, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { toDomain, toWire } from '../wire-names.ts'

const TAG = 'Tokens'

const forWhom = {
  user_id: idText.nullable().meta({ description: 'In whose name; null: for the client itself' }),
  email: z.string().nullable(),
}

const token = z
  .object({ jti: idText, api: z.string(), scope: z.string(), issued_at: moment, expires_at: moment, ...forWhom })
  .meta({ id: 'LiveToken', description: 'An access token that works' })

const grant = z
  .object({
    id: idText,
    api: z.string(),
    scope: z.string(),
    created_at: moment,
    rotated_at: moment.nullable().meta({ description: 'When its refresh token was last redeemed' }),
    expires_at: moment,
    ...forWhom,
  })
  .meta({ id: 'LiveGrant', description: 'A refresh token that works, however often it was rotated' })

const ended = z.object({ revoked }).meta({ id: 'Revoked' })

const ofClient = z.strictObject({ client_id: clientId })

const page = z.strictObject(pageQuery)

export const TOKEN_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/applications/{client_id}/tokens',
    operation: listTokens,
    id: 'listTokens',
    tag: TAG,
    summary: 'Access tokens of an application or key pair that work, the newest first',
    params: ofClient,
    query: page,
    answers: { 200: pageOf(token) },
    handle: async ({ management, who, params, query }) => ({
      body: viewPage(await listTokens(management, who, toDomain({ ...params, ...query })), toWire),
    }),
  }),
  route({
    method: 'delete',
    path: '/applications/{client_id}/tokens',
    operation: revokeAllOfClient,
    id: 'revokeTokensOfClient',
    tag: TAG,
    summary: 'End every access and refresh token of an application or key pair; it may get new ones',
    params: ofClient,
    answers: { 200: ended },
    handle: async ({ management, who, params }) => ({
      body: await revokeAllOfClient(management, who, toDomain(params)),
    }),
  }),
  route({
    method: 'delete',
    path: '/applications/{client_id}/tokens/{jti}',
    operation: revokeOneToken,
    id: 'revokeToken',
    tag: TAG,
    summary: 'End one access token',
    params: z.strictObject({ client_id: clientId, jti: id }),
    answers: { 204: null },
    async handle({ management, who, params }) {
      await revokeOneToken(management, who, toDomain(params))
      return {}
    },
  }),
  route({
    method: 'get',
    path: '/applications/{client_id}/grants',
    operation: listGrants,
    id: 'listGrants',
    tag: TAG,
    summary: 'Refresh tokens of an application or key pair that work, the newest first',
    params: ofClient,
    query: page,
    answers: { 200: pageOf(grant) },
    handle: async ({ management, who, params, query }) => ({
      body: viewPage(await listGrants(management, who, toDomain({ ...params, ...query })), toWire),
    }),
  }),
  route({
    method: 'delete',
    path: '/applications/{client_id}/grants/{grant_id}',
    operation: revokeOneGrant,
    id: 'revokeGrant',
    tag: TAG,
    summary: 'End one refresh token with every access token that came of it',
    params: z.strictObject({ client_id: clientId, grant_id: id }),
    answers: { 204: null },
    async handle({ management, who, params }) {
      await revokeOneGrant(management, who, toDomain(params))
      return {}
    },
  }),
  route({
    method: 'delete',
    path: '/users/{user_id}/tokens',
    operation: revokeAllOfUser,
    id: 'revokeTokensOfUser',
    tag: TAG,
    summary: "End every token in a person's name, those of their key pair, and their sessions",
    params: z.strictObject({ user_id: id }),
    answers: { 200: ended },
    handle: async ({ management, who, params }) => ({ body: await revokeAllOfUser(management, who, toDomain(params)) }),
  }),
]
