import { base64url } from 'jose'
import { readBounded } from './bounded-fetch.ts'
import { InvalidAnswerError } from './errors.ts'

/** `status_list` of a status list token, and what the feed sends of a list (Token Status List, section 4.2). */
export interface EncodedStatuses {
  readonly bits: 1 | 2 | 4 | 8
  readonly statuses: Uint8Array
}

function decodeBase64(text: string): Uint8Array {
  try {
    return base64url.decode(text)
  } catch (cause) {
    throw new InvalidAnswerError('lst is not base64url', { cause })
  }
}

/** @throws InvalidAnswerError where it is no ZLIB stream (RFC 1950), is cut, or inflates to more than `maxBytes` */
async function inflate(deflated: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const stream = new Blob([deflated as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('deflate'))
  try {
    return await readBounded(stream, maxBytes)
  } catch (cause) {
    if (cause instanceof InvalidAnswerError) throw cause
    throw new InvalidAnswerError('lst does not inflate', { cause })
  }
}

const isWidth = (bits: unknown): bits is 1 | 2 | 4 | 8 => bits === 1 || bits === 2 || bits === 4 || bits === 8

/** @throws InvalidAnswerError */
export async function decodeStatuses(encoded: unknown, maxBytes: number): Promise<EncodedStatuses> {
  const { bits, lst } = (encoded ?? {}) as Record<string, unknown>
  if (!isWidth(bits)) throw new InvalidAnswerError('bits is none of 1, 2, 4, 8')
  if (typeof lst !== 'string') throw new InvalidAnswerError('lst is not text')
  return { bits, statuses: await inflate(decodeBase64(lst), maxBytes) }
}

/** How many tokens it speaks of. */
export const countOf = ({ bits, statuses }: EncodedStatuses): number => (statuses.length * 8) / bits

/** Section 4.1: from the least significant bit up. Undefined beyond the list's end. */
export function statusAt({ bits, statuses }: EncodedStatuses, index: number): number | undefined {
  const byte = statuses[Math.floor((index * bits) / 8)]
  return byte === undefined ? undefined : (byte >> ((index * bits) % 8)) & ((1 << bits) - 1)
}

/**
 * A bit for each token: whether its status is any but VALID. A list that is wider than one bit may say *suspended* (0x02),
 * which is refused like *invalid*: Keywright suspends nothing, and what is dead here stays dead.
 */
export function deadBits(encoded: EncodedStatuses): Uint8Array {
  if (encoded.bits === 1) return encoded.statuses
  const dead = new Uint8Array(Math.ceil(countOf(encoded) / 8))
  for (let index = 0; index < countOf(encoded); index++) {
    if (statusAt(encoded, index) !== 0) setBit(dead, index)
  }
  return dead
}

export const hasBit = (bitmap: Uint8Array, index: number): boolean =>
  ((bitmap[Math.floor(index / 8)] ?? 0) & (1 << (index % 8))) !== 0

export function setBit(bitmap: Uint8Array, index: number): void {
  bitmap[Math.floor(index / 8)]! |= 1 << (index % 8)
}

export function countBits(bitmap: Uint8Array): number {
  let count = 0
  for (const byte of bitmap) for (let rest = byte; rest !== 0; rest &= rest - 1) count++
  return count
}

/** `bitmap` or a longer copy of it. */
export function withRoom(bitmap: Uint8Array, bytes: number): Uint8Array {
  if (bitmap.length >= bytes) return bitmap
  const longer = new Uint8Array(bytes)
  longer.set(bitmap)
  return longer
}

/** The bits of both: what was ever set stays set. */
export function union(held: Uint8Array, more: Uint8Array): Uint8Array {
  const both = withRoom(held, more.length)
  for (let n = 0; n < more.length; n++) both[n]! |= more[n]!
  return both
}
