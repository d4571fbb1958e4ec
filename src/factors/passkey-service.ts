import type { Knex } from 'knex'
import type { SignInProgress } from '../accounts/sign-in-progress.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import type { Log } from '../shared/log.ts'
import { createOwnPasskeys, type OwnPasskeys } from './own-passkeys.ts'
import { createPasskeyChallenges } from './passkey-challenges.ts'
import { requestOptions } from './passkey-options.ts'
import { createPasskeyRegistrations } from './passkey-registrations.ts'
import { createPasskeySetUp, type PasskeySetUp } from './passkey-set-up.ts'
import { createPasskeySignIn, type PasskeySignIn, type PasskeySignInResult } from './passkey-sign-in.ts'
import { relyingPartyOf } from './relying-party.ts'

/** What a page needs to ask the browser for a passkey. */
export interface PasskeyRequest {
  /** For the form: the challenge, sealed. */
  readonly sealed: string
  /** `PublicKeyCredentialRequestOptionsJSON`. */
  readonly options: object
}

export interface PasskeyService {
  /** @param boundTo the browser that shows the page; only it can use the challenge */
  request(boundTo: string): PasskeyRequest
  readonly signIn: PasskeySignIn
  /** The first factor during a sign-in that requires one. */
  readonly setUp: PasskeySetUp
  readonly own: OwnPasskeys
}

interface PasskeyServices {
  readonly knex: Knex
  readonly encryptionKeys: EncryptionKeys
  readonly clock: Clock
  readonly progress: SignInProgress
  readonly issuerUrl: string
  readonly log: Log
}

/** Undefined: browsers offer no passkeys at the address of this server. */
export function createPasskeyService(
  { knex, encryptionKeys, clock, progress, issuerUrl, log }: PasskeyServices,
  count: (outcome: PasskeySignInResult['outcome']) => void,
): PasskeyService | undefined {
  const relyingParty = relyingPartyOf(issuerUrl)
  if (!relyingParty) return undefined
  const challenges = createPasskeyChallenges(encryptionKeys, clock)
  const registrations = createPasskeyRegistrations(knex, relyingParty, challenges, log)
  const { prove } = createPasskeySignIn(knex, progress, relyingParty, challenges, log)
  return {
    request(boundTo) {
      const { value, sealed } = challenges.issue({ purpose: 'sign-in', browser: boundTo })
      return { sealed, options: requestOptions(relyingParty, value) }
    },
    signIn: {
      async prove(attempt) {
        const result = await prove(attempt)
        count(result.outcome)
        return result
      },
    },
    setUp: createPasskeySetUp(knex, progress, registrations),
    own: createOwnPasskeys(knex, registrations),
  }
}
