import { v7, validate } from 'uuid'

/** Time-ordered (RFC 9562, UUIDv7): index pages fill in order, which halves what a random key costs in the log. */
export const newId = (): string => v7()

export const isId = (value: string): boolean => validate(value)
