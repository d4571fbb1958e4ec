import type { Knex } from 'knex'
import { type User, userEntry } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { deletePasskey, deletePasskeys, insertPasskey, type NewPasskey } from './passkeys.ts'
import { deleteRecoveryCodes, replaceRecoveryCodes } from './recovery-codes.ts'
import { deleteTotpFactor, deleteTotpFactors, insertTotpFactor } from './totp-factors.ts'
import { type TotpOffer, useOffer } from './totp-offers.ts'
import { hasFactor } from './user-factors.ts'

// Each change is made under the lock of the user, so that two changes agree on which factor is the first or the last.

const APP = 'authenticator_app'
const PASSKEY = 'passkey'

/** A factor whose code the user has just entered. */
export interface ConfirmedFactor {
  readonly offer: TotpOffer
  readonly name: string
  readonly step: number
}

/** Recovery codes, which a user gets with the first factor. */
export interface AddedFactor {
  readonly codes: string[]
}

async function recordAdded(
  trx: Knex,
  user: User,
  { factor, name }: { factor: string; name: string },
  actor: Actor,
  isFirst: boolean,
): Promise<AddedFactor> {
  await recordAudit(trx, actor, userEntry('user.factor_added', user, { factor }, { name }))
  return { codes: isFirst ? await replaceRecoveryCodes(trx, user.id) : [] }
}

/** Undefined: it was added before, and may have been removed since. */
export async function addFactor(
  trx: Knex,
  keys: EncryptionKeys,
  user: User,
  { offer, name, step }: ConfirmedFactor,
  actor: Actor,
): Promise<AddedFactor | undefined> {
  const isFirst = !(await hasFactor(trx, user.id))
  const factor = { id: offer.id, userId: user.id, name, secret: offer.secret, step }
  if (!(await useOffer(trx, offer)) || !(await insertTotpFactor(trx, keys, factor))) return undefined
  return await recordAdded(trx, user, { factor: APP, name }, actor, isFirst)
}

/** Undefined: the credential was added before, by this user or another one. */
export async function addPasskey(
  trx: Knex,
  user: User,
  passkey: NewPasskey,
  actor: Actor,
): Promise<AddedFactor | undefined> {
  const isFirst = !(await hasFactor(trx, user.id))
  if (!(await insertPasskey(trx, passkey))) return undefined
  return await recordAdded(trx, user, { factor: PASSKEY, name: passkey.name }, actor, isFirst)
}

/** Removes an authenticator app or a passkey. With the last one, the recovery codes go too. False: the user has none with this ID. */
export async function removeFactor(trx: Knex, user: User, id: string, actor: Actor): Promise<boolean> {
  const app = await deleteTotpFactor(trx, user.id, id)
  const removed = app ?? (await deletePasskey(trx, user.id, id))
  if (!removed) return false
  if (!(await hasFactor(trx, user.id))) await deleteRecoveryCodes(trx, user.id)
  const factor = app ? APP : PASSKEY
  await recordAudit(trx, actor, userEntry('user.factor_removed', user, { factor }, { name: removed.name }))
  return true
}

/** Undefined: the user has no factor that the codes could replace. */
export async function renewRecoveryCodes(trx: Knex, user: User, actor: Actor): Promise<string[] | undefined> {
  if (!(await hasFactor(trx, user.id))) return undefined
  const codes = await replaceRecoveryCodes(trx, user.id)
  await recordAudit(trx, actor, userEntry('user.recovery_codes_generated', user))
  return codes
}

/** Removes every authenticator app and passkey of a user with the recovery codes. Returns how many factors there were. */
export async function removeAllFactors(trx: Knex, userId: string): Promise<number> {
  await deleteRecoveryCodes(trx, userId)
  return (await deleteTotpFactors(trx, userId)) + (await deletePasskeys(trx, userId))
}
