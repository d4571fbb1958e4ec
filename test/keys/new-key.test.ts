import { expect, test } from 'vitest'
import { newKey } from '../../src/keys/new-key.ts'

test('the ID of no new key begins with a hyphen, which commands take for an option', async () => {
  // By chance, one of 64 would.
  const kids = await Promise.all(Array.from({ length: 2000 }, async () => (await newKey('EdDSA')).kid))
  expect(kids.filter((kid) => kid.startsWith('-'))).toEqual([])
})
