import type { Knex } from 'knex'
import { dynamicRegistrationOf } from './instance-settings.ts'
import type { DynamicRegistration } from './registration-attributes.ts'

/** Milliseconds for which the setting is known before it is read again. */
const FRESH_FOR = 3000

/** Returns which clients may register themselves, some seconds old at most; what was last known while the database is away. */
export function createRegistrationSettings(knex: Knex): () => Promise<DynamicRegistration> {
  let known: DynamicRegistration = 'off'
  let readAt = Number.NEGATIVE_INFINITY
  return async () => {
    if (performance.now() - readAt < FRESH_FOR) return known
    readAt = performance.now()
    known = await dynamicRegistrationOf(knex).catch(() => known)
    return known
  }
}
