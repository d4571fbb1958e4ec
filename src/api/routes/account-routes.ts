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
import { bounded, id, idText, moment, name, pageOf, pageQuery, revision, search, viewPage } from '../fields.ts'
import { type ApiRoute, type Call, route } from '../route.ts'
import { toDomain, toWire } from '../wire-names.ts'

const TAG = 'Accounts'

const status = z.enum(['active', 'disabled'])

const bare = {
  id: idText,
  name: z.string(),
  status,
  api_enabled: z.boolean().meta({ description: 'Off: none of its clients works; its people may sign in all the same' }),
  created_at: moment,
  revision,
}

const counts = { people: bounded, applications: bounded }

const account = z.object(bare).meta({ id: 'Account' })

const summary = z.object({ ...bare, ...counts }).meta({ id: 'AccountSummary' })

const details = z
  .object({
    ...bare,
    ...counts,
    admins: z.number().int().meta({ description: 'Active ones' }),
    key_pairs: z.number().int(),
    live_tokens: bounded,
  })
  .meta({ id: 'AccountDetails' })

const named = z.strictObject({ name }).meta({ id: 'AccountName', examples: [{ name: 'ACME Corp' }] })

const which = z.strictObject({ account_id: id })

type OfOne = Call<z.output<typeof which>>

const toReply = (one: Account) => ({ body: toWire(one), revision: one.revision })

const setStatus = (to: 'active' | 'disabled') => async (call: OfOne) =>
  toReply(await setAccountStatus(call.management, call.who, { ...toDomain(call.params), status: to }))

const switchApi = (enabled: boolean) => async (call: OfOne) =>
  toReply(await setAccountApi(call.management, call.who, { ...toDomain(call.params), enabled }))

/** The four switches of an account. */
const SWITCHES = [
  [
    'disable',
    'disableAccount',
    setAccountStatus,
    'Switch an account off, with all that its people and clients hold',
    setStatus('disabled'),
  ],
  [
    'enable',
    'enableAccount',
    setAccountStatus,
    'Switch an account on again; what ended stays ended',
    setStatus('active'),
  ],
  [
    'api/disable',
    'disableAccountApi',
    setAccountApi,
    'Switch the API off for an account, with every token of its clients',
    switchApi(false),
  ],
  ['api/enable', 'enableAccountApi', setAccountApi, 'Switch the API on again for an account', switchApi(true)],
] as const

export const ACCOUNT_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/accounts',
    operation: listAccounts,
    id: 'listAccounts',
    tag: TAG,
    summary: 'Accounts, in the order of their names',
    query: z.strictObject({ search: search.optional(), status: status.optional(), ...pageQuery }),
    answers: { 200: pageOf(summary) },
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
    summary: 'Add an account',
    body: named,
    answers: { 201: account },
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
    summary: 'One account; admins may read their own',
    params: which,
    answers: { 200: details },
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
    params: which,
    body: named,
    answers: { 200: account },
    etag: true,
    handle: async ({ management, who, params, body, ifMatch }) =>
      toReply(await updateAccount(management, who, { ...toDomain(params), ...body, revision: ifMatch })),
  }),
  ...SWITCHES.map(([act, name, operation, summary, handle]) =>
    route({
      method: 'post',
      path: `/accounts/{account_id}/${act}`,
      operation,
      id: name,
      tag: TAG,
      summary,
      params: which,
      answers: { 200: account },
      etag: true,
      handle,
    }),
  ),
]
