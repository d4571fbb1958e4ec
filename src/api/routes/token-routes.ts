import { z } from 'zod'
import {
  listGrants,
  listTokens,
  revokeAllOfClient,
  revokeAllOfUser,
  revokeOneGrant,
  revokeOneToken,
} from '../../management/token-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { clientId, id, idText, pageOf, pageQuery, revoked, timestamp, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Tokens'

const subjectFields = {
  user_id: idText
    .nullable()
    .meta({ description: 'The user that the client acts for; null: an account, or the client itself' }),
  email: z.string().nullable(),
}

const token = z
  .object({
    jti: idText,
    api: z.string(),
    scope: z.string(),
    issued_at: timestamp,
    expires_at: timestamp,
    ...subjectFields,
    account_id: idText
      .nullable()
      .meta({ description: 'The account that the client acts for without a user (token exchange); null: none' }),
  })
  .meta({ id: 'ActiveToken', description: 'A valid access token' })

const grant = z
  .object({
    id: idText,
    api: z.string(),
    scope: z.string(),
    created_at: timestamp,
    rotated_at: timestamp.nullable().meta({ description: 'When the refresh token was last rotated' }),
    expires_at: timestamp,
    ...subjectFields,
  })
  .meta({ id: 'ActiveGrant', description: 'A valid refresh token; rotation keeps its id' })

const revokedCount = z.object({ revoked }).meta({ id: 'Revoked' })

const clientParams = z.strictObject({ client_id: clientId })

const page = z.strictObject(pageQuery)

export const TOKEN_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/applications/{client_id}/tokens',
    operation: listTokens,
    id: 'listTokens',
    tag: TAG,
    summary: 'List the valid access tokens of an application or key pair, newest first',
    params: clientParams,
    query: page,
    responses: { 200: pageOf(token) },
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
    summary: 'Revoke all access and refresh tokens of an application or key pair; it can get new ones',
    params: clientParams,
    responses: { 200: revokedCount },
    handle: async ({ management, who, params }) => ({
      body: await revokeAllOfClient(management, who, toDomain(params)),
    }),
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await revokeAllOfClient.dryRun(management, who, toDomain(params))),
  }),
  route({
    method: 'delete',
    path: '/applications/{client_id}/tokens/{jti}',
    operation: revokeOneToken,
    id: 'revokeToken',
    tag: TAG,
    summary: 'Revoke an access token',
    params: z.strictObject({ client_id: clientId, jti: id }),
    responses: { 204: null },
    async handle({ management, who, params }) {
      await revokeOneToken(management, who, toDomain(params))
      return {}
    },
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await revokeOneToken.dryRun(management, who, toDomain(params))),
  }),
  route({
    method: 'get',
    path: '/applications/{client_id}/grants',
    operation: listGrants,
    id: 'listGrants',
    tag: TAG,
    summary: 'List the valid refresh tokens of an application or key pair, newest first',
    params: clientParams,
    query: page,
    responses: { 200: pageOf(grant) },
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
    summary: 'Revoke a refresh token and every access token issued with it',
    params: z.strictObject({ client_id: clientId, grant_id: id }),
    responses: { 204: null },
    async handle({ management, who, params }) {
      await revokeOneGrant(management, who, toDomain(params))
      return {}
    },
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await revokeOneGrant.dryRun(management, who, toDomain(params))),
  }),
  route({
    method: 'delete',
    path: '/users/{user_id}/tokens',
    operation: revokeAllOfUser,
    id: 'revokeTokensOfUser',
    tag: TAG,
    summary: "Revoke a user's tokens, the tokens of their key pair, and their sessions",
    params: z.strictObject({ user_id: id }),
    responses: { 200: revokedCount },
    handle: async ({ management, who, params }) => ({ body: await revokeAllOfUser(management, who, toDomain(params)) }),
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await revokeAllOfUser.dryRun(management, who, toDomain(params))),
  }),
]
