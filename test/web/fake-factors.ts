import { FactorConflictError } from '../../src/factors/factor-conflicts.ts'
import type { Factors } from '../../src/factors/factors.ts'
import type { ShownOffer } from '../../src/factors/totp-offers.ts'

const HOUR = 3_600_000

export const OFFER: ShownOffer = {
  sealed: 'offer-1',
  secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  uri: 'otpauth://totp/Keywright:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Keywright',
}

export const RECOVERY_CODES = Array.from({ length: 10 }, (_, n) => `q4h${n}-9s2m-0vbn-7dkt`)

/** The one code that the fakes accept. */
export const CODE = '123456'

const APPS = [
  { id: 'app-1', name: 'Work phone', createdAt: new Date(Date.now() - 900 * HOUR), lastUsedAt: null },
  { id: 'app-2', name: 'Tablet', createdAt: new Date(Date.now() - 90 * HOUR), lastUsedAt: new Date(Date.now() - HOUR) },
]

export const CHOICES = { app: true, passkey: true }

const PASSKEYS = [
  {
    id: 'passkey-1',
    name: 'Laptop',
    createdAt: new Date(Date.now() - 90 * HOUR),
    lastUsedAt: new Date(Date.now() - HOUR),
  },
]

/** What a page asks the browser for a passkey with; no authenticator knows it. */
export const PASSKEY_REQUEST = { sealed: 'challenge-1', options: { challenge: 'AAAA', rpId: 'localhost' } }

/** What the page of a new passkey asks the browser with. */
export const PASSKEY_OFFER = {
  sealed: 'challenge-2',
  options: { rp: { id: 'localhost', name: 'Keywright' }, user: { id: 'AAAA', name: 'ada' }, challenge: 'AAAA' },
}

/** Second factors without a database: the user has two authenticator apps. */
export const createFakeFactors = (user: () => never): Factors => ({
  signIn: {
    prove: async ({ code, ticket }) => {
      if (ticket === 'expired') return { outcome: 'expired' }
      if (code !== CODE) return { outcome: 'refused', choices: CHOICES }
      return { outcome: 'signed_in', user: user(), amr: ['pwd', 'otp', 'mfa'], browser: 'b1' }
    },
  },
  setUp: {
    offerFor: async () => OFFER,
    confirm: async ({ code }) =>
      code === CODE
        ? { outcome: 'added', codes: RECOVERY_CODES, ticket: 'ticket-3' }
        : { outcome: 'refused', offer: OFFER, user: user() },
    finish: async () => ({
      id: 'ticket-3',
      expiresAt: new Date(Date.now() + HOUR),
      step: { outcome: 'signed_in', user: user(), amr: ['pwd', 'otp', 'mfa'], browser: 'b1' },
    }),
  },
  own: {
    read: async () => ({ apps: APPS, passkeys: PASSKEYS, recoveryCodes: 2 }),
    offer: async () => OFFER,
    add: async (_, { code, name }) => {
      if (name === 'One too many') throw new FactorConflictError('too_many_apps')
      return code === CODE
        ? { outcome: 'added', codes: RECOVERY_CODES }
        : { outcome: 'refused', offer: OFFER, hasWrongName: true, hasWrongCode: true }
    },
    remove: async (_, id) => {
      if (id === 'app-2') throw new FactorConflictError('last_factor')
      return true
    },
    renewRecoveryCodes: async () => RECOVERY_CODES,
  },
  passkeys: {
    request: () => PASSKEY_REQUEST,
    signIn: { prove: async () => ({ outcome: 'refused' }) },
    setUp: {
      offerFor: async () => PASSKEY_OFFER,
      confirm: async () => ({ outcome: 'refused' }),
    },
    own: {
      offer: async () => PASSKEY_REQUEST,
      add: async (_, { name, credential }) => {
        if (credential === '') return { outcome: name === 'Laptop' ? 'wrong_name' : 'refused' }
        return { outcome: 'added', codes: [], amr: [] }
      },
    },
  },
})
