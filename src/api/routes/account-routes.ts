import { z } from 'zod'
import type { Account } from '../../accounts/accounts.ts'
import {
  createAccount,
  listAccounts,
  readAccount,
  setAccountApi,
  setAccountStatus,
  updateAccount,
} from '../../management/account-operations.ts'
import { bounded, id, idText, name, pageOf, pageQuery, revision, search, timestamp, viewPage } from '../fields.ts'
import { type ApiRoute, type Call, route } from '../route.ts'
import { toDomain, toWire } from '../wire-names.ts'

const TAG = 'Accounts'

const status = z.enum(['active', 'disabled'])

const attributes = {
  id: idText,
  name: z.string(),
  status,
  api_enabled: z.boolean().meta({ description: 'false: no client of the account works; its users can still sign in' }),
  created_at: timestamp,
  revision,
}

const counts = { users: bounded, applications: bounded }

const account = z.object(attributes).meta({ id: 'Account' })

const summary = z.object({ ...attributes, ...counts }).meta({ id: 'AccountSummary' })

const details = z
  .object({
    ...attributes,
    ...counts,
    admins: z.number().int().meta({ description: 'Active admins' }),
    key_pairs: z.number().int(),
    live_tokens: bounded,
  })
  .meta({ id: 'AccountDetails' })

const named = z.strictObject({ name }).meta({ id: 'AccountName', examples: [{ name: 'ACME Corp' }] })

const pathParams = z.strictObject({ account_id: id })

type ParamsCall = Call<z.output<typeof pathParams>>

const toReply = (one: Account) => ({ body: toWire(one), revision: one.revision })

const setStatus = (to: 'active' | 'disabled') => async (call: ParamsCall) =>
  toReply(await setAccountStatus(call.management, call.who, { ...toDomain(call.params), status: to }))

const switchApi = (enabled: boolean) => async (call: ParamsCall) =>
  toReply(await setAccountApi(call.management, call.who, { ...toDomain(call.params), enabled }))

/** The routes that enable and disable an account or its API. */
const STATUS_ROUTES = [
  [
    'disable',
    'disableAccount',
    setAccountStatus,
    'Disable an account; revokes the sessions and tokens of its users and clients',
    setStatus('disabled'),
  ],
  ['enable', 'enableAccount', setAccountStatus, 'Enable an account; revoked tokens stay revoked', setStatus('active')],
  [
    'api/disable',
    'disableAccountApi',
    setAccountApi,
    'Disable the API for an account; revokes every token of its clients',
    switchApi(false),
  ],
  ['api/enable', 'enableAccountApi', setAccountApi, 'Enable the API for an account', switchApi(true)],
] as const

export const ACCOUNT_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/accounts',
    operation: listAccounts,
    id: 'listAccounts',
    tag: TAG,
    summary: 'List accounts, sorted by name',
    query: z.strictObject({ search: search.optional(), status: status.optional(), ...pageQuery }),
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
    body: named,
    responses: { 201: account },
    idempotent: true,
    etag: true,
    handle: async ({ management, who, body }) => toReply(await createAccount(management, who, body)),
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
      return { body: toWire(one), revision: one.revision }
    },
  }),
  route({
    method: 'patch',
    path: '/accounts/{account_id}',
    operation: updateAccount,
    id: 'updateAccount',
    tag: TAG,
    summary: 'Rename an account',
    params: pathParams,
    body: named,
    responses: { 200: account },
    etag: true,
    handle: async ({ management, who, params, body, ifMatch }) =>
      toReply(await updateAccount(management, who, { ...toDomain(params), ...body, revision: ifMatch })),
  }),
  ...STATUS_ROUTES.map(([action, name, operation, summary, handle]) =>
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
    }),
  ),
]
