import type { Knex } from 'knex'
import { type RegistrationKinds, registrationKindsOf } from './instance-settings.ts'

/** Milliseconds for which the settings are known before they are read again. */
const FRESH_FOR = 3000

/** Returns how clients may register themselves, some seconds old at most; what was last known while the database is away. */
export function createRegistrationSettings(knex: Knex): () => Promise<RegistrationKinds> {
  let known: RegistrationKinds = { dynamicRegistration: 'off', clientIdDocuments: 'off' }
  let readAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (performance.now() - readAt < FRESH_FOR) return known
    readAt = performance.now()
    known = await registrationKindsOf(knex).catch(() => known)
    return known
  }
}
