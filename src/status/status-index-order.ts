import { createCipheriv } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** Rounds of the Feistel network. Four suffice for a pseudorandom permutation (Luby and Rackoff). */
const ROUNDS = 8

/** Pseudorandom 16-bit numbers derived from the order key: the key stream of AES-256-CTR. */
function numbersOf(orderKey: Buffer, count: number): Uint16Array {
  const stream = createCipheriv('aes-256-ctr', orderKey, Buffer.alloc(16)).update(Buffer.alloc(count * 2))
  return Uint16Array.from({ length: count }, (_, n) => stream.readUInt16LE(n * 2))
}

/** Returns the status index of the token at a position in the list. Both are at least 0 and less than the list's size. */
export type Order = (position: number) => number

/**
 * The order in which the tokens of a list get their status indexes: a secret permutation, so that an index does not reveal when
 * its token was issued. A Feistel network computes it for each position. A shuffled array of a million indexes would take 4 MB,
 * and shuffling would block the process.
 * @param size a power of four, from 65,536 to 1,048,576
 */
export function createOrder(size: number, orderKey: Buffer): Order {
  const half = Math.log2(size) / 2
  const mask = 2 ** half - 1
  const functions = numbersOf(orderKey, ROUNDS << half)
  return (position) => {
    let left = position >> half
    let right = position & mask
    for (let round = 0; round < ROUNDS; round++) {
      const next = left ^ (functions[(round << half) | right]! & mask)
      left = right
      right = next
    }
    return (left << half) | right
  }
}

/** Each takes 16 KiB for a list of a million. */
const CACHED_ORDERS = 32

/** `createOrder` with a cache of the lists that were used last. */
export function createOrders(): (list: number, size: number, orderKey: Buffer) => Order {
  const orders = new LRUCache<number, Order>({ max: CACHED_ORDERS })
  return (list, size, orderKey) => {
    const order = orders.get(list) ?? createOrder(size, orderKey)
    orders.set(list, order)
    return order
  }
}
