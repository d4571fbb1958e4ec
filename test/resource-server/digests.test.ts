import { expect, it } from 'vitest'
import { isSame } from '../../packages/resource-server/src/digests.ts'

it.each([
  ['', '', true],
  ['abc', 'abc', true],
  ['abc', 'abd', false],
  ['abc', 'abcd', false],
  ['abcd', 'abc', false],
  ['', 'a', false],
])('the constant-time comparison of %j and %j is %s', (one, other, same) => {
  expect(isSame(one, other)).toBe(same)
})
