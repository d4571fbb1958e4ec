import type { Knex } from 'knex'
import { includesRole } from '../accounts/permissions.ts'
import type { Role } from '../accounts/user-attributes.ts'
import type { KeyFetches } from '../clients/key-fetches.ts'
import type { WorkloadTokenChecker } from '../clients/workload-token-checks.ts'
import type { DelegatedTokens } from '../exchange/delegated-tokens.ts'
import type { ProviderChecks } from '../identity-providers/provider-checks.ts'
import type { MailSummary } from '../mail/mail-summary.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { DryRunResult } from './dry-run.ts'
import type { ManagementScope } from './management-scopes.ts'
import type { Principal } from './principal.ts'
import { isProgram, requireRecentSignIn } from './recent-sign-in.ts'

/** The services that operations use. `knex` may be a transaction. */
export interface Management {
  readonly knex: Knex
  /** A small pool for operations that only read, so that they do not block others. Not used in a transaction. */
  readonly reports?: Knex
  readonly encryptionKeys: EncryptionKeys
  /** Absent: Keywright sends no e-mail. */
  readonly mail?: MailSummary | undefined
  /** Absent on the command line. */
  readonly delegatedTokens?: DelegatedTokens | undefined
  /** The issuer identifier, for URLs in responses. Absent on the command line. */
  readonly issuerUrl?: (() => string) | undefined
  /** Asks identity providers and DNS. Absent: nothing is asked. */
  readonly upstream?: ProviderChecks | undefined
  /** Compares tokens of workloads to trusts, and reads the keys of issuers for that. */
  readonly checkWorkloadToken?: WorkloadTokenChecker | undefined
  /** Fetches the public keys that a client publishes. Absent: nothing is fetched. */
  readonly fetchKeys?: KeyFetches['fetchNow'] | undefined
}

/** The least role that an operation requires, and the scope that an access token needs. `accounts/permissions.ts` has them all. */
export interface RequiredPermission {
  readonly role: Role
  readonly scope: ManagementScope
  /** A user must have signed in recently (`recent-sign-in.ts`). A program or the command line is not affected. */
  readonly recentSignIn?: boolean
}

/** @throws KeywrightError `forbidden` */
export function requirePermission({ role, scopes }: Principal, permission: RequiredPermission): void {
  if (!includesRole(role, permission.role)) {
    throw new KeywrightError('forbidden', `this requires the role ${permission.role}; your role is ${role}`)
  }
  if (scopes && !scopes.has(permission.scope)) {
    throw new KeywrightError('forbidden', `this requires an access token with the scope ${permission.scope}`)
  }
}

/** One thing that a principal may do. The console, the management API and the command line call the same operation. */
export interface Operation<Input, Output> {
  (management: Management, principal: Principal, input: Input): Promise<Output>
  readonly permission: RequiredPermission
}

const isRead = ({ scope }: RequiredPermission): boolean => scope.endsWith(':read')

const forReading = (management: Management): Management =>
  management.reports && !management.knex.isTransaction ? { ...management, knex: management.reports } : management

/** Defines an operation, which checks the permission before it runs. */
export function operation<Input, Output>(
  permission: RequiredPermission,
  run: (management: Management, principal: Principal, input: Input) => Promise<Output>,
): Operation<Input, Output> {
  const guarded = async (management: Management, principal: Principal, input: Input): Promise<Output> => {
    requirePermission(principal, permission)
    return await run(isRead(permission) ? forReading(management) : management, principal, input)
  }
  return Object.assign(guarded, { permission })
}

/** An operation that stops callers. Its dry run requires the same permission and changes nothing. */
export interface DestructiveOperation<Input, Output, Described = Input, Result = DryRunResult>
  extends Operation<Input, Output> {
  readonly dryRun: Operation<Described, Result>
}

interface Destruction<Input, Output, Described, Result> {
  run(management: Management, principal: Principal, input: Input): Promise<Output>
  /** What `run` would affect now. It only reads. */
  affected(management: Management, principal: Principal, input: Described): Promise<Result>
}

/**
 * Defines an operation that stops callers, with its dry run. A user must have signed in recently.
 * @throws KeywrightError also `insufficient_user_authentication`
 */
export function destructiveOperation<Input, Output, Described = Input, Result = DryRunResult>(
  permission: RequiredPermission,
  { run, affected }: Destruction<Input, Output, Described, Result>,
): DestructiveOperation<Input, Output, Described, Result> {
  const dryRun = operation<Described, Result>(permission, async (management, principal, input) =>
    affected(forReading(management), principal, input),
  )
  const guarded = operation<Input, Output>({ ...permission, recentSignIn: true }, (management, principal, input) => {
    if (!isProgram(principal)) requireRecentSignIn(principal, 'this')
    return run(management, principal, input)
  })
  return Object.assign(guarded, { dryRun })
}
