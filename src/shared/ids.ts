import { createHash, randomUUID } from 'node:crypto'

/**
 * Time-ordered (RFC 9562, section 5.7, UUIDv7): index pages fill in order, which halves what a random key costs in
 * PostgreSQL's log. The random half is a UUIDv4's, which Node draws from a pool; other sources cost a system call each.
 */
export function newId(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const isId = (value: string): boolean => UUID.test(value)

/** An id that follows from a value without telling it (RFC 9562, section 5.8, UUIDv8): the same value, the same id. */
export function idFrom(value: string): string {
  const hex = createHash('sha256').update(value).digest('hex')
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
