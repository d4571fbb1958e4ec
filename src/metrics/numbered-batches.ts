import type { Knex } from 'knex'
import { newId } from '../shared/ids.ts'

/** Something that is added to counts in the database, with the number of its batch. */
export interface NumberedBatch<Addition> {
  readonly writer: string
  readonly batch: number
  readonly addition: Addition
}

/**
 * SQL: a common table expression with one row if the batch was not written before. A statement that begins with it and
 * adds only what its row allows is written once, however often it is sent. Takes `:writer` and `:batch`.
 */
export const NEWER_BATCH = `
  newer AS (
    INSERT INTO usage_writers AS w (id, batch, written_at) VALUES (:writer, :batch, now())
    ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, written_at = now() WHERE w.batch < excluded.batch
    RETURNING 1)`

/**
 * Returns a function that writes what `next` returns. If a write fails, the next call sends the same batch again: the
 * response may be lost although the batch was written.
 * @param next returns undefined if there is nothing to write
 */
export function createNumberedBatches<Addition>(
  next: () => Promise<Addition | undefined> | Addition | undefined,
  write: (knex: Knex, batch: NumberedBatch<Addition>) => Promise<unknown>,
): (knex: Knex) => Promise<boolean> {
  const writer = newId()
  let batch = 0
  let pending: Addition | undefined

  return async (knex) => {
    if (pending === undefined) {
      pending = await next()
      batch++
    }
    if (pending === undefined) return false
    await write(knex, { writer, batch, addition: pending })
    pending = undefined
    return true
  }
}
