import type { Knex } from 'knex'
import type { User } from '../accounts/users.ts'
import type { Actor } from '../audit/audit-log.ts'
import { newId } from '../shared/ids.ts'
import type { Log } from '../shared/log.ts'
import { type AddedFactor, addPasskey } from './factor-changes.ts'
import { FactorConflictError, MAX_PASSKEYS } from './factor-conflicts.ts'
import { type Challenge, type PasskeyChallenges, useChallenge } from './passkey-challenges.ts'
import { creationOptions, type PasskeyOwner } from './passkey-options.ts'
import { listCredentialIds, type NewCredential } from './passkeys.ts'
import type { RelyingParty } from './relying-party.ts'

export const FIRST_PASSKEY_NAME = 'Passkey'

/** What the page of a new passkey needs. */
export interface PasskeyOffer {
  /** For the form: the challenge, sealed. */
  readonly sealed: string
  /** `PublicKeyCredentialCreationOptionsJSON`. */
  readonly options: object
}

/** What a browser sends for a new passkey. */
export interface SentCredential {
  /** Sealed. */
  readonly challenge: string
  /** `RegistrationResponseJSON`. */
  readonly credential: string
  /** The browser that sends it, as `offer` was given it. */
  readonly boundTo: string
}

/** A new credential with the challenge that it signed, which is not used yet. */
export interface VerifiedCredential {
  readonly outcome: 'verified'
  readonly challenge: Challenge
  readonly credential: NewCredential
}

export type Verification =
  | VerifiedCredential
  /** What was sent is no passkey that this server accepts. */
  | { readonly outcome: 'refused' }
  /** The challenge has expired, or was given to another browser or user. */
  | { readonly outcome: 'expired' }

export interface SavedPasskey extends AddedFactor {
  /** RFC 8176. */
  readonly amr: readonly string[]
}

const instanceName = async (db: Knex): Promise<string> =>
  (await db('instance_settings').first<{ name: string }>('name')).name

const useOf = (userId: string, browser: string) => ({ purpose: 'registration', browser, userId }) as const

/** Registration ceremonies (Web Authentication Level 3, section 7.1). Who may add a passkey is for the caller to decide. */
export function createPasskeyRegistrations(
  knex: Knex,
  relyingParty: RelyingParty,
  challenges: PasskeyChallenges,
  log: Log,
) {
  return {
    /** @param boundTo the browser that shows the page */
    async offer(owner: PasskeyOwner, boundTo: string): Promise<PasskeyOffer> {
      const { value, sealed } = challenges.issue(useOf(owner.id, boundTo))
      const existing = await listCredentialIds(knex, owner.id)
      return { sealed, options: creationOptions(relyingParty, await instanceName(knex), owner, value, existing) }
    },

    async verify(userId: string, sent: SentCredential): Promise<Verification> {
      const challenge = challenges.open(sent.challenge, useOf(userId, sent.boundTo))
      if (!challenge) return { outcome: 'expired' }
      const { parseRegistration, verifyRegistration } = await import('./webauthn.ts')
      const response = parseRegistration(sent.credential)
      const expected = { relyingParty, challenge: challenge.value }
      const made = response ? await verifyRegistration(response, expected) : { invalid: 'malformed' }
      if ('invalid' in made) {
        log.info({ user: userId, detail: made.invalid.slice(0, 300) }, 'new passkey refused')
        return { outcome: 'refused' }
      }
      return { outcome: 'verified', challenge, credential: made }
    },

    /**
     * Adds a passkey in the transaction that holds the user's lock. Undefined: the challenge was used before.
     * @throws KeywrightError `conflict` (the user has as many as a user may have, or the credential is registered)
     */
    async save(
      trx: Knex,
      locked: User,
      { challenge, credential }: VerifiedCredential,
      name: string,
      actor: Actor,
    ): Promise<SavedPasskey | undefined> {
      if (!(await useChallenge(trx, challenge))) return undefined
      if ((await listCredentialIds(trx, locked.id)).length >= MAX_PASSKEYS)
        throw new FactorConflictError('too_many_passkeys')
      const added = await addPasskey(trx, locked, { ...credential, id: newId(), userId: locked.id, name }, actor)
      if (!added) throw new FactorConflictError('passkey_registered')
      return { ...added, amr: [credential.synced ? 'swk' : 'hwk', 'user', 'mfa'] }
    },
  }
}

export type PasskeyRegistrations = ReturnType<typeof createPasskeyRegistrations>
