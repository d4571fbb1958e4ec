import type { Knex } from 'knex'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { ManagementScope } from './management-scopes.ts'
import type { Principal } from './principal.ts'

/** What the operations work with. `knex` may be a transaction. */
export interface Management {
  readonly knex: Knex
  /** What operations that only read work with, outside a transaction: few connections, so that they hold up nobody. */
  readonly reports?: Knex
  readonly encryptionKeys: EncryptionKeys
}

/** Who may: from this role on (operators may what admins may), and with a token that allows this. */
export interface RequiredPermission {
  readonly role: 'member' | 'admin' | 'operator'
  readonly scope: ManagementScope
}

const RANK = { member: 0, admin: 1, operator: 2 } as const

/** @throws KeywrightError `forbidden` */
export function requirePermission({ role, scopes }: Principal, permission: RequiredPermission): void {
  if (RANK[role] < RANK[permission.role]) {
    throw new KeywrightError('forbidden', `this takes the role ${permission.role}, and yours is ${role}`)
  }
  if (scopes && !scopes.has(permission.scope)) {
    throw new KeywrightError('forbidden', `this takes a token with the scope ${permission.scope}`)
  }
}

/** One thing that a principal may do. The console, the management API and the command line call the same operation. */
export interface Operation<Input, Output> {
  (management: Management, who: Principal, input: Input): Promise<Output>
  readonly permission: RequiredPermission
}

const isRead = ({ scope }: RequiredPermission): boolean => scope.endsWith(':read')

const forReading = (management: Management): Management =>
  management.reports && !management.knex.isTransaction ? { ...management, knex: management.reports } : management

/** Nothing of `run` happens before its need is met. */
export function operation<Input, Output>(
  permission: RequiredPermission,
  run: (management: Management, who: Principal, input: Input) => Promise<Output>,
): Operation<Input, Output> {
  const guarded = async (management: Management, who: Principal, input: Input): Promise<Output> => {
    requirePermission(who, permission)
    return await run(isRead(permission) ? forReading(management) : management, who, input)
  }
  return Object.assign(guarded, { permission })
}
