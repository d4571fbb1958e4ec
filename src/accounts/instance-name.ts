import type { Knex } from 'knex'
import { isConfusable } from '../shared/confusable-names.ts'
import { invalidInput } from '../shared/errors.ts'

/**
 * Users see this name when they sign in and allow access: nothing of an account may pass for the instance itself. What
 * operators add to the instance may have its name.
 * @throws KeywrightError `invalid_input`
 */
export async function checkNotInstanceName(db: Knex, what: string, name: string | null | undefined): Promise<void> {
  if (!name) return
  const instance = await db('instance_settings').first<{ name: string }>('name')
  if (!(await isConfusable(name, instance.name))) return
  throw invalidInput(`${what} cannot be, or look like, the name of this service: ${instance.name}`, 'name')
}
