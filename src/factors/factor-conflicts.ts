import { KeywrightError } from '../shared/errors.ts'

export type FactorConflict = 'too_many_apps' | 'too_many_passkeys' | 'passkey_registered' | 'last_factor'

/** Authenticator apps of one user: a phone, a tablet, and some to spare. */
export const MAX_APPS = 5

/** Passkeys of one user: their devices, password managers and security keys. */
export const MAX_PASSKEYS = 10

const MESSAGES: Readonly<Record<FactorConflict, string>> = {
  too_many_apps: `you have ${MAX_APPS} authenticator apps; remove one first`,
  too_many_passkeys: `you have ${MAX_PASSKEYS} passkeys; remove one first`,
  passkey_registered: 'this passkey is registered already; use it to sign in, or create another one',
  last_factor: 'you must have a second factor; add another one first',
}

/** A change of a user's own factors that their other factors or a rule forbid: `conflict`. */
export class FactorConflictError extends KeywrightError {
  readonly conflict: FactorConflict

  constructor(conflict: FactorConflict) {
    super('conflict', MESSAGES[conflict])
    this.name = 'FactorConflictError'
    this.conflict = conflict
  }
}
