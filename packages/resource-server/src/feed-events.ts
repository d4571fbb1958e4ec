import { InvalidAnswerError } from './errors.ts'
import { deadBits, decodeStatuses } from './status-bits.ts'
import type { ListChange } from './status-lists.ts'

export interface Revoked {
  /** Milliseconds since 1970, by the issuer's database. */
  readonly at: number
  readonly changes: readonly ListChange[]
}

function parse(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new InvalidAnswerError('an event is not a JSON object')
}

function timeOf({ at }: Record<string, unknown>): number {
  if (typeof at !== 'number' || !Number.isFinite(at)) throw new InvalidAnswerError('an event has no time')
  return at
}

function indexesOf(idx: unknown, maxListBytes: number): number[] {
  const most = maxListBytes * 8
  const isIndex = (index: unknown) => Number.isInteger(index) && (index as number) >= 0 && (index as number) < most
  if (!Array.isArray(idx) || !idx.every(isIndex)) throw new InvalidAnswerError('idx is not a list of positions')
  return idx
}

async function changeOf(list: unknown, maxListBytes: number): Promise<ListChange> {
  const { uri, idx, ...encoded } = (list ?? {}) as Record<string, unknown>
  if (typeof uri !== 'string') throw new InvalidAnswerError('a list has no uri')
  if (idx !== undefined) return { uri, indexes: indexesOf(idx, maxListBytes) }
  return { uri, dead: deadBits(await decodeStatuses(encoded, maxListBytes)) }
}

/** @throws InvalidAnswerError where any part is not understood: half of it would be a revocation lost */
export async function parseRevoked(data: string, maxListBytes: number): Promise<Revoked> {
  const event = parse(data)
  if (!Array.isArray(event.lists)) throw new InvalidAnswerError('an event has no lists')
  const changes: ListChange[] = []
  // One after the other: a hundred bitmaps inflated at once would all be in memory at once.
  for (const list of event.lists) changes.push(await changeOf(list, maxListBytes))
  return { at: timeOf(event), changes }
}

/** Of an event that says nothing else. @throws InvalidAnswerError */
export const parseTime = (data: string): number => timeOf(parse(data))
