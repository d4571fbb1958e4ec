import type { Knex } from 'knex'
import { lockAccountWithApiShared } from '../accounts/accounts.ts'
import { mayOwnKeyPairs } from '../accounts/permissions.ts'
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
import { type Client, clientEntry, insertClient, type PairIdentity, setClientStatus } from '../clients/clients.ts'
import { CLIENT_CREDENTIALS_GRANT } from '../clients/grant-types.ts'
import { lockInstanceShared } from '../clients/instance-settings.ts'
import { checkStoredPairApis } from '../clients/key-pair-apis.ts'
import { countNamedKeyPairs, findLatestKeyPairOf, lockKeyPairOf } from '../clients/key-pairs.ts'
import { continueQuotaUse } from '../clients/quotas.ts'
import type { Environment } from '../shared/environments.ts'
import { invalidInput, KeywrightError, notFound, stale } from '../shared/errors.ts'
import { nameError } from '../shared/names.ts'
import { countRevoked, type RevokedEpoch } from '../tokens/active-tokens.ts'
import { addCredentials, type NewSecrets } from './issued-credentials.ts'

export interface KeyPairRequest {
  /** ID or email address of the user who owns the key pair. */
  readonly user: string
  /** The account in which the user gets it; absent: the first one. */
  readonly accountId?: string | undefined
  /** The name of the key pair; absent or null: the default one. Names are compared without regard to case. */
  readonly pairName?: string | null | undefined
  /** Of a new named key pair; later key pairs with the name keep it. */
  readonly environment?: Environment | null | undefined
  /** Identifiers of APIs, the default first; empty: those of the former key pair, or the instance's default API. */
  readonly apis: readonly string[]
  /** Client ID of the key pair that the caller expects to replace; null: none; undefined: any. */
  readonly replaces?: string | null | undefined
  /** When the client secret expires; null or undefined: at the end of the longest allowed lifetime. */
  readonly secretExpiresAt?: Date | null | undefined
}

/** Sets the given APIs, limited to the scopes of the former key pair; without any, copies those of the former key pair. */
async function setApis(trx: Knex, client: Client, former: Client | undefined, named: readonly string[]): Promise<void> {
  if (former && named.length === 0) return await copyClientApis(trx, former.key, client.key)
  const narrowing = former ? await scopeRestrictionOf(trx, former.key) : null
  await setClientApis(trx, client.key, await resolveApis(trx, named), narrowing)
}

const ownerOf = ({ id, accountId }: User) => ({ userId: id, accountId: accountId! })

const mayOwnNone = ({ email, role }: User) =>
  invalidInput(`${email} has the role ${role}; key pairs belong to developers and admins of accounts`)

/** Locks the owner, and returns them as they are in the account. @throws KeywrightError `not_found`, `invalid_input`, `conflict` */
async function lockOwner(trx: Knex, { user: idOrEmail, accountId }: KeyPairRequest): Promise<User> {
  const { id } = await findUser(trx, idOrEmail)
  const found = await findUserById(trx, id, accountId)
  if (!found) throw notFound('user', idOrEmail)
  if (!mayOwnKeyPairs(found.role)) throw mayOwnNone(found)
  await lockInstanceShared(trx)
  await lockAccountWithApiShared(trx, found.accountId!)
  // Serializes two generations for one user, also of a first key pair, which has no row to lock yet.
  await lockUserExclusive(trx, id)
  await trx('users').where({ id }).forNoKeyUpdate().first('id')
  // In the same account, also when the first account has become another one meanwhile.
  const user = await findUserById(trx, id, found.accountId!)
  if (!user) throw notFound('user', idOrEmail)
  if (user.status !== 'active') throw new KeywrightError('conflict', `the user ${user.email} is disabled`)
  if (!mayOwnKeyPairs(user.role)) throw mayOwnNone(user)
  return user
}

/** As the constraint `clients_pair_name` says. */
const MAX_NAME = 60

/** A user may have so many active named key pairs. */
export const MAX_NAMED_PAIRS = 20

/** @throws KeywrightError `invalid_input` */
function pairNameOf({ pairName }: KeyPairRequest): string | null {
  if (pairName === undefined || pairName === null) return null
  const error = nameError('the name of a key pair', pairName, MAX_NAME)
  if (error) throw invalidInput(error, 'pairName')
  return pairName.trim()
}

