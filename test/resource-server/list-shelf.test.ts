import { expect, it } from 'vitest'
import { isSame } from '../../packages/resource-server/src/digests.ts'
import { ListShelf } from '../../packages/resource-server/src/list-shelf.ts'
import { handClock } from './fake-issuer.ts'

const HOUR = 3_600_000

it('lists that nobody asked about for an hour are put away, and how old they may not be is known for a month', () => {
  const clock = handClock()
  const shelf = new ListShelf(clock, 100)
  shelf.add('used')
  shelf.add('unused').lastEvent = 5000
  clock.advance(HOUR)
  shelf.get('used')!.usedAt = clock.monotonic()
  clock.advance(1)
  shelf.add('new')
  expect([...shelf.all()].map(({ uri }) => uri)).toEqual(['used', 'new'])
  clock.advance(31 * 24 * HOUR)
  expect(shelf.add('unused').notBefore).toBe(7000)
  clock.advance(2 * HOUR)
  shelf.add('again')
  clock.advance(33 * 24 * HOUR)
  shelf.add('and again')
  expect(shelf.add('unused').notBefore).toBe(0)
})

it('lists that know of dead tokens stay for as long as those may live', () => {
  const clock = handClock()
  const shelf = new ListShelf(clock, 100)
  shelf.add('known').kill([3])
  clock.advance(31 * 24 * HOUR)
  shelf.add('new')
  expect(shelf.get('known')!.isDead(3)).toBe(true)
  clock.advance(2 * 24 * HOUR)
  shelf.add('again')
  expect(shelf.get('known')).toBeUndefined()
})

it('a full shelf makes room by what was not used for longest', () => {
  const clock = handClock()
  const shelf = new ListShelf(clock, 10)
  for (let n = 0; n < 25; n++) {
    clock.advance(1)
    shelf.add(`list ${n}`)
  }
  expect(shelf.size).toBe(10)
  expect(shelf.get('list 24')).toBeDefined()
  expect(shelf.get('list 14')).toBeUndefined()
})

it.each([
  ['', '', true],
  ['abc', 'abc', true],
  ['abc', 'abd', false],
  ['abc', 'abcd', false],
  ['abcd', 'abc', false],
  ['', 'a', false],
])('%j and %j are the same: %s', (one, other, same) => {
  expect(isSame(one, other)).toBe(same)
})
