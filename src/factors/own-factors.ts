import type { Knex } from 'knex'
import { lockCredentials } from '../accounts/credentials.ts'
import { checkCanSignIn } from '../accounts/sign-in-methods.ts'
import { isSameSession, type SessionOwner } from '../accounts/user-sessions.ts'
import { lockUser } from '../accounts/users.ts'
import type { Actor } from '../audit/audit-log.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { nameError } from '../shared/names.ts'
import { addFactor, type ConfirmedFactor, removeFactor, renewRecoveryCodes } from './factor-changes.ts'
import { FactorConflictError, MAX_APPS } from './factor-conflicts.ts'
import { FIRST_NAME } from './factor-set-up.ts'
import { stepOfCode, typedCode } from './totp.ts'
import { listTotpFactors } from './totp-factors.ts'
import type { Owner, ShownOffer, TotpOffers } from './totp-offers.ts'
import { hasFactor, listFactors, type RegisteredFactors } from './user-factors.ts'

/** Characters of a factor's name. */
const LONGEST_NAME = 60

export interface UserFactors extends RegisteredFactors {
  /** Unused recovery codes. */
  readonly recoveryCodes: number
}

export interface NewFactor {
  /** Sealed. */
  readonly offer: string
  readonly name: string
  readonly code: string
}

export type AddResult =
  /** `codes`: recovery codes, with the first factor only. */
  | { readonly outcome: 'added'; readonly codes: readonly string[] }
  | {
      readonly outcome: 'refused'
      readonly offer: ShownOffer
      readonly hasWrongName: boolean
      readonly hasWrongCode: boolean
    }
  /** The offer has expired, or was added before, or the session of the user has ended. */
  | { readonly outcome: 'expired' }

const EXPIRED = { outcome: 'expired' } as const

/** What users see and change of their own factors. The interface has checked that they have just signed in. */
export function createOwnFactors(knex: Knex, encryptionKeys: EncryptionKeys, clock: Clock, offers: TotpOffers) {
  async function save(user: SessionOwner, factor: ConfirmedFactor, actor: Actor): Promise<AddResult> {
    return await knex.transaction(async (trx): Promise<AddResult> => {
      const locked = await lockUser(trx, user.id)
      if (!isSameSession(user, locked)) return EXPIRED
      if ((await listTotpFactors(trx, user.id)).length >= MAX_APPS) throw new FactorConflictError('too_many_apps')
      const added = await addFactor(trx, encryptionKeys, locked, factor, actor)
      return added ? { outcome: 'added', codes: added.codes } : EXPIRED
    })
  }

  return {
    read: (userId: string): Promise<UserFactors> => listFactors(knex, userId),

    offer: (user: Owner): Promise<ShownOffer> => offers.make(user),

    /** @throws KeywrightError `conflict` (the user has as many as a user may have) */
    async add(user: Owner & SessionOwner, sent: NewFactor, actor: Actor): Promise<AddResult> {
      const offer = offers.open(sent.offer, user.id)
      if (!offer) return EXPIRED
      const name = sent.name.trim() || FIRST_NAME
      const hasWrongName = nameError('the name of an authenticator app', name, LONGEST_NAME) !== undefined
      const code = typedCode(sent.code)
      const step = code === undefined ? undefined : await stepOfCode(offer.secret, code, clock.now())
      if (step !== undefined && !hasWrongName) return await save(user, { offer, name, step }, actor)
      const shown = await offers.showAgain(sent.offer, user)
      if (!shown) return EXPIRED
      return { outcome: 'refused', offer: shown, hasWrongName, hasWrongCode: step === undefined }
    },

    /**
     * Whether the user had this authenticator app or passkey.
     * @throws KeywrightError `conflict`: it is the last one, and the user must have one; LastSignInMethodError
     */
    remove: (userId: string, factorId: string, actor: Actor): Promise<boolean> =>
      knex.transaction(async (trx) => {
        const person = await lockCredentials(trx, userId)
        if (!person || !(await removeFactor(trx, person.user, factorId, actor))) return false
        if (person.mustHaveSecondFactor && !(await hasFactor(trx, userId))) throw new FactorConflictError('last_factor')
        if (person.hasPasskey) await checkCanSignIn(trx, userId)
        return true
      }),

    /** New codes in place of the earlier ones; undefined: the user has no factor, or the session of the user has ended. */
    renewRecoveryCodes: (user: SessionOwner, actor: Actor): Promise<string[] | undefined> =>
      knex.transaction(async (trx) => {
        const locked = await lockUser(trx, user.id)
        return isSameSession(user, locked) ? await renewRecoveryCodes(trx, locked, actor) : undefined
      }),
  }
}

export type OwnFactors = ReturnType<typeof createOwnFactors>
