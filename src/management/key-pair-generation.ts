import type { Knex } from 'knex'
import { lockAccountWithApiShared } from '../accounts/accounts.ts'
import { lockInstanceShared } from '../accounts/instance-settings.ts'
import { lockUserExclusive } from '../accounts/user-locks.ts'
import { findUser, findUserById, type User } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { checkDefaultScopes, chosenApis, copyClientApis, narrowingOf, setClientApis } from '../clients/client-apis.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../clients/client-settings.ts'
import {
  type Client,
  clientEntry,
  findFormerKeyPairOf,
  findKeyPairOf,
  insertClient,
  setClientStatus,
} from '../clients/clients.ts'
import { invalidInput, KeywrightError, stale } from '../shared/errors.ts'
import { countRevoked, type RevokedEpoch } from '../tokens/active-tokens.ts'
import { addSecrets, type NewSecrets } from './client-secret-rotation.ts'

export interface KeyPairRequest {
  /** Whose pair it is: an id or an address. */
  readonly user: string
  /** The default first; none: the earlier pair's, or the instance's default API. */
  readonly apis: readonly string[]
  /** The client id of the pair that it is to replace, as it was seen; null: of none; undefined: of whichever there is. */
  readonly replaces?: string | null | undefined
}

/** The APIs of a new pair: those that are named, within the earlier pair's narrowing; else the earlier pair's own. */
async function giveApis(
  trx: Knex,
  client: Client,
  earlier: Client | undefined,
  named: readonly string[],
): Promise<void> {
  if (earlier && named.length === 0) return await copyClientApis(trx, earlier.key, client.key)
  const narrowing = earlier ? await narrowingOf(trx, earlier.key) : null
  await setClientApis(trx, client.key, await chosenApis(trx, named), narrowing)
}

const notAnAdmin = ({ email, role }: User) =>
  invalidInput(`${email} is ${role}; key pairs belong to admins of accounts`)

/** The admin, kept as they are. @throws KeywrightError `not_found`, `invalid_input`, `conflict` */
async function holdAdmin(trx: Knex, idOrEmail: string): Promise<User> {
  const seen = await findUser(trx, idOrEmail)
  if (seen.role !== 'admin') throw notAnAdmin(seen)
  await lockInstanceShared(trx)
  await lockAccountWithApiShared(trx, seen.accountId!)
  // Two at once for one user take turns here, also for a first pair, when there is no row yet to wait for.
  await lockUserExclusive(trx, seen.id)
  await trx('users').where({ id: seen.id }).forNoKeyUpdate().first('id')
  const held = (await findUserById(trx, seen.id))!
  if (held.status !== 'active') throw new KeywrightError('conflict', `the user ${held.email} is disabled`)
  if (held.role !== 'admin') throw notAnAdmin(held)
  return held
}

const nameOfPair = ({ email }: User) => [...`Key pair of ${email}`].slice(0, 200).join('')

/** What only operators set stays with the person: losing the role and getting it back must not shake it off. */
async function settingsOfFirst(trx: Knex, user: User): Promise<ClientSettings> {
  const first = { ...DEFAULT_SETTINGS, name: nameOfPair(user), grants: ['client_credentials'] }
  const former = await findFormerKeyPairOf(trx, user.id)
  return former ? { ...first, rateLimit: former.rateLimit, accessType: former.accessType } : first
}

/** @throws KeywrightError `stale` when the pair that was seen is another one by now */
function expectPair(earlier: Client | undefined, { replaces }: KeyPairRequest): void {
  if (replaces !== undefined && replaces !== (earlier?.clientId ?? null)) throw stale('the key pair')
}

/**
 * `generateKeyPair` within a transaction, after which the caller may count what `ended`.
 * @throws KeywrightError as `generateKeyPair`
 */
export async function generateKeyPairInTransaction(
  trx: Knex,
  request: KeyPairRequest,
  actor: Actor,
): Promise<NewSecrets & { client: Client; ended: RevokedEpoch[] }> {
  const user = await holdAdmin(trx, request.user)
  const earlier = await findKeyPairOf(trx, user.id)
  expectPair(earlier, request)
  if (earlier) await setClientStatus(trx, earlier, 'replaced')
  const owner = { kind: 'key_pair' as const, accountId: user.accountId!, userId: user.id, apiId: null }
  const client = await insertClient(trx, owner, earlier ?? (await settingsOfFirst(trx, user)))
  await giveApis(trx, client, earlier, request.apis)
  await checkDefaultScopes(trx, client)
  const replaced = earlier && { replaced: earlier.clientId }
  await recordAudit(trx, actor, clientEntry('key_pair.generated', client, { user_id: user.id, ...replaced }))
  const ended = earlier ? [{ clientKey: earlier.key, revocationEpoch: earlier.revocationEpoch }] : []
  return { client, ...(await addSecrets(trx, client)), ended }
}

/**
 * A new key pair in place of the user's earlier one, which is dead with everything that came of it when this is answered
 * (promise 1). The new pair keeps the earlier one's settings, and its APIs unless others are named. `revoked` is how many
 * live tokens that ended; null when they were too many to be counted.
 * @throws KeywrightError `not_found`, `invalid_input`, `conflict`, `stale`
 */
export async function generateKeyPair(
  knex: Knex,
  request: KeyPairRequest,
  actor: Actor,
): Promise<NewSecrets & { client: Client; revoked: number | null }> {
  const { ended, ...made } = await knex.transaction((trx) => generateKeyPairInTransaction(trx, request, actor))
  return { ...made, revoked: await countRevoked(knex, ended) }
}
