import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  countOf,
  deadBits,
  decodeStatuses,
  hasBit,
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

/** What draft-ietf-oauth-status-list prints in section 4.1 and in its appendix of test vectors. */
const VECTORS: Vector[] = JSON.parse(
  readFileSync(new URL('fixtures/status-list-vectors.json', import.meta.url), 'utf8'),
)

const MEBIBYTE = 1024 * 1024
const lst = (bytes: Uint8Array) => deflateSync(bytes).toString('base64url')

describe('a status list is read as the draft prints it', () => {
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
    const dead = deadBits(list)
    const deadOnes = [...printed].filter(([, status]) => status !== 0).map(([index]) => index)
    expect(deadOnes.every((index) => hasBit(dead, index))).toBe(true)
    const set = dead.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)
    expect(set).toBe(deadOnes.length)
  })
})

describe('a list that is not one', () => {
  it.each([
    ['bits that are not of the draft', { bits: 3, lst: lst(new Uint8Array(8)) }, 'bits'],
    ['no list', { bits: 1 }, 'lst'],
    ['a list that is no text', { bits: 1, lst: [1] }, 'lst'],
    ['what is no base64url', { bits: 1, lst: '***' }, 'base64url'],
    ['what is no zlib', { bits: 1, lst: Buffer.from('hello').toString('base64url') }, 'inflate'],
    [
      'a stream that is cut',
      { bits: 1, lst: lst(Buffer.from(crypto.getRandomValues(new Uint8Array(999)))).slice(0, -40) },
      'inflate',
    ],
    ['nothing', undefined, 'bits'],
    ['null', null, 'bits'],
  ])('%s is refused', async (_name, encoded, reason) => {
    await expect(decodeStatuses(encoded, MEBIBYTE)).rejects.toThrow(reason)
  })

  it('that inflates to more than is allowed is not inflated to its end', async () => {
    const bomb = { bits: 1, lst: lst(new Uint8Array(200 * MEBIBYTE)) }
    const before = process.memoryUsage().arrayBuffers
    await expect(decodeStatuses(bomb, MEBIBYTE)).rejects.toThrow('more than 1048576 bytes')
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * MEBIBYTE)
  })
})

it('what was set stays set, in the longer of two', () => {
  expect([...union(new Uint8Array([1, 2]), new Uint8Array([4]))]).toEqual([5, 2])
  expect([...union(new Uint8Array([1]), new Uint8Array([4, 8]))]).toEqual([5, 8])
})
