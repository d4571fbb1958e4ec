import { z } from 'zod'
import { rotateApplicationSecret } from '../../management/application-operations.ts'
import { addApplicationKeys } from '../../management/client-key-addition.ts'
import { fetchApplicationKeys } from '../../management/client-key-fetch.ts'
import { readApplicationSecrets } from '../../management/client-secrets-reading.ts'
import { addApplicationTrust } from '../../management/client-trust-addition.ts'
import { updateApplicationTrust } from '../../management/client-trust-update.ts'
import { planApplicationSecretRetirement, retireApplicationSecret } from '../../management/secret-retirement.ts'
import { toWire } from '../../shared/wire-names.ts'
import { toCreatedReply } from '../application-views.ts'
import {
  clientSecrets,
  expiresAt,
  overlap,
  retirementPlan,
  retireUnusedHours,
  secretId,
  toRetirement,
  viewSecrets,
} from '../client-fields.ts'
import {
  credentialFields,
  EXAMPLE_KEY,
  jwks,
  jwksUri,
  keyFetch,
  newAuthMethod,
  toCredentials,
  toTrust,
  toTrustChange,
  trust,
  trustChange,
} from '../credential-fields.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { clientId } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { createdApplication } from './application-routes.ts'

const TAG = 'Applications'

const pathParams = z.strictObject({ client_id: clientId })

const secretParams = z.strictObject({ client_id: clientId, secret_id: secretId })

