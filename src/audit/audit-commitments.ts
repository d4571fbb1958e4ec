import { createHash, randomBytes } from 'node:crypto'

/** The columns of a field that can be erased: the field, a random salt, and the commitment that the chain covers. */
export interface Committed {
  readonly value: string | null
  readonly salt: Buffer | null
  readonly commitment: Buffer | null
}

/** Bytes: nobody can guess a field by comparing commitments. */
const SALT_BYTES = 16

export function commit(value: string | null): Committed {
  if (value === null) return { value, salt: null, commitment: null }
  const salt = randomBytes(SALT_BYTES)
  return { value, salt, commitment: createHash('sha256').update(salt).update(value).digest() }
}

const ERASABLE = ['ip', 'personal'] as const

const matches = (field: string): string =>
  `(${field} IS NULL OR ${field}_commitment = sha256(${field}_salt || convert_to(${field}, 'UTF8')))`

/** SQL: whether the erasable fields of an event are what their commitments say; an erased field is. */
export const IS_INTACT = `(format = 1 OR coalesce(${ERASABLE.map(matches).join(' AND ')}, false))`

const isErased = (field: string): string => `(${field} IS NULL AND ${field}_commitment IS NOT NULL)`

/** SQL: the user whose field was erased, by field; null: it was not. */
export const ERASED_OF = `
  CASE WHEN ${isErased('ip')} THEN actor_id END AS erased_actor,
  CASE WHEN ${isErased('personal')} THEN target_id END AS erased_target`

/** SQL: whether a field of the event was erased. */
export const IS_ERASED = `(${ERASABLE.map(isErased).join(' OR ')})`
