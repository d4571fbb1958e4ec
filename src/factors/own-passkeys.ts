import type { Knex } from 'knex'
import { isSameSession, type SessionOwner } from '../accounts/user-sessions.ts'
import { lockUser } from '../accounts/users.ts'
import type { Actor } from '../audit/audit-log.ts'
import { nameError } from '../shared/names.ts'
import type { PasskeyOwner } from './passkey-options.ts'
import {
  FIRST_PASSKEY_NAME,
  type PasskeyOffer,
  type PasskeyRegistrations,
  type SentCredential,
} from './passkey-registrations.ts'

/** Characters of a passkey's name. */
const LONGEST_NAME = 60

export interface SentPasskey extends SentCredential {
  readonly name: string
}

export type AddPasskeyResult =
  /** `codes`: recovery codes, with the first factor only. */
  | { readonly outcome: 'added'; readonly amr: readonly string[]; readonly codes: readonly string[] }
  /** What was sent is no passkey that this server accepts. */
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'wrong_name' }
  /** The challenge has expired, was used, or was given to another browser, or the session of the user has ended. */
  | { readonly outcome: 'expired' }

const EXPIRED = { outcome: 'expired' } as const

/** Adds passkeys of users. The interface has checked that they have just signed in. */
export function createOwnPasskeys(knex: Knex, registrations: PasskeyRegistrations) {
  return {
    /** @param boundTo the browser that shows the page */
    offer: (owner: PasskeyOwner, boundTo: string): Promise<PasskeyOffer> => registrations.offer(owner, boundTo),

    /** @throws KeywrightError `conflict` (the user has as many as a user may have, or the credential is registered) */
    async add(user: SessionOwner, sent: SentPasskey, actor: Actor): Promise<AddPasskeyResult> {
      const name = sent.name.trim() || FIRST_PASSKEY_NAME
      const verified = await registrations.verify(user.id, sent)
      if (verified.outcome === 'expired') return EXPIRED
      if (nameError('the name of a passkey', name, LONGEST_NAME)) return { outcome: 'wrong_name' }
      if (verified.outcome === 'refused') return verified
      const added = await knex.transaction(async (trx) => {
        const locked = await lockUser(trx, user.id)
        return isSameSession(user, locked) ? await registrations.save(trx, locked, verified, name, actor) : undefined
      })
      return added ? { outcome: 'added', ...added } : EXPIRED
    },
  }
}

export type OwnPasskeys = ReturnType<typeof createOwnPasskeys>
