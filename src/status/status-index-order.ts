import { createCipheriv } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** More rounds than an order that nobody can guess needs (Luby and Rackoff: four). */
const ROUNDS = 8

/** Pseudorandom 16-bit numbers that follow from a orderKey: the key stream of AES-256-CTR. */
function numbersOf(orderKey: Buffer, count: number): Uint16Array {
  const stream = createCipheriv('aes-256-ctr', orderKey, Buffer.alloc(16)).update(Buffer.alloc(count * 2))
  return Uint16Array.from({ length: count }, (_, n) => stream.readUInt16LE(n * 2))
}

/** Answers the index that a list gives out at a position, both from 0 to below its size. */
export type Order = (position: number) => number

/**
 * The order in which a list of this orderKey gives out its indexes: a permutation that a Feistel network computes for each
 * position, because a shuffled list of a million would take 4 MB and block the process while it is made.
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

/** 16 KiB each for a list of a million. */
const ORDERS = 32

/** `createOrder`, which remembers the lists that were last asked about. */
export function createOrders(): (list: number, size: number, orderKey: Buffer) => Order {
  const orders = new LRUCache<number, Order>({ max: ORDERS })
  return (list, size, orderKey) => {
    const order = orders.get(list) ?? createOrder(size, orderKey)
    orders.set(list, order)
    return order
  }
}
