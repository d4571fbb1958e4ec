import { createCipheriv } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { LIST_SIZE } from './status-bitmap.ts'

/** Random numbers that follow from a seed: the key stream of AES-256-CTR, read as 32-bit numbers. */
function createStream(seed: Buffer): () => number {
  const cipher = createCipheriv('aes-256-ctr', seed, Buffer.alloc(16))
  const zeros = Buffer.alloc(16_384)
  let block = Buffer.alloc(0)
  let at = 0
  return () => {
    if (at === block.length) {
      block = cipher.update(zeros)
      at = 0
    }
    at += 4
    return block.readUInt32LE(at - 4)
  }
}

/** A number below `bound`, each as likely: what would favour the low ones is drawn again. */
function below(bound: number, next: () => number): number {
  const limit = 2 ** 32 - (2 ** 32 % bound)
  for (;;) {
    const drawn = next()
    if (drawn < limit) return drawn % bound
  }
}

/** Every index of a list, in the order in which a list of this seed gives them out (Fisher and Yates). */
export function orderOf(seed: Buffer): Uint16Array {
  const order = Uint16Array.from({ length: LIST_SIZE }, (_, index) => index)
  const next = createStream(seed)
  for (let last = LIST_SIZE - 1; last > 0; last--) {
    const other = below(last + 1, next)
    const index = order[last]!
    order[last] = order[other]!
    order[other] = index
  }
  return order
}

/** 128 KiB each, and some milliseconds to make. */
const ORDERS = 32

/** `orderOf`, which remembers the lists that were last asked about. */
export function createOrders(): (list: number, seed: Buffer) => Uint16Array {
  const orders = new LRUCache<number, Uint16Array>({ max: ORDERS })
  return (list, seed) => {
    const order = orders.get(list) ?? orderOf(seed)
    orders.set(list, order)
    return order
  }
}
