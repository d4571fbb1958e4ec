import { z } from 'zod'
import { rotateApiSecret } from '../../management/api-operations.ts'
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
import { viewDryRun } from '../dry-run-schemas.ts'
import { secret } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { apiPathParams } from './api-declaration-routes.ts'

const TAG = 'APIs'

const newSecret = z
  .object({ client_id: newCredentials.client_id, client_secret: secret })
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
    path: '/apis/{identifier}/secrets',
    operation: rotateApiSecret,
    id: 'rotateApiSecret',
    tag: TAG,
    summary: 'Rotate the client secret with which the API introspects tokens',
    params: apiPathParams,
    body: z
      .strictObject({ overlap, retire_unused_hours: retireUnusedHours.optional(), expires_at: expiresAt })
      .meta({ id: 'ApiSecretRotation', examples: [{ overlap: 3600 }] }),
    responses: { 201: newSecret },
    idempotent: true,
    async handle({ management, who, params, body: { overlap, retire_unused_hours, expires_at } }) {
      const rotation = { ...params, overlap, unusedHours: retire_unused_hours, expiresAt: expires_at }
      return { body: toWire(await rotateApiSecret(management, who, rotation)) }
    },
    dryRun: async ({ management, who, params }) => viewDryRun(await rotateApiSecret.dryRun(management, who, params)),
  }),
]
