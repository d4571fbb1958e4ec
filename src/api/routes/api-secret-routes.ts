import { z } from 'zod'
import { rotateApiSecret } from '../../management/api-operations.ts'
import { addApiKeys } from '../../management/client-key-addition.ts'
import { readApiSecrets } from '../../management/client-secrets-reading.ts'
import { planApiSecretRetirement, retireApiSecret } from '../../management/secret-retirement.ts'
import { toWire } from '../../shared/wire-names.ts'
import {
  clientSecrets,
  expiresAt,
  newCredentials,
  overlap,
  retirementPlan,
  retireUnusedHours,
  secretId,
  toRetirement,
  viewSecrets,
} from '../client-fields.ts'
import { EXAMPLE_KEY, jwksOfApi, jwksUriOfApi, secretOfApi } from '../credential-fields.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { type ApiRoute, route } from '../route.ts'
import { apiPathParams } from './api-declaration-routes.ts'

const TAG = 'APIs'

const newSecret = z
  .object({ client_id: newCredentials.client_id, client_secret: secretOfApi })
  .meta({ id: 'ApiCredentials' })

const secretParams = apiPathParams.extend({ secret_id: secretId })

export const API_SECRET_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/apis/{identifier}/secrets',
    operation: readApiSecrets,
    id: 'listApiSecrets',
    tag: TAG,
    summary: 'List the valid client secrets with which the API introspects tokens, each with its callers',
    params: apiPathParams,
    responses: { 200: clientSecrets },
    etag: true,
    handle: async ({ management, who, params }) => viewSecrets(await readApiSecrets(management, who, params)),
  }),
  route({
    method: 'delete',
    path: '/apis/{identifier}/secrets/{secret_id}',
    operation: retireApiSecret,
    id: 'retireApiSecret',
    tag: TAG,
    summary: 'Revoke a previous client secret of the API before its overlap ends',
    params: secretParams,
    responses: { 204: null },
    async handle({ management, who, params: { identifier, secret_id } }) {
      await retireApiSecret(management, who, { identifier, secretId: Number(secret_id) })
      return {}
    },
    dryRun: async ({ management, who, params }) =>
      viewDryRun(
        await retireApiSecret.dryRun(management, who, {
          identifier: params.identifier,
          secretId: Number(params.secret_id),
        }),
      ),
  }),
  route({
    method: 'patch',
    path: '/apis/{identifier}/secrets/{secret_id}',
    operation: planApiSecretRetirement,
    id: 'updateApiSecret',
    tag: TAG,
    summary: 'Retire a previous client secret of the API when it is unused, or earlier',
    params: secretParams,
    body: retirementPlan,
    responses: { 204: null },
    etag: true,
    async handle({ management, who, params: { identifier, secret_id }, body, ifMatch }) {
      const selected = { identifier, secretId: Number(secret_id), revision: ifMatch }
      const { revision } = await planApiSecretRetirement(management, who, { ...selected, ...toRetirement(body) })
      return { revision }
    },
  }),
  route({
    method: 'post',
    path: '/apis/{identifier}/keys',
    operation: addApiKeys,
    id: 'addApiKeys',
    tag: TAG,
    summary: 'Add public keys to those with which the API authenticates for introspection; the others stay',
    params: apiPathParams,
    body: z
      .strictObject({ jwks: jwksOfApi.unwrap(), expires_at: expiresAt })
      .meta({ id: 'ApiKeyAddition', examples: [{ jwks: { keys: [EXAMPLE_KEY] } }] }),
    responses: { 204: null },
    async handle({ management, who, params, body: { jwks, expires_at } }) {
      await addApiKeys(management, who, { ...params, jwks, expiresAt: expires_at })
      return {}
    },
  }),
  route({
    method: 'post',
    path: '/apis/{identifier}/secrets',
    operation: rotateApiSecret,
    id: 'rotateApiSecret',
    tag: TAG,
    summary: 'Rotate the client secret with which the API introspects tokens, or replace its public keys',
    params: apiPathParams,
    body: z
      .strictObject({
        overlap,
        retire_unused_hours: retireUnusedHours.optional(),
        expires_at: expiresAt,
        auth_method: z.enum(['client_secret', 'private_key_jwt']).optional().meta({
          description:
            'How the API authenticates from now on; default: as before. private_key_jwt needs jwks or jwks_uri',
        }),
        jwks: jwksOfApi,
        jwks_uri: jwksUriOfApi,
      })
      .meta({ id: 'ApiSecretRotation', examples: [{ overlap: 3600 }] }),
    responses: { 201: newSecret },
    idempotent: true,
    async handle({ management, who, params, body }) {
      const { overlap, retire_unused_hours, expires_at, auth_method, jwks, jwks_uri } = body
      const keys = { authMethod: auth_method, jwks, jwksUri: jwks_uri }
      const rotation = { ...params, overlap, unusedHours: retire_unused_hours, expiresAt: expires_at, ...keys }
      return { body: toWire(await rotateApiSecret(management, who, rotation)) }
    },
    dryRun: async ({ management, who, params }) => viewDryRun(await rotateApiSecret.dryRun(management, who, params)),
  }),
]
