import type { Knex } from 'knex'
import { hasPermission, PERMISSIONS } from '../accounts/permissions.ts'
import type { Client } from '../clients/clients.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { ClientCheck } from './client-secret-rotation.ts'
import { MANAGEMENT_API } from './management-scopes.ts'
import type { Principal } from './principal.ts'

// An application that may call the management API acts as an admin. A developer who could give an application that right, or get a
// secret of one that has it, would have the permissions of an admin.

const forbidden = (message: string) => new KeywrightError('forbidden', message)

/** @param apis identifiers that a developer names for an application @throws KeywrightError `forbidden` */
export function checkMayAllowApis({ role }: Principal, apis: readonly string[] | undefined): void {
  if (role === 'developer' && apis?.includes(MANAGEMENT_API))
    throw forbidden('only an admin may allow an application to call the management API')
}

/** Whether the principal sees the API among those that an application may be allowed to call. */
export const isChoosable = ({ role }: Principal, { identifier }: { readonly identifier: string }): boolean =>
  role !== 'developer' || identifier !== MANAGEMENT_API

/** SQL: whether the client `c` may call the management API. */
export const CALLS_MANAGEMENT_API = `
  EXISTS (SELECT FROM client_apis x JOIN apis p ON p.id = x.api_id
           WHERE x.client_id = c.id AND p.identifier = '${MANAGEMENT_API}')`

const callsManagementApi = async (db: Knex, clientKey: number): Promise<boolean> => {
  const [row] = await db('clients AS c')
    .where('c.id', clientKey)
    .select(db.raw(`${CALLS_MANAGEMENT_API} AS calls`))
  return row?.calls ?? false
}

/** Whether the principal may change an application that may call these APIs. */
export const mayChangeApplication = (principal: Principal, apis: readonly { readonly identifier: string }[]): boolean =>
  hasPermission(principal, PERMISSIONS.manageApplications) && apis.every((api) => isChoosable(principal, api))

/** @throws KeywrightError `forbidden` */
export function checkMayChangeApplication({ role }: Principal, name: string, mayCallManagementApi: boolean): void {
  if (role === 'developer' && mayCallManagementApi)
    throw forbidden(`${name} may call the management API, so only an admin may change it`)
}

/** Whether the principal may stop a key pair and revoke its tokens. */
export const mayStopKeyPair = (principal: Principal, { userId }: Client): boolean =>
  hasPermission(principal, PERMISSIONS.manageKeyPairs) &&
  (principal.role !== 'developer' || userId === principal.userId)

/** Checks whether the principal may change an application. @throws KeywrightError `forbidden` */
export async function checkMayChange(db: Knex, principal: Principal, { key, name }: Client): Promise<void> {
  if (principal.role === 'developer') checkMayChangeApplication(principal, name, await callsManagementApi(db, key))
}

/**
 * The same for a transaction that has locked the application: meanwhile, an admin may have allowed it to call the management API.
 */
export const mayChangeCheck =
  (principal: Principal): ClientCheck =>
  (locked, trx) =>
    checkMayChange(trx, principal, locked)

/** Checks whether the principal may revoke the tokens of an application or key pair. @throws KeywrightError `forbidden` */
export function checkMayRevoke({ role, userId }: Principal, client: Client): void {
  if (role === 'developer' && client.kind === 'key_pair' && client.userId !== userId)
    throw forbidden('only its owner and admins may stop this key pair or revoke its tokens')
}