export const APPLICATION_SECRET_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/applications/{client_id}/secrets',
    operation: readApplicationSecrets,
    id: 'listApplicationSecrets',
    tag: TAG,
    summary: 'List the valid client secrets and API keys of an application, each with its callers',
    params: pathParams,
    responses: { 200: clientSecrets },
    etag: true,
    handle: async ({ management, who, params }) =>
      viewSecrets(await readApplicationSecrets(management, who, { clientId: params.client_id })),
  }),
  route({
    method: 'delete',
    path: '/applications/{client_id}/secrets/{secret_id}',
    operation: retireApplicationSecret,
    id: 'retireApplicationSecret',
    tag: TAG,
    summary:
      'Revoke a previous client secret before its overlap ends, or one of several public keys, with the tokens that it obtained',
    params: secretParams,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await retireApplicationSecret(management, who, { clientId: params.client_id, secretId: Number(params.secret_id) })
      return {}
    },
    dryRun: async ({ management, who, params }) =>
      viewDryRun(
        await retireApplicationSecret.dryRun(management, who, {
          clientId: params.client_id,
          secretId: Number(params.secret_id),
        }),
      ),
  }),
  route({
    method: 'patch',
    path: '/applications/{client_id}/secrets/{secret_id}',
    operation: planApplicationSecretRetirement,
    id: 'updateApplicationSecret',
    tag: TAG,
    summary: 'Retire a previous client secret when it is unused, or earlier',
    params: secretParams,
    body: retirementPlan,
    responses: { 204: null },
    etag: true,
    async handle({ management, who, params, body, ifMatch }) {
      const selected = { clientId: params.client_id, secretId: Number(params.secret_id), revision: ifMatch }
      const { revision } = await planApplicationSecretRetirement(management, who, {
        ...selected,
        ...toRetirement(body),
      })
      return { revision }
    },
  }),
  route({
    method: 'post',
    path: '/applications/{client_id}/keys',
    operation: addApplicationKeys,
    id: 'addApplicationKeys',
    tag: TAG,
    summary: 'Add public keys to those of an application that authenticates by its private key; the others stay',
    params: pathParams,
    body: z
      .strictObject({ jwks: jwks.unwrap(), expires_at: expiresAt })
      .meta({ id: 'KeyAddition', examples: [{ jwks: { keys: [EXAMPLE_KEY] } }] }),
    responses: { 204: null },
    etag: true,
    checksIfMatch: true,
    async handle({ management, who, params, body: { jwks, expires_at }, ifMatch }) {
      const added = { clientId: params.client_id, jwks, expiresAt: expires_at, revision: ifMatch }
      const { revision } = await addApplicationKeys(management, who, added)
      return { revision }
    },
  }),
  route({
    method: 'post',
    path: '/applications/{client_id}/keys/fetch',
    operation: fetchApplicationKeys,
    id: 'fetchApplicationKeys',
    tag: TAG,
    summary: 'Fetch the public keys of an application with jwks_uri now',
    description:
      'The response says whether the fetch succeeded. At most one fetch is made in 60 seconds, over all nodes; a request within this time is refused with 429.',
    params: pathParams,
    responses: { 200: keyFetch.unwrap() },
    handle: async ({ management, who, params }) => ({
      body: toWire(await fetchApplicationKeys(management, who, { clientId: params.client_id })),
    }),
  }),
  route({
    method: 'post',
    path: '/applications/{client_id}/trusts',
    operation: addApplicationTrust,
    id: 'addApplicationTrust',
    tag: TAG,
    summary: 'Add a trust in an issuer to those of an application with workload identity; the others stay',
    params: pathParams,
    body: z.strictObject({ trust, expires_at: expiresAt }).meta({
      id: 'TrustAddition',
      examples: [
        {
          trust: {
            issuer: 'https://token.actions.githubusercontent.com',
            conditions: [{ claim: 'repository', any_of: ['octo-org/app'] }],
          },
        },
      ],
    }),
    responses: { 204: null },
    etag: true,
    checksIfMatch: true,
    async handle({ management, who, params, body, ifMatch }) {
      const added = { trust: toTrust(body.trust), expiresAt: body.expires_at, revision: ifMatch }
      const { revision } = await addApplicationTrust(management, who, { ...added, clientId: params.client_id })
      return { revision }
    },
  }),
  route({
    method: 'patch',
    path: '/applications/{client_id}/trusts/{secret_id}',
    operation: updateApplicationTrust,
    id: 'updateApplicationTrust',
    tag: TAG,
    summary: 'Change a trust of an application, but not its issuer',
    description:
      'If the trust then accepts every token that it accepted before, the tokens that it obtained stay. Otherwise it is replaced by one with another ID, and they are revoked.',
    params: secretParams,
    body: trustChange,
    responses: {
      200: z
        .object({
          id: z.number().int().meta({ description: 'The ID of the trust from now on' }),
          tokens_revoked: z.boolean().meta({ description: 'Whether the tokens that it had obtained are revoked' }),
        })
        .meta({ id: 'UpdatedTrust' }),
    },
    etag: true,
    checksIfMatch: true,
    async handle({ management, who, params, body, ifMatch }) {
      const { client, trustId, areTokensRevoked } = await updateApplicationTrust(management, who, {
        clientId: params.client_id,
        trustId: Number(params.secret_id),
        change: toTrustChange(body),
        revision: ifMatch,
      })
      return { body: { id: trustId, tokens_revoked: areTokensRevoked }, revision: client.revision }
    },
  }),
  route({
    method: 'post',
    path: '/applications/{client_id}/secrets',
    operation: rotateApplicationSecret,
    id: 'rotateApplicationSecret',
    tag: TAG,
    summary:
      'Rotate the client secret, and the API key if the application requires one; or replace the public keys or certificates',
    params: pathParams,
    body: z
      .strictObject({
        overlap,
        retire_unused_hours: retireUnusedHours.optional(),
        expires_at: expiresAt,
        ...credentialFields,
        auth_method: newAuthMethod,
        jwks_uri: jwksUri,
      })
      .meta({ id: 'SecretRotation', examples: [{ overlap: 3600 }] }),
    responses: { 201: createdApplication },
    idempotent: true,
    etag: true,
    checksIfMatch: true,
    async handle({ management, who, params, body, ifMatch }) {
      const { overlap, retire_unused_hours, expires_at, jwks_uri, auth_method, ...credentials } = body
      const rotation = {
        overlap,
        unusedHours: retire_unused_hours,
        expiresAt: expires_at,
        revision: ifMatch,
        jwksUri: jwks_uri,
        authMethod: auth_method,
        ...toCredentials(credentials),
      }
      return toCreatedReply(
        await rotateApplicationSecret(management, who, { ...rotation, clientId: params.client_id }),
        who,
      )
    },
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await rotateApplicationSecret.dryRun(management, who, { clientId: params.client_id })),
  }),
]
