import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { seal, sealedBy, unseal } from '../../src/shared/envelope.ts'

const [older, newer] = [randomBytes(32), randomBytes(32)]
const FOR = { purpose: 'signing key', context: 'kid' } as const
const TEXT = Buffer.from('what is sealed')

test('a sealed value names its format and the key that sealed it', () => {
  const keys = createEncryptionKeys([newer, older])
  const sealed = seal(keys, FOR, TEXT)
  expect(sealed[0]).toBe(1)
  expect(sealedBy(sealed)).toBe(keys.all[0]!.id)
  expect(unseal(keys, FOR, sealed)).toEqual(TEXT)
  expect(sealedBy(Buffer.concat([Buffer.of(2), sealed.subarray(1)]))).toBeUndefined()
})

test('no two values are sealed with the same AES key and nonce: equal texts have no byte of ciphertext in common', () => {
  const keys = createEncryptionKeys([newer])
  const sealed = Array.from({ length: 50 }, () => seal(keys, FOR, Buffer.alloc(32)))
  const salts = new Set(sealed.map((one) => one.subarray(9, 41).toString('hex')))
  const streams = new Set(sealed.map((one) => one.subarray(57).toString('hex')))
  expect([salts.size, streams.size]).toEqual([50, 50])
})

test('a value opens for its own purpose and context only, and not when a byte of it was changed', () => {
  const keys = createEncryptionKeys([newer])
  const sealed = seal(keys, FOR, TEXT)
  for (const other of [{ ...FOR, purpose: 'feed cursor' } as const, { ...FOR, context: 'other' }]) {
    expect(() => unseal(keys, other, sealed)).toThrow(/authenticate/)
  }
  for (const at of [9, 41, 57, sealed.length - 1]) {
    const changed = Buffer.from(sealed)
    changed[at]! ^= 1
    expect(() => unseal(keys, FOR, changed)).toThrow(/authenticate/)
  }
})

test('the key that the database names seals, wherever it stands in the list; without it the first one does', () => {
  const keys = createEncryptionKeys([newer, older])
  expect(keys.sealing.secret).toBe(newer)
  keys.sealWith(createEncryptionKeys([older]).all[0]!.id)
  expect(sealedBy(seal(keys, FOR, TEXT))).toBe(keys.all[1]!.id)
  expect(keys.missing).toBeUndefined()
  const elsewhere = createEncryptionKeys([randomBytes(32)]).all[0]!.id
  keys.sealWith(elsewhere)
  expect([keys.sealing.secret, keys.missing]).toEqual([newer, elsewhere])
})
