import type { Knex } from 'knex'
import type { SignInProgress } from '../accounts/sign-in-progress.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import type { Log } from '../shared/log.ts'
import { createFactorSetUp, type FactorSetUp } from './factor-set-up.ts'
import { createOwnFactors, type OwnFactors } from './own-factors.ts'
import { createPasskeyService, type PasskeyService } from './passkey-service.ts'
import type { PasskeySignInResult } from './passkey-sign-in.ts'
import { createSecondFactorSignIn, type SecondFactorResult, type SecondFactorSignIn } from './second-factor-sign-in.ts'
import { createTotpOffers } from './totp-offers.ts'

/** What the pages need of passkeys and second factors. */
export interface Factors {
  readonly signIn: SecondFactorSignIn
  readonly setUp: FactorSetUp
  readonly own: OwnFactors
  /** Undefined: browsers offer no passkeys at the address of this server. */
  readonly passkeys: PasskeyService | undefined
}

export interface FactorServices {
  readonly knex: Knex
  readonly encryptionKeys: EncryptionKeys
  /** The database's, so that all nodes agree on which codes and challenges are valid. */
  readonly clock: Clock
  readonly progress: SignInProgress
  /** The issuer identifier, a URL. */
  readonly issuerUrl: string
  readonly log: Log
  /** Hears the outcome of each attempt. */
  count?(outcome: (SecondFactorResult | PasskeySignInResult)['outcome']): void
}

export function createFactors({ count = () => {}, ...services }: FactorServices): Factors {
  const { knex, encryptionKeys, clock, progress } = services
  const offers = createTotpOffers(knex, encryptionKeys, clock)
  const { prove } = createSecondFactorSignIn(knex, encryptionKeys, clock, progress)
  return {
    signIn: {
      async prove(attempt) {
        const result = await prove(attempt)
        count(result.outcome)
        return result
      },
    },
    setUp: createFactorSetUp(knex, encryptionKeys, clock, progress, offers),
    own: createOwnFactors(knex, encryptionKeys, clock, offers),
    passkeys: createPasskeyService(services, count),
  }
}
