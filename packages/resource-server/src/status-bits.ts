import { base64url } from 'jose'
import { readBounded } from './bounded-fetch.ts'
import { InvalidResponseError } from './errors.ts'

/** A decoded `status_list` of a status list token or a feed event (Token Status List, section 4.2). */
export interface StatusArray {
  /** Bits for each token. */
  readonly bits: 1 | 2 | 4 | 8
  readonly statuses: Uint8Array
}

function decodeBase64(text: string): Uint8Array {
  try {
    return base64url.decode(text)
  } catch (cause) {
    throw new InvalidResponseError('lst is not base64url', { cause })
  }
}

/** @throws InvalidResponseError if it is not a complete ZLIB stream (RFC 1950), or inflates to more than `maxBytes` */
async function inflate(deflated: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const stream = new Blob([deflated as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('deflate'))
  try {
    return await readBounded(stream, maxBytes)
  } catch (cause) {
    if (cause instanceof InvalidResponseError) throw cause
    throw new InvalidResponseError('lst does not inflate', { cause })
  }
}

const isWidth = (bits: unknown): bits is 1 | 2 | 4 | 8 => bits === 1 || bits === 2 || bits === 4 || bits === 8

/** @throws InvalidResponseError */
export async function decodeStatuses(encoded: unknown, maxBytes: number): Promise<StatusArray> {
  const { bits, lst } = (encoded ?? {}) as Record<string, unknown>
  if (!isWidth(bits)) throw new InvalidResponseError('bits is not 1, 2, 4 or 8')
  if (typeof lst !== 'string') throw new InvalidResponseError('lst is not a string')
  return { bits, statuses: await inflate(decodeBase64(lst), maxBytes) }
}

/** The number of tokens in the list. */
export const countOf = ({ bits, statuses }: StatusArray): number => (statuses.length * 8) / bits

/** Returns the status at an index, counted from the least significant bit (section 4.1). Undefined beyond the end. */
export function statusAt({ bits, statuses }: StatusArray, index: number): number | undefined {
  const byte = statuses[Math.floor((index * bits) / 8)]
  return byte === undefined ? undefined : (byte >> ((index * bits) % 8)) & ((1 << bits) - 1)
}

/**
 * Returns one bit for each token, set for every status but VALID. A list with more than one bit for each token may hold
 * SUSPENDED (0x02). It counts as revoked, for good: Keywright suspends nothing.
 */
export function revokedBits(list: StatusArray): Uint8Array {
  if (list.bits === 1) return list.statuses
  const revoked = new Uint8Array(Math.ceil(countOf(list) / 8))
  for (let index = 0; index < countOf(list); index++) {
    if (statusAt(list, index) !== 0) setBit(revoked, index)
  }
  return revoked
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

/** Returns `bitmap`, or a copy of at least that many bytes. */
export function withRoom(bitmap: Uint8Array, bytes: number): Uint8Array {
  if (bitmap.length >= bytes) return bitmap
  const longer = new Uint8Array(bytes)
  longer.set(bitmap)
  return longer
}

/** Returns the bits that are set in either bitmap. May change and return `target`. */
export function union(target: Uint8Array, added: Uint8Array): Uint8Array {
  const both = withRoom(target, added.length)
  for (let n = 0; n < added.length; n++) both[n]! |= added[n]!
  return both
}
