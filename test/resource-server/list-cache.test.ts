import { describe, expect, it } from 'vitest'
import { ListCache } from '../../packages/resource-server/src/list-cache.ts'
import { handClock } from './fake-issuer.ts'

const HOUR = 3_600_000

describe('the list cache', () => {
  it('evicts a list after an hour without use, and keeps the minimum age of its next copy for a month', () => {
    const clock = handClock()
    const cache = new ListCache(clock, 100)
    cache.add('used')
    cache.add('unused').lastEvent = 5000
    clock.advance(HOUR)
    cache.get('used')!.usedAt = clock.monotonic()
    clock.advance(1)
    cache.add('new')
    expect([...cache.all()].map(({ uri }) => uri)).toEqual(['used', 'new'])
    clock.advance(31 * 24 * HOUR)
    expect(cache.add('unused').notBefore).toBe(7000)
    clock.advance(2 * HOUR)
    cache.add('again')
    clock.advance(33 * 24 * HOUR)
    cache.add('and again')
    expect(cache.add('unused').notBefore).toBe(0)
  })

  it('keeps a list with revoked tokens for as long as a token can live', () => {
    const clock = handClock()
    const cache = new ListCache(clock, 100)
    cache.add('with revoked tokens').addRevoked([3])
    clock.advance(31 * 24 * HOUR)
    cache.add('new')
    expect(cache.get('with revoked tokens')!.isRevoked(3)).toBe(true)
    clock.advance(2 * 24 * HOUR)
    cache.add('again')
    expect(cache.get('with revoked tokens')).toBeUndefined()
  })

  it('evicts the least recently used lists when it is full', () => {
    const clock = handClock()
    const cache = new ListCache(clock, 10)
    for (let n = 0; n < 25; n++) {
      clock.advance(1)
      cache.add(`list ${n}`)
    }
    expect(cache.size).toBe(10)
    expect(cache.get('list 24')).toBeDefined()
    expect(cache.get('list 14')).toBeUndefined()
  })
})
