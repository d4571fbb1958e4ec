import { StatusList } from '@sd-jwt/jwt-status-list'
import { expect, test } from 'vitest'
import {
  addIndexes,
  decode,
  emptyBitmap,
  encode,
  encodeSync,
  LIST_SIZES,
  SMALLEST_LIST,
  setIndex,
  setIndexesOf,
} from '../../src/status/status-bitmap.ts'
import { createOrder } from '../../src/status/status-index-order.ts'

/** The draft's example of one bit (draft-ietf-oauth-status-list-21, section 4.1). */
const EXAMPLE = { bytes: [0xb9, 0xa3], lst: 'eNrbuRgAAhcBXQ' }

/** Its test vector of one bit (appendix C.1), a list of 2^20. */
const VECTOR = [
  'eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogE',
  'AAKkeCQAAAAAAAAAAAAAAAAAAAIBylgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'AAAAAAAAAAAAAAAAAAAXG9IAAAAAAAAAPwsJAAAAAAAAAAAAAAAvhsSAAAAAAAAAAA',
  'A7KpLAAAAAAAAAAAAAAAAAAAAAJsLCQAAAAAAAAAAADjelAAAAAAAAAAAKjDMAQAAA',
  'ACAZC8L2AEb',
].join('')
const VECTOR_INDEXES = [0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345]

test('the draft’s example and test vector of one bit are decoded as specified, and another library decodes our lists', async () => {
  expect([...decode(EXAMPLE.lst)]).toEqual(EXAMPLE.bytes)
  expect(encodeSync(Uint8Array.from(EXAMPLE.bytes))).toBe(EXAMPLE.lst)
  const listed = decode(VECTOR, 2 ** 17)
  expect(setIndexesOf(listed)).toEqual(VECTOR_INDEXES)
  const encoded = new Uint8Array(2 ** 17)
  for (const index of VECTOR_INDEXES) setIndex(encoded, index)
  expect(encoded).toEqual(new Uint8Array(listed))
  const decoded = StatusList.decompressStatusList(await encode(encoded), 1)
  expect(VECTOR_INDEXES.map((index) => decoded.getStatus(index))).toEqual(VECTOR_INDEXES.map(() => 1))
  expect(decoded.statusList.reduce((sum, bit) => sum + bit, 0)).toBe(VECTOR_INDEXES.length)
})

test('every index of a bitmap can be set, an index beyond it is ignored, and added indexes stay set', () => {
  const all = emptyBitmap()
  const indexes = Array.from({ length: SMALLEST_LIST }, (_, index) => index)
  for (const index of [...indexes, -1, SMALLEST_LIST, 2 ** 31]) setIndex(all, index)
  expect(setIndexesOf(all)).toEqual(indexes)
  expect(setIndexesOf(all, SMALLEST_LIST - 1)).toBeUndefined()
  const some = emptyBitmap()
  setIndex(some, 77)
  const other = emptyBitmap()
  setIndex(other, 65_535)
  expect([addIndexes(some, other), addIndexes(some, other)]).toEqual([true, false])
  expect(setIndexesOf(some)).toEqual([77, 65_535])
})

const indexesOf = (size: number, orderKey: Buffer, count = size): number[] => {
  const order = createOrder(size, orderKey)
  return Array.from({ length: count }, (_, position) => order(position))
}

test.each(LIST_SIZES)(
  'a list of %i gives each index to one token, in an order that its order key determines',
  (size) => {
    const [one, again, other] = [1, 1, 2].map((n) => indexesOf(size, Buffer.alloc(32, n)))
    expect(one!.every((index) => index >= 0 && index < size)).toBe(true)
    expect(new Set(one).size).toBe(size)
    expect(one!.every((index, n) => index === again![n])).toBe(true)
    // Two independent orders agree in one index on average.
    expect(one!.filter((index, n) => other![n] === index).length).toBeLessThan(20)
  },
)

test('an index does not reveal when its token was issued: early indexes are not low, and consecutive ones are not near', () => {
  const buckets = Array(16).fill(0)
  let near = 0
  for (let n = 0; n < 60; n++) {
    const orderKey = Buffer.alloc(32)
    orderKey.writeUInt32LE(n)
    const first = indexesOf(SMALLEST_LIST, orderKey, 1000)
    for (const [k, index] of first.entries()) {
      buckets[index >> 12]++
      if (k > 0 && Math.abs(index - first[k - 1]!) < 656) near++
    }
  }
  const expected = 60_000 / 16
  const chiSquare = buckets.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  // 15 degrees of freedom: a random order exceeds 45 once in ten thousand.
  expect(chiSquare).toBeLessThan(45)
  // Two in a hundred random indexes are within a hundredth of the list of the previous one.
  expect(near / 60_000).toBeGreaterThan(0.017)
  expect(near / 60_000).toBeLessThan(0.023)
})
