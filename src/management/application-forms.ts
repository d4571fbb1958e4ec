import { PERMISSIONS } from '../accounts/permissions.ts'
import type { KeyPairPolicy } from '../apis/api-attributes.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import { type Client, type ClientRow, toClient } from '../clients/clients.ts'
import { applicationDefaults, DEFAULT_ATTRIBUTES } from '../clients/instance-attributes.ts'
import { asJsonArguments } from '../shared/attribute-columns.ts'
import type { ValuesOf } from '../shared/attributes.ts'
import { notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { APIS_OF_CLIENT, type ClientApiView } from './client-parts.ts'
import { checkMayChangeApplication, isChoosable } from './developer-limits.ts'
import { MANAGEMENT_API, visibleApi } from './management-scopes.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { checkTenant } from './tenant-isolation.ts'

/** A scope with its text on the consent page; without a text, the title is the scope itself. */
export interface ChoosableScope {
  readonly scope: string
  readonly title: string
  readonly description: string
}

/** An API that an application can be allowed to call. */
export interface ChoosableApi {
  readonly identifier: string
  readonly isDefault: boolean
  /** The management API. */
  readonly builtIn: boolean
  readonly keyPairs: KeyPairPolicy
  readonly dpopRequired: boolean
  readonly scopes: readonly ChoosableScope[]
}

/** The data of the form for a new application. */
export interface NewApplicationForm {
  /** The default API first, the management API last. */
  readonly choosableApis: readonly ChoosableApi[]
  /** Initial settings of a new application. */
  readonly initial: Omit<ClientSettings, 'name' | 'grants'>
  /** Name of the given account; null if no account has this ID. */
  readonly accountName: string | null
}

/** The data of the form for changing an application. */
export interface ApplicationForm {
  readonly client: Client
  readonly accountName: string | null
  readonly apis: readonly ClientApiView[]
  readonly choosableApis: readonly ChoosableApi[]
}

/** SQL: the APIs that can be chosen in a form, with the texts of their scopes. */
export const CHOOSABLE = `
  SELECT coalesce(json_agg(json_build_object(
           'identifier', p.identifier, 'isDefault', p.is_default, 'builtIn', p.built_in, 'keyPairs', p.key_pairs,
           'dpopRequired', p.dpop_required,
           'scopes', (SELECT json_agg(json_build_object('scope', w.scope, 'title', coalesce(t.title, w.scope),
                                                        'description', coalesce(t.description, '')) ORDER BY w.n)
                        FROM unnest(p.scopes) WITH ORDINALITY AS w (scope, n)
                        LEFT JOIN scope_texts t ON t.api_id = p.id AND t.scope = w.scope))
           ORDER BY p.is_default DESC, p.built_in, p.identifier), '[]') FROM apis p`

const READ_NEW = `
  SELECT (${CHOOSABLE}) AS choosable,
         (SELECT a.name FROM accounts a WHERE a.id = ?::uuid) AS account_name,
         json_build_object(${asJsonArguments(DEFAULT_ATTRIBUTES, 'i')}) AS defaults
    FROM instance_settings i`

interface NewRow {
  choosable: ChoosableApi[]
  account_name: string | null
  defaults: ValuesOf<typeof DEFAULT_ATTRIBUTES>
}

const choosableFor = (principal: Principal, apis: readonly ChoosableApi[]): ChoosableApi[] =>
  apis.filter((api) => isChoosable(principal, api)).map((api) => visibleApi(api, principal))

interface ForAccount {
  /** Absent: the principal's own account, or no account yet for an operator. */
  readonly accountId?: string | undefined
}

export const readNewApplicationForm = operation<ForAccount, NewApplicationForm>(
  PERMISSIONS.manageApplications,
  async ({ knex }, principal, { accountId }) => {
    const named = principal.role === 'operator' ? accountId : undefined
    const { rows } = await knex.raw(READ_NEW, [named !== undefined && isId(named) ? named : null])
    const row: NewRow = rows[0]
    return {
      choosableApis: choosableFor(principal, row.choosable),
      initial: { ...DEFAULT_SETTINGS, ...applicationDefaults(row.defaults) },
      accountName: row.account_name,
    }
  },
)

const READ = `
  SELECT c.*, a.name AS account_name, (${APIS_OF_CLIENT}) AS apis, (${CHOOSABLE}) AS choosable
    FROM clients c
    LEFT JOIN accounts a ON a.id = c.account_id
   WHERE c.client_id = ? AND c.kind = 'application'`

interface FormRow extends ClientRow {
  account_name: string | null
  apis: ClientApiView[] | null
  choosable: ChoosableApi[]
}

export const readApplicationForm = operation<{ clientId: string }, ApplicationForm>(
  PERMISSIONS.manageApplications,
  async ({ knex }, principal, { clientId }) => {
    const { rows } = await knex.raw(READ, [clientId])
    const row: FormRow | undefined = rows[0]
    if (!row) throw notFound('client', clientId)
    checkTenant(principal, row.account_id, 'client', clientId)
    const isOfManagement = row.apis?.some(({ identifier }) => identifier === MANAGEMENT_API) ?? false
    const client = toClient(row)
    checkMayChangeApplication(principal, client.name, isOfManagement)
    return {
      client,
      accountName: row.account_name,
      apis: row.apis ?? [],
      choosableApis: choosableFor(principal, row.choosable),
    }
  },
)
