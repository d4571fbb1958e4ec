import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { KEY_PAIR_ATTRIBUTES } from '../clients/client-attributes.ts'
import { checkSettingsChange } from '../clients/client-rules.ts'
import type { ClientSettings } from '../clients/client-settings.ts'
import { type Client, type ClientRow, toClient } from '../clients/clients.ts'
import { isPairAllowed } from '../clients/key-pair-apis.ts'
import { invalidFields, KeywrightError, notFound } from '../shared/errors.ts'
import { CHOOSABLE, type ChoosableApi } from './application-forms.ts'
import type { ApplicationChange } from './application-operations.ts'
import { APIS_OF_CLIENT, type ClientApiView } from './client-parts.ts'
import { updateClient } from './client-registration.ts'
import { visibleApi } from './management-scopes.ts'
import { operation } from './operation.ts'
import type { Principal } from './principal.ts'
import { checkTenant, clientFor } from './tenant-isolation.ts'

/** A key pair acts for its owner, so other admins of the account may stop it and not change it. */
export const mayEditKeyPair = ({ role, userId }: Principal, client: Client): boolean =>
  role === 'operator' || (userId !== null && client.userId === userId)

/** @throws KeywrightError `not_found`, `forbidden` */
export async function editableKeyPair(db: Knex, principal: Principal, clientId: string): Promise<Client> {
  const client = await clientFor(db, principal, clientId)
  if (client.kind !== 'key_pair') throw notFound('key pair', clientId)
  if (!mayEditKeyPair(principal, client))
    throw new KeywrightError('forbidden', 'only its owner can change the settings of a key pair')
  return client
}

/** @throws KeywrightError `forbidden`, `invalid_input` (no setting of a key pair) */
export function checkKeyPairChange({ role }: Principal, before: Client, settings: Partial<ClientSettings>): void {
  const others = Object.keys(settings).filter((name) => !Object.hasOwn(KEY_PAIR_ATTRIBUTES, name))
  if (others.length > 0)
    throw invalidFields(others.map((field) => ({ field, message: 'is not a setting of a key pair' })))
  checkSettingsChange(role, before, settings)
}

/** The data of the form that changes a key pair. */
export interface KeyPairForm {
  readonly client: Client
  /** Whether the principal may change it. */
  readonly mayEdit: boolean
  readonly apis: readonly ClientApiView[]
  /** The APIs that it could be allowed to call. */
  readonly choosableApis: readonly ChoosableApi[]
}

const READ = `
  SELECT c.*, (${APIS_OF_CLIENT}) AS apis, (${CHOOSABLE}) AS choosable
    FROM clients c
   WHERE c.client_id = ? AND c.kind = 'key_pair'`

interface FormRow extends ClientRow {
  apis: ClientApiView[] | null
  choosable: ChoosableApi[]
}

/** @throws KeywrightError `not_found` */
export const readKeyPairForm = operation<{ clientId: string }, KeyPairForm>(
  PERMISSIONS.manageKeyPairs,
  async ({ knex }, principal, { clientId }) => {
    const row: FormRow | undefined = (await knex.raw(READ, [clientId])).rows[0]
    if (!row) throw notFound('key pair', clientId)
    checkTenant(principal, row.account_id, 'key pair', clientId)
    const client = toClient(row)
    const choosable = row.choosable.filter(({ keyPairs }) => isPairAllowed(client, keyPairs))
    return {
      client,
      mayEdit: mayEditKeyPair(principal, client),
      apis: (row.apis ?? []).map((api) => visibleApi(api, principal)),
      choosableApis: choosable.map((api) => visibleApi(api, principal)),
    }
  },
)

interface KeyPairUpdate extends ApplicationChange {
  readonly clientId: string
  /** The revision that the caller read; absent: any revision. */
  readonly revision?: number | undefined
}

/** Changes the settings and the access of a key pair. Tokens beyond the new rights are revoked. @throws KeywrightError also `stale` */
export const updateKeyPair = operation<KeyPairUpdate, { client: Client; apiKey?: string }>(
  PERMISSIONS.manageKeyPairs,
  async ({ knex }, principal, { clientId, revision, ...change }) => {
    await editableKeyPair(knex, principal, clientId)
    const check = (before: Client) => checkKeyPairChange(principal, before, change.settings)
    return await updateClient(knex, clientId, change, principal.actor, { expected: revision, check })
  },
)
