import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createDpopNonces } from '../../src/oidc/dpop-nonces.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'

const [older, newer] = [randomBytes(32), randomBytes(32)]

test('each node issues the nonce of the key that seals, and accepts those of each key that it holds', () => {
  const [before, both, after] = [[older], [newer, older], [newer]].map(createEncryptionKeys)
  const [nonces, ofBoth, ofAfter] = [createDpopNonces(before!), createDpopNonces(both!), createDpopNonces(after!)]
  const issued = nonces.nextChallenge()
  expect(createDpopNonces(createEncryptionKeys([older])).checkChallenge(issued)).toBe(true)
  expect(ofBoth.checkChallenge(issued)).toBe(true)
  both!.sealWith(before!.all[0]!.id)
  expect(nonces.checkChallenge(ofBoth.nextChallenge())).toBe(true)
  both!.sealWith(after!.all[0]!.id)
  expect([nonces, ofBoth, ofAfter].map((one) => one.checkChallenge(ofBoth.nextChallenge()))).toEqual([
    false,
    true,
    true,
  ])
  expect(ofAfter.checkChallenge(issued)).toBe(false)
})
