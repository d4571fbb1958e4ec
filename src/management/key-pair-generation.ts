import type { Knex } from 'knex'
import { lockAccountWithApiShared } from '../accounts/accounts.ts'
import { lockUserExclusive } from '../accounts/user-locks.ts'
import { findUser, findUserById, type User } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import {
  checkDefaultScopes,
  copyClientApis,
  resolveApis,
  scopeRestrictionOf,
  setClientApis,
} from '../clients/client-apis.ts'
import { operatorSettingsOf } from '../clients/client-rules.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import {
  type Client,
  clientEntry,
  findKeyPairOf,
  findLatestKeyPairOf,
  insertClient,
  setClientStatus,
} from '../clients/clients.ts'
import { CLIENT_CREDENTIALS_GRANT } from '../clients/grant-types.ts'
import { lockInstanceShared } from '../clients/instance-settings.ts'
import { invalidInput, KeywrightError, stale } from '../shared/errors.ts'
import { countRevoked, type RevokedEpoch } from '../tokens/active-tokens.ts'
import { addSecrets, type NewSecrets } from './client-secret-rotation.ts'

export interface KeyPairRequest {
  /** ID or email address of the admin who owns the key pair. */
  readonly user: string
  /** Identifiers of APIs, the default first; empty: those of the former key pair, or the instance's default API. */
  readonly apis: readonly string[]
  /** Client ID of the key pair that the caller expects to replace; null: none; undefined: any. */
  readonly replaces?: string | null | undefined
}

/** Sets the given APIs, limited to the scopes of the former key pair; without any, copies those of the former key pair. */
async function setApis(trx: Knex, client: Client, former: Client | undefined, named: readonly string[]): Promise<void> {
  if (former && named.length === 0) return await copyClientApis(trx, former.key, client.key)
  const narrowing = former ? await scopeRestrictionOf(trx, former.key) : null
  await setClientApis(trx, client.key, await resolveApis(trx, named), narrowing)
}

const notAnAdmin = ({ email, role }: User) =>
  invalidInput(`${email} has the role ${role}; key pairs belong to admins of accounts`)

/** Locks and returns the admin. @throws KeywrightError `not_found`, `invalid_input`, `conflict` */
async function lockAdmin(trx: Knex, idOrEmail: string): Promise<User> {
  const found = await findUser(trx, idOrEmail)
  if (found.role !== 'admin') throw notAnAdmin(found)
  await lockInstanceShared(trx)
  await lockAccountWithApiShared(trx, found.accountId!)
  // Serializes two generations for one user, also of a first key pair, which has no row to lock yet.
  await lockUserExclusive(trx, found.id)
  await trx('users').where({ id: found.id }).forNoKeyUpdate().first('id')
  const user = (await findUserById(trx, found.id))!
  if (user.status !== 'active') throw new KeywrightError('conflict', `the user ${user.email} is disabled`)
  if (user.role !== 'admin') throw notAnAdmin(user)
  return user
}

const nameOfPair = ({ email }: User) => [...`Key pair of ${email}`].slice(0, 200).join('')

/** Settings that only operators change stay with the user: losing and regaining the admin role must not reset them. */
async function initialSettings(trx: Knex, user: User): Promise<ClientSettings> {
  const initial = { ...DEFAULT_SETTINGS, name: nameOfPair(user), grants: [CLIENT_CREDENTIALS_GRANT] }
  const former = await findLatestKeyPairOf(trx, user.id)
  return former ? { ...initial, ...operatorSettingsOf(former) } : initial
}

/** @throws KeywrightError `stale` if the key pair is not the one that the caller expects */
function expectPair(former: Client | undefined, { replaces }: KeyPairRequest): void {
  if (replaces !== undefined && replaces !== (former?.clientId ?? null)) throw stale('the key pair')
}

/**
 * `generateKeyPair` in the caller's transaction. After its commit the caller may count the tokens of `revokedEpochs`.
 * @throws KeywrightError as `generateKeyPair`
 */
export async function generateKeyPairInTransaction(
  trx: Knex,
  request: KeyPairRequest,
  actor: Actor,
): Promise<NewSecrets & { client: Client; revokedEpochs: RevokedEpoch[] }> {
  const user = await lockAdmin(trx, request.user)
  const former = await findKeyPairOf(trx, user.id)
  expectPair(former, request)
  if (former) await setClientStatus(trx, former, 'replaced')
  const owner = { kind: 'key_pair' as const, accountId: user.accountId!, userId: user.id, apiId: null }
  const client = await insertClient(trx, owner, former ?? (await initialSettings(trx, user)))
  await setApis(trx, client, former, request.apis)
  await checkDefaultScopes(trx, client)
  const replaced = former && { replaced: former.clientId }
  await recordAudit(trx, actor, clientEntry('key_pair.generated', client, { user_id: user.id, ...replaced }))
  const revokedEpochs = former ? [{ clientKey: former.key, revocationEpoch: former.revocationEpoch }] : []
  return { client, ...(await addSecrets(trx, client)), revokedEpochs }
}

/**
 * Generates a key pair. The user's former key pair stops working, and all its tokens are revoked, when this returns
 * (guarantee 1). The new key pair keeps the former settings, and the former APIs unless others are given. `revoked` counts
 * the revoked active tokens; null if there were too many to count.
 * @throws KeywrightError `not_found`, `invalid_input`, `conflict`, `stale`
 */
export async function generateKeyPair(
  knex: Knex,
  request: KeyPairRequest,
  actor: Actor,
): Promise<NewSecrets & { client: Client; revoked: number | null }> {
  const { revokedEpochs, ...generated } = await knex.transaction((trx) =>
    generateKeyPairInTransaction(trx, request, actor),
  )
  return { ...generated, revoked: await countRevoked(knex, revokedEpochs) }
}
