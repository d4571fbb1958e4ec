import { InvalidResponseError } from './errors.ts'
import type { KeyAnnouncement } from './key-set.ts'
import { decodeStatuses, revokedBits } from './status-bits.ts'
import type { ListChange } from './status-lists.ts'

export interface RevokedEvent {
  /** Milliseconds since 1970 by the issuer's database. */
  readonly at: number
  readonly changes: readonly ListChange[]
}

function parseObject(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // The same error as for JSON that is not an object.
  }
  throw new InvalidResponseError('an event is not a JSON object')
}

function timeOf({ at }: Record<string, unknown>): number {
  if (typeof at !== 'number' || !Number.isFinite(at)) throw new InvalidResponseError('an event has no time')
  return at
}

function indexesOf(idx: unknown, maxListBytes: number): number[] {
  const end = maxListBytes * 8
  const isIndex = (index: unknown) => Number.isInteger(index) && (index as number) >= 0 && (index as number) < end
  if (!Array.isArray(idx) || !idx.every(isIndex))
    throw new InvalidResponseError('idx is not an array of status indexes')
  return idx
}

async function changeOf(list: unknown, maxListBytes: number): Promise<ListChange> {
  const { uri, idx, ...encoded } = (list ?? {}) as Record<string, unknown>
  if (typeof uri !== 'string') throw new InvalidResponseError('a list has no uri')
  if (idx !== undefined) return { uri, indexes: indexesOf(idx, maxListBytes) }
  return { uri, revoked: revokedBits(await decodeStatuses(encoded, maxListBytes)) }
}

/**
 * Parses the data of a `revoked` event.
 * @throws InvalidResponseError if any part is malformed: to skip it would lose a revocation
 */
export async function parseRevoked(data: string, maxListBytes: number): Promise<RevokedEvent> {
  const event = parseObject(data)
  if (!Array.isArray(event.lists)) throw new InvalidResponseError('an event has no lists')
  const changes: ListChange[] = []
  // One after the other, so that only one bitmap is inflated at a time.
  for (const list of event.lists) changes.push(await changeOf(list, maxListBytes))
  return { at: timeOf(event), changes }
}

function kidsOf(kids: unknown): string[] {
  if (!Array.isArray(kids) || !kids.every((kid) => typeof kid === 'string'))
    throw new InvalidResponseError('an event has no key IDs')
  return kids
}

/** Parses the data of a `keys` event. @throws InvalidResponseError */
export function parseKeys(data: string): KeyAnnouncement {
  const { keys, revoked } = parseObject(data)
  return { keys: kidsOf(keys), revoked: kidsOf(revoked) }
}

/** Parses the data of a `since` or `current` event. @throws InvalidResponseError */
export const parseTime = (data: string): number => timeOf(parseObject(data))
