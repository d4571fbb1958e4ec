import type { Knex } from 'knex'
import type { SignInProgress } from '../accounts/sign-in-progress.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createFactorSetUp, type FactorSetUp } from './factor-set-up.ts'
import { createOwnFactors, type OwnFactors } from './own-factors.ts'
import { createSecondFactorSignIn, type SecondFactorResult, type SecondFactorSignIn } from './second-factor-sign-in.ts'
import { createTotpOffers } from './totp-offers.ts'

/** What the pages need of second factors. */
export interface Factors {
  readonly signIn: SecondFactorSignIn
  readonly setUp: FactorSetUp
  readonly own: OwnFactors
}

/**
 * @param clock the database's, so that all nodes agree on which codes are valid
 * @param count hears the outcome of each attempt
 */
export function createFactors(
  knex: Knex,
  encryptionKeys: EncryptionKeys,
  clock: Clock,
  progress: SignInProgress,
  count: (outcome: SecondFactorResult['outcome']) => void = () => {},
): Factors {
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
  }
}
