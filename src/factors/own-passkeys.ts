import type { Knex } from 'knex'
import { lockUser } from '../accounts/users.ts'
import type { Actor } from '../audit/audit-log.ts'
import { KeywrightError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { Log } from '../shared/log.ts'
import { nameError } from '../shared/names.ts'
import { addPasskey } from './factor-changes.ts'
import { type PasskeyChallenges, useChallenge } from './passkey-challenges.ts'
import { creationOptions, type PasskeyOwner } from './passkey-options.ts'
import { listCredentialIds, type NewCredential } from './passkeys.ts'
import type { RelyingParty } from './relying-party.ts'

/** Of one user: their devices, password managers and security keys. */
const MAX_PASSKEYS = 10

/** Characters of a passkey's name. */
const LONGEST_NAME = 60

export const FIRST_PASSKEY_NAME = 'Passkey'

/** What the page of a new passkey needs. */
export interface PasskeyOffer {
  /** For the form: the challenge, sealed. */
  readonly sealed: string
  /** `PublicKeyCredentialCreationOptionsJSON`. */
  readonly options: object
}

export interface SentPasskey {
  /** Sealed. */
  readonly challenge: string
  /** `RegistrationResponseJSON`. */
  readonly credential: string
  readonly name: string
  /** The browser that sends it, as `offer` was given it. */
  readonly boundTo: string
}

export type AddPasskeyResult =
  /** `codes`: recovery codes, with the first factor only. */
  | { readonly outcome: 'added'; readonly amr: readonly string[]; readonly codes: readonly string[] }
  /** What was sent is no passkey that this server accepts. */
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'wrong_name'; readonly nameError: string }
  /** The challenge has expired, was used, or was given to another browser. */
  | { readonly outcome: 'expired' }

const EXPIRED = { outcome: 'expired' } as const

const instanceName = async (db: Knex): Promise<string> =>
  (await db('instance_settings').first<{ name: string }>('name')).name

const registered = () =>
  new KeywrightError('conflict', 'this passkey is registered already; use it to sign in, or create another one')

const tooMany = () => new KeywrightError('conflict', `you have ${MAX_PASSKEYS} passkeys; remove one first`)

/** Adds passkeys of users. The interface has checked that they have just signed in. */
export function createOwnPasskeys(knex: Knex, relyingParty: RelyingParty, challenges: PasskeyChallenges, log: Log) {
  const useOf = (userId: string, browser: string) => ({ purpose: 'registration', browser, userId }) as const

  return {
    /** @param boundTo the browser that shows the page */
    async offer(owner: PasskeyOwner, boundTo: string): Promise<PasskeyOffer> {
      const { value, sealed } = challenges.issue(useOf(owner.id, boundTo))
      const existing = await listCredentialIds(knex, owner.id)
      return { sealed, options: creationOptions(relyingParty, await instanceName(knex), owner, value, existing) }
    },

    /** @throws KeywrightError `conflict` (the user has as many as a user may have, or the credential is registered) */
    async add(userId: string, sent: SentPasskey, actor: Actor): Promise<AddPasskeyResult> {
      const challenge = challenges.open(sent.challenge, useOf(userId, sent.boundTo))
      if (!challenge) return EXPIRED
      const name = sent.name.trim() || FIRST_PASSKEY_NAME
      const wrongName = nameError('the name of a passkey', name, LONGEST_NAME)
      if (wrongName) return { outcome: 'wrong_name', nameError: wrongName }
      const { parseRegistration, verifyRegistration } = await import('./webauthn.ts')
      const response = parseRegistration(sent.credential)
      const expected = { relyingParty, challenge: challenge.value }
      const made = response ? await verifyRegistration(response, expected) : { invalid: 'malformed' }
      if ('invalid' in made) {
        log.info({ user: userId, detail: made.invalid.slice(0, 300) }, 'new passkey refused')
        return { outcome: 'refused' }
      }
      const credential: NewCredential = made
      return await knex.transaction(async (trx): Promise<AddPasskeyResult> => {
        const locked = await lockUser(trx, userId)
        if (!(await useChallenge(trx, challenge))) return EXPIRED
        if ((await listCredentialIds(trx, userId)).length >= MAX_PASSKEYS) throw tooMany()
        const added = await addPasskey(trx, locked, { ...credential, id: newId(), userId, name }, actor)
        if (!added) throw registered()
        return { outcome: 'added', codes: added.codes, amr: [credential.synced ? 'swk' : 'hwk', 'user', 'mfa'] }
      })
    },
  }
}

export type OwnPasskeys = ReturnType<typeof createOwnPasskeys>
