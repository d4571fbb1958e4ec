import { z } from 'zod'
import { ACCESS_ATTRIBUTES, KEY_PAIR_ATTRIBUTES } from '../../clients/client-attributes.ts'
import type { Client } from '../../clients/clients.ts'
import { GRANTS } from '../../clients/grant-types.ts'
import { MAX_DAYS } from '../../management/client-filters.ts'
import { listClients } from '../../management/client-list.ts'
import { type KeyPairDetails, readKeyPairDetails, stopKeyPair } from '../../management/key-pair-details.ts'
import { updateKeyPair } from '../../management/key-pair-settings.ts'
import type { Principal } from '../../management/principal.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { viewSummary } from '../application-views.ts'
import { attributeSchemas, fromWireValues, toWireValues } from '../attribute-schemas.ts'
import { access, newCredentials, pairIdentity, use } from '../client-fields.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { externalIdFilter } from '../external-id-filter.ts'
import {
  bounded,
  clientId,
  id,
  idText,
  pageOf,
  pageQuery,
  revision,
  revoked,
  search,
  timestamp,
  viewPage,
} from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Clients'

const keyPairSettings = attributeSchemas(KEY_PAIR_ATTRIBUTES)

const kind = z.enum(['application', 'key_pair'])

const status = z.enum(['active', 'archived', 'replaced', 'deleting'])

const summary = z
  .object({
    client_id: clientId,
    kind,
    name: z.string(),
    status,
    account_id: idText.nullable().meta({ description: 'Null: an application of the instance' }),
    account_name: z.string().nullable(),
    user_id: idText.nullable().meta({ description: 'The admin who owns the key pair; null for an application' }),
    owner_email: z.string().nullable(),
    ...pairIdentity,
    grants: z.array(z.string()),
    created_at: timestamp,
    last_used_at: timestamp.nullable(),
    secret_expires_at: timestamp.nullable().meta({
      description: 'The earliest expiry of its current client secret and API key; null: none of them expires',
    }),
  })
  .meta({ id: 'ClientSummary' })

const details = z
  .object({
    client_id: clientId,
    name: z.string(),
    ...pairIdentity,
    status: status.meta({ description: 'archived: it was stopped; replaced: its owner has newer keys' }),
    account_id: idText,
    account_name: z.string(),
    owner: z.object({ id: idText, email: z.string(), name: z.string().nullable() }),
    created_at: timestamp,
    revision,
    ...use,
    ...keyPairSettings,
    active_refresh_tokens: bounded,
    api_enabled: z.boolean().meta({ description: 'Whether the API is enabled for the instance and the account' }),
  })
  .meta({ id: 'KeyPairDetails' })

const stopped = z.object({ client_id: clientId, status, revoked }).meta({ id: 'StoppedKeyPair' })

function view({ client, grants, ...rest }: KeyPairDetails, who: Principal) {
  const { clientId: of, name, pairName, environment, status: state, createdAt, revision: version } = client
  return {
    ...toWire({ clientId: of, name, pairName, environment, status: state, createdAt, revision: version, ...rest }),
    ...toWireValues(KEY_PAIR_ATTRIBUTES, client, who),
    account_id: client.accountId!,
    active_refresh_tokens: toWire(grants),
  }
}

const pathParams = z.strictObject({ client_id: clientId })

const change = z
  .strictObject({ ...keyPairSettings, ...access })
  .partial()
  .meta({ id: 'KeyPairChange', examples: [{ access_token_ttl: 900 }] })

const changed = z
  .object({
    client_id: clientId,
    ...pairIdentity,
    status,
    ...keyPairSettings,
    revision,
    api_key: newCredentials.api_key,
  })
  .meta({ id: 'ChangedKeyPair' })

function viewChanged({ client, apiKey }: { client: Client; apiKey?: string }, who: Principal) {
  const { clientId: of, pairName, environment, status: state, revision: version } = client
  const identity = toWire({ clientId: of, pairName, environment, status: state, revision: version })
  return { ...identity, ...toWireValues(KEY_PAIR_ATTRIBUTES, client, who), ...(apiKey && { api_key: apiKey }) }
}

export const CLIENT_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/clients',
    operation: listClients,
    id: 'listClients',
    tag: TAG,
    summary: 'List applications and key pairs, newest first',
    description: 'Requires the scopes applications:read and key_pairs:read. Replaced key pairs are left out.',
    query: z.strictObject({
      kind: kind.optional(),
      search: search.optional().meta({
        description:
          "The beginnings of words of the name, a complete client id, the email address of a key pair's owner, or for operators a complete external id",
      }),
      status: z.enum(['active', 'archived']).optional(),
      account_id: id.optional(),
      external_id: externalIdFilter,
      grant: z.enum(GRANTS).optional().meta({ description: 'Only clients that may use this grant type' }),
      unused_days: z.coerce.number().int().min(1).max(MAX_DAYS).optional().meta({
        description: 'Only active clients that were not used for so many days, those unused for longest first',
      }),
      expiring_days: z.coerce.number().int().min(1).max(MAX_DAYS).optional().meta({
        description:
          'Only active clients whose client secret or API key expires within so many days, those that expire first first',
      }),
      owner: search.optional().meta({
        description: 'The email address of the user who owns the key pair, or who created the application',
      }),
      ...pageQuery,
    }),
    responses: { 200: pageOf(summary) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await listClients(management, who, toDomain(query)), viewSummary),
    }),
  }),
  route({
    method: 'get',
    path: '/key-pairs/{client_id}',
    operation: readKeyPairDetails,
    id: 'readKeyPairDetails',
    tag: 'Key pairs',
    summary: 'Retrieve a key pair by its client id',
    params: pathParams,
    responses: { 200: details },
    handle: async ({ management, who, params }) => ({
      body: view(await readKeyPairDetails(management, who, { clientId: params.client_id }), who),
    }),
  }),
  route({
    method: 'patch',
    path: '/key-pairs/{client_id}',
    operation: updateKeyPair,
    id: 'updateKeyPair',
    tag: 'Key pairs',
    summary: 'Update the settings of a key pair',
    description:
      'Revokes the tokens that exceed the new access; others stay valid. Only the owner of the key pair and operators may update it. The response holds an API key when the key pair requires one from now on.',
    params: pathParams,
    body: change,
    responses: { 200: changed },
    etag: true,
    async handle({ management, who, params, body, ifMatch }) {
      const settings = fromWireValues(KEY_PAIR_ATTRIBUTES, body)
      const of = { clientId: params.client_id, revision: ifMatch }
      const input = { ...of, settings, ...fromWireValues(ACCESS_ATTRIBUTES, body) }
      const after = await updateKeyPair(management, who, input)
      return { body: viewChanged(after, who), revision: after.client.revision }
    },
  }),
  route({
    method: 'post',
    path: '/key-pairs/{client_id}/stop',
    operation: stopKeyPair,
    id: 'stopKeyPair',
    tag: 'Key pairs',
    summary: 'Stop a key pair for good; revokes all its tokens',
    description:
      'Its client secret stops working, and its tokens are revoked, before the response is sent. It cannot be restored; its owner generates a new key pair, which keeps the settings. Stopping a stopped key pair changes nothing.',
    params: pathParams,
    responses: { 200: stopped },
    async handle({ management, who, params }) {
      const { client, revoked: count } = await stopKeyPair(management, who, { clientId: params.client_id })
      return { body: toWire({ clientId: client.clientId, status: client.status, revoked: count }) }
    },
    dryRun: async ({ management, who, params }) =>
      viewDryRun(await stopKeyPair.dryRun(management, who, toDomain(params))),
  }),
]
