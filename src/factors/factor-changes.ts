import type { Knex } from 'knex'
import { type User, userEntry } from '../accounts/users.ts'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { deleteRecoveryCodes, replaceRecoveryCodes } from './recovery-codes.ts'
import { deleteTotpFactor, deleteTotpFactors, insertTotpFactor, listTotpFactors } from './totp-factors.ts'
import { type TotpOffer, useOffer } from './totp-offers.ts'

// Each change is made under the lock of the user, so that two changes agree on which factor is the first or the last.

const APP = 'authenticator_app'

/** A factor whose code the user has just entered. */
export interface ConfirmedFactor {
  readonly offer: TotpOffer
  readonly name: string
  readonly step: number
}

/** Undefined: it was added before, and may have been removed since. `codes`: recovery codes, which a user gets with the first factor. */
export async function addFactor(
  trx: Knex,
  keys: EncryptionKeys,
  user: User,
  { offer, name, step }: ConfirmedFactor,
  actor: Actor,
): Promise<{ codes: string[] } | undefined> {
  const before = await listTotpFactors(trx, user.id)
  const factor = { id: offer.id, userId: user.id, name, secret: offer.secret, step }
  if (!(await useOffer(trx, offer)) || !(await insertTotpFactor(trx, keys, factor))) return undefined
  await recordAudit(trx, actor, userEntry('user.factor_added', user, { factor: APP }, { name }))
  return { codes: before.length === 0 ? await replaceRecoveryCodes(trx, user.id) : [] }
}

/** With the last factor, the recovery codes go too. Returns the name of the factor; undefined: there is none. */
export async function removeFactor(trx: Knex, user: User, id: string, actor: Actor): Promise<string | undefined> {
  const removed = await deleteTotpFactor(trx, user.id, id)
  if (!removed) return undefined
  if ((await listTotpFactors(trx, user.id)).length === 0) await deleteRecoveryCodes(trx, user.id)
  await recordAudit(trx, actor, userEntry('user.factor_removed', user, { factor: APP }, { name: removed.name }))
  return removed.name
}

/** Undefined: the user has no factor that the codes could replace. */
export async function renewRecoveryCodes(trx: Knex, user: User, actor: Actor): Promise<string[] | undefined> {
  if ((await listTotpFactors(trx, user.id)).length === 0) return undefined
  const codes = await replaceRecoveryCodes(trx, user.id)
  await recordAudit(trx, actor, userEntry('user.recovery_codes_generated', user))
  return codes
}

/** Removes every factor of a user with the recovery codes. Returns how many factors there were. */
export async function removeAllFactors(trx: Knex, userId: string): Promise<number> {
  await deleteRecoveryCodes(trx, userId)
  return await deleteTotpFactors(trx, userId)
}
