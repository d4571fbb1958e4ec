import { z } from 'zod'
import {
  ACCOUNT_ATTRIBUTES,
  ACCOUNT_STATUS_ATTRIBUTES,
  type SettableStatus,
} from '../../accounts/account-attributes.ts'
import type { Account } from '../../accounts/accounts.ts'
import {
  createAccount,
  listAccounts,
  readAccount,
  setAccountApi,
  setAccountStatus,
  updateAccount,
} from '../../management/account-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { attributeSchemas, fromWireValues, visibleValues } from '../attribute-schemas.ts'
import { viewDryRun } from '../dry-run-schemas.ts'
import { externalIdFilter } from '../external-id-filter.ts'
import { bounded, id, idText, pageOf, pageQuery, revision, search, timestamp, viewPage } from '../fields.ts'
import { quotaUses } from '../quota-schemas.ts'
import { type ApiRoute, type Call, route } from '../route.ts'

const TAG = 'Accounts'

const settings = attributeSchemas(ACCOUNT_ATTRIBUTES)

const { status, api_enabled } = attributeSchemas(ACCOUNT_STATUS_ATTRIBUTES)

const attributes = { id: idText, ...settings, status, api_enabled, created_at: timestamp, revision }

const counts = { users: bounded, applications: bounded }

export const account = z.object(attributes).meta({ id: 'Account' })

const summary = z.object({ ...attributes, ...counts }).meta({ id: 'AccountSummary' })

const details = z
  .object({
    ...attributes,
    ...counts,
    admins: z.number().int().meta({ description: 'Active admins' }),
    key_pairs: z.number().int(),
    active_tokens: bounded,
    quotas: quotaUses.meta({ description: 'Its quotas in the present hour and day (UTC)' }),
  })
  .meta({ id: 'AccountDetails' })

const EXAMPLE = { name: 'ACME Corp' }

const change = z
  .strictObject(settings)
  .partial()
  .meta({ id: 'AccountChange', examples: [EXAMPLE] })

const creation = z
  .strictObject({ ...change.shape, name: settings.name })
  .meta({ id: 'NewAccount', examples: [EXAMPLE] })

const pathParams = z.strictObject({ account_id: id })

type ParamsCall = Call<z.output<typeof pathParams>>

const toReply = (one: Account) => ({ body: toWire(one), revision: one.revision })

const setStatus = (to: SettableStatus) => async (call: ParamsCall) =>
  toReply(await setAccountStatus(call.management, call.who, { ...toDomain(call.params), status: to }))

const switchApi = (enabled: boolean) => async (call: ParamsCall) =>
  toReply(await setAccountApi(call.management, call.who, { ...toDomain(call.params), enabled }))

const dryRunOf =
  ({ dryRun }: Pick<typeof setAccountStatus, 'dryRun'>) =>
  async ({ management, who, params }: ParamsCall) =>
    viewDryRun(await dryRun(management, who, toDomain(params)))

/** The routes that enable and disable an account or its API. */
const STATUS_ROUTES = [
  [
    'disable',
    'disableAccount',
    setAccountStatus,
    'Disable an account; revokes the sessions and tokens of its users and clients',
    setStatus('disabled'),
    dryRunOf(setAccountStatus),
  ],
  [
    'enable',
    'enableAccount',
    setAccountStatus,
    'Enable an account; revoked tokens stay revoked',
    setStatus('active'),
    undefined,
  ],
  [
    'api/disable',
    'disableAccountApi',
    setAccountApi,
    'Disable the API for an account; revokes every token of its clients',
    switchApi(false),
    dryRunOf(setAccountApi),
  ],
  ['api/enable', 'enableAccountApi', setAccountApi, 'Enable the API for an account', switchApi(true), undefined],
] as const

export const ACCOUNT_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/accounts',
    operation: listAccounts,
    id: 'listAccounts',
    tag: TAG,
    summary: 'List accounts, sorted by name',
    query: z.strictObject({
      search: search.optional(),
      status: status.optional(),
      external_id: externalIdFilter,
      ...pageQuery,
    }),
    responses: { 200: pageOf(summary) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await listAccounts(management, who, toDomain(query)), toWire),
    }),
  }),
  route({
    method: 'post',
    path: '/accounts',
    operation: createAccount,
    id: 'createAccount',
    tag: TAG,
    summary: 'Create an account',
    body: creation,
    responses: { 201: account },
    idempotent: true,
    etag: true,
    handle: async ({ management, who, body }) =>
      toReply(await createAccount(management, who, { ...fromWireValues(ACCOUNT_ATTRIBUTES, body), name: body.name })),
  }),
  route({
    method: 'get',
    path: '/accounts/{account_id}',
    operation: readAccount,
    id: 'readAccount',
    tag: TAG,
    summary: 'Retrieve an account; admins may read their own',
    params: pathParams,
    responses: { 200: details },
    etag: true,
    async handle({ management, who, params }) {
      const one = await readAccount(management, who, toDomain(params))
      return { body: toWire(visibleValues(ACCOUNT_ATTRIBUTES, one, who)), revision: one.revision }
    },
  }),
  route({
    method: 'patch',
    path: '/accounts/{account_id}',
    operation: updateAccount,
    id: 'updateAccount',
    tag: TAG,
    summary: 'Update an account',
    params: pathParams,
    body: change,
    responses: { 200: account },
    etag: true,
    async handle({ management, who, params, body, ifMatch }) {
      const values = fromWireValues(ACCOUNT_ATTRIBUTES, body)
      return toReply(await updateAccount(management, who, { ...toDomain(params), ...values, revision: ifMatch }))
    },
  }),
  ...STATUS_ROUTES.map(([action, name, operation, summary, handle, dryRun]) =>
    route({
      method: 'post',
      path: `/accounts/{account_id}/${action}`,
      operation,
      id: name,
      tag: TAG,
      summary,
      params: pathParams,
      responses: { 200: account },
      etag: true,
      handle,
      ...(dryRun && { dryRun }),
    }),
  ),
]
