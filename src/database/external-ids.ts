import { KeywrightError } from '../shared/errors.ts'
import { isUniqueViolation } from './violations.ts'

/**
 * Runs what writes an external ID of this table, which has the index `<table>_external_id_unique`.
 * @throws KeywrightError `conflict` (another row has the external ID)
 */
export async function unlessExternalIdTaken<T>(
  table: 'accounts' | 'users' | 'clients',
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write()
  } catch (cause) {
    if (!isUniqueViolation(cause, `${table}_external_id_unique`)) throw cause
    const message = `another of the ${table} has this external ID`
    throw new KeywrightError('conflict', message, { cause, fieldErrors: [{ field: 'externalId', message }] })
  }
}
