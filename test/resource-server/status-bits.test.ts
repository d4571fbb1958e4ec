import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  countOf,
  decodeStatuses,
  hasBit,
  revokedBits,
  statusAt,
  union,
} from '../../packages/resource-server/src/status-bits.ts'

interface Vector {
  name: string
  size: number
  bits: number
  lst: string
  statuses: [number, number][]
}

/** The examples of draft-ietf-oauth-status-list: section 4.1 and the appendix of test vectors. */
const VECTORS: Vector[] = JSON.parse(
  readFileSync(new URL('fixtures/status-list-vectors.json', import.meta.url), 'utf8'),
)

const MEBIBYTE = 1024 * 1024
const lst = (bytes: Uint8Array) => deflateSync(bytes).toString('base64url')

describe('a status list is decoded as the draft specifies', () => {
  it.each(VECTORS)('$name', async ({ bits, lst, size, statuses }) => {
    const list = await decodeStatuses({ bits, lst }, MEBIBYTE)
    expect(countOf(list)).toBe(size)
    const printed = new Map(statuses)
    const found: [number, number][] = []
    for (let index = 0; index < size; index++) {
      const status = statusAt(list, index)!
      if (status !== (printed.get(index) ?? 0)) found.push([index, status])
    }
    expect(found).toEqual([])
    const revoked = revokedBits(list)
    const expected = [...printed].filter(([, status]) => status !== 0).map(([index]) => index)
    expect(expected.every((index) => hasBit(revoked, index))).toBe(true)
    const set = revoked.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
    expect(set).toBe(expected.length)
  })
})

describe('a malformed status list', () => {
  it.each([
    ['with an unknown number of bits', { bits: 3, lst: lst(new Uint8Array(8)) }, 'bits'],
    ['without lst', { bits: 1 }, 'lst'],
    ['with an lst that is not a string', { bits: 1, lst: [1] }, 'lst'],
    ['with an lst that is not base64url', { bits: 1, lst: '***' }, 'base64url'],
    ['with an lst that is not a ZLIB stream', { bits: 1, lst: Buffer.from('hello').toString('base64url') }, 'inflate'],
    [
      'with a truncated ZLIB stream',
      { bits: 1, lst: lst(Buffer.from(crypto.getRandomValues(new Uint8Array(999)))).slice(0, -40) },
      'inflate',
    ],
    ['that is undefined', undefined, 'bits'],
    ['that is null', null, 'bits'],
  ])('%s is rejected', async (_name, encoded, reason) => {
    await expect(decodeStatuses(encoded, MEBIBYTE)).rejects.toThrow(reason)
  })

  it('that inflates to more than the limit is not inflated completely', async () => {
    const bomb = { bits: 1, lst: lst(new Uint8Array(200 * MEBIBYTE)) }
    const before = process.memoryUsage().arrayBuffers
    await expect(decodeStatuses(bomb, MEBIBYTE)).rejects.toThrow('more than 1048576 bytes')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * MEBIBYTE)
  })
})

it('the union of two bitmaps has the bits of both and the length of the longer one', () => {
  expect([...union(new Uint8Array([1, 2]), new Uint8Array([4]))]).toEqual([5, 2])
  expect([...union(new Uint8Array([1]), new Uint8Array([4, 8]))]).toEqual([5, 8])
})