/** The environment of a name never changes. @throws KeywrightError `invalid_input` */
function environmentOf(name: string | null, former: Client | undefined, { environment }: KeyPairRequest) {
  if (environment && name === null) throw invalidInput('only a named key pair has an environment', 'environment')
  if (!former || environment === undefined || environment === former.environment)
    return former?.environment ?? environment ?? null
  const present = former.environment ? `in the environment ${former.environment}` : 'without an environment'
  throw invalidInput(`the key pair ${former.pairName} is ${present}; choose another name`, 'environment')
}

/** @throws KeywrightError `conflict` */
async function checkNumber(trx: Knex, user: User): Promise<void> {
  const { email } = user
  if ((await countNamedKeyPairs(trx, ownerOf(user))) < MAX_NAMED_PAIRS) return
  throw new KeywrightError('conflict', `${email} has ${MAX_NAMED_PAIRS} named key pairs; stop one of them first`)
}

/** @throws KeywrightError `invalid_input`, `conflict` */
async function identityOf(
  trx: Knex,
  user: User,
  former: Client | undefined,
  request: KeyPairRequest,
): Promise<PairIdentity> {
  const name = pairNameOf(request)
  if (name !== null && former?.status !== 'active') await checkNumber(trx, user)
  return { pairName: former?.pairName ?? name, environment: environmentOf(name, former, request) }
}

const nameOfPair = ({ email }: User, pairName: string | null) =>
  [...(pairName === null ? `Key pair of ${email}` : `${pairName}: key pair of ${email}`)].slice(0, 200).join('')

/** @param latest from which it has the settings that only operators change */
function initialSettings(user: User, pairName: string | null, latest: Client | undefined): ClientSettings {
  const initial = { ...DEFAULT_SETTINGS, name: nameOfPair(user, pairName), grants: [CLIENT_CREDENTIALS_GRANT] }
  return latest ? { ...initial, ...operatorSettingsOf(latest) } : initial
}

/**
 * Settings that only operators change, and the use of quotas, stay with the user in the account: losing and regaining a role must not reset
 * them, and a named key pair begins with those of the default one.
 */
async function insertKeyPair(trx: Knex, user: User, former: Client | undefined, pair: PairIdentity): Promise<Client> {
  const latest = former ?? (await findLatestKeyPairOf(trx, ownerOf(user), pair.pairName))
  const owner = { kind: 'key_pair' as const, accountId: user.accountId!, userId: user.id, apiId: null, ...pair }
  const client = await insertClient(trx, owner, former ?? initialSettings(user, pair.pairName, latest))
  if (latest) await continueQuotaUse(trx, client.key, latest.key)
  return client
}

/** @throws KeywrightError `stale` if the key pair is not the one that the caller expects */
function expectPair(former: Client | undefined, { replaces }: KeyPairRequest): void {
  if (replaces !== undefined && replaces !== (former?.clientId ?? null)) throw stale('the key pair')
}

const detailOf = ({ userId, pairName, environment }: Client, former: Client | undefined): Record<string, unknown> => ({
  user_id: userId,
  ...(pairName !== null && { pair_name: pairName }),
  ...(environment !== null && { environment }),
  ...(former && { replaced: former.clientId }),
})

/**
 * `generateKeyPair` in the caller's transaction. After its commit the caller may count the tokens of `revokedEpochs`.
 * @throws KeywrightError as `generateKeyPair`
 */
export async function generateKeyPairInTransaction(
  trx: Knex,
  request: KeyPairRequest,
  actor: Actor,
): Promise<NewSecrets & { client: Client; revokedEpochs: RevokedEpoch[] }> {
  const user = await lockOwner(trx, request)
  const former = await lockKeyPairOf(trx, ownerOf(user), pairNameOf(request))
  expectPair(former, request)
  const identity = await identityOf(trx, user, former, request)
  if (former) await setClientStatus(trx, former, 'replaced')
  const client = await insertKeyPair(trx, user, former, identity)
  await setApis(trx, client, former, request.apis)
  await checkStoredPairApis(trx, client)
  await checkDefaultScopes(trx, client)
  await recordAudit(trx, actor, clientEntry('key_pair.generated', client, detailOf(client, former)))
  const revokedEpochs = former ? [{ clientKey: former.key, revocationEpoch: former.revocationEpoch }] : []
  return {
    client,
    ...(await addCredentials(trx, client, { at: request.secretExpiresAt, field: 'secretExpiresAt' })),
    revokedEpochs,
  }
}

/**
 * Generates a key pair. The user's former key pair of the same name stops working, and all its tokens are revoked, when this
 * returns (guarantee 1); the other key pairs stay. The new key pair keeps the former settings, and the former APIs unless others are
 * given. `revoked` counts the revoked active tokens; null if there were too many to count.
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
