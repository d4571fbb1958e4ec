import type { Knex } from 'knex'
import { deleteSomeOfAccount } from './account-deletion.ts'
import { deleteSomeOfClient } from './client-deletion.ts'
import { deleteUnusedRegistrations } from './registered-clients.ts'
import { deleteSomeOfUser } from './user-deletion.ts'

/** Repeats a step of a deletion at most `times`, until it returns true. Returns whether it did. */
export async function repeatDeletion(times: number, step: () => Promise<boolean>): Promise<boolean> {
  for (let n = 0; n < times; n++) if (await step()) return true
  return false
}

type Step = (knex: Knex, id: never, limit: number) => Promise<boolean>

/** How the objects of a table are deleted. Those of an account or a user go with it, so they come first. */
const STEPS: readonly (readonly [table: string, step: Step])[] = [
  ['clients', deleteSomeOfClient],
  ['users', deleteSomeOfUser],
  ['accounts', deleteSomeOfAccount],
]

/**
 * Makes a step of each of at most `limit` deletions of each kind. Returns how many objects are deleted. One deletion that fails
 * does not stop the others. @throws the first error
 */
export async function continueDeletions(knex: Knex, limit: number): Promise<number> {
  let deleted = 0
  const errors: unknown[] = []
  for (const [table, step] of STEPS) {
    const ids = await knex(table).where({ status: 'deleting' }).orderBy('id').limit(limit).pluck('id')
    for (const id of ids) {
      const isDeleted = await step(knex, id as never, limit).catch((error: unknown) => void errors.push(error))
      if (isDeleted) deleted++
    }
  }
  if (errors.length > 0) throw errors[0]
  return deleted
}

export { deleteUnusedRegistrations }
