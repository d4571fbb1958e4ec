import argon2 from 'argon2'
import { expect, test } from 'vitest'
import { checkNewPassword, decoyHash, hashPassword, needsRehash, verifyPassword } from '../../src/accounts/passwords.ts'
import { generateSecret } from '../../src/shared/secrets.ts'

const ANN = { email: 'Ann.Archer@acme.example', name: 'Ann Ångström' }
const AL = { email: 'al@acme.example', name: null }

const isRefused = async (
  password: string,
  person: { email: string; name: string | null } = AL,
): Promise<string | undefined> => {
  try {
    await checkNewPassword(password, person)
    return undefined
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid_input' })
    return (error as Error).message
  }
}

test.each(['correct horse battery', 'Tr0ub4dor&3xyz', 'žluťoučký kůň', '東京都千代田区丸の内一丁目九番'])(
  'taken: %s',
  async (password) => expect(await isRefused(password)).toBeUndefined(),
)

test.each([
  'password1234',
  'PassWord1234',
  'unbelievable',
  'password!!!!',
  '4321password',
  '12qwerty3456',
  'password1111222',
])('not taken, because many people use it or one much like it: %s', async (password) =>
  expect(await isRefused(password)).toMatch(/^Many people/),
)

test.each(['123456789012', 'abcdefghijklm', 'letmeinletmein', 'abcabcabcabc', '0987654321098'])(
  'not taken, because it takes no thought: %s',
  async (password) => expect(await isRefused(password)).toMatch(/^Many people/),
)

test.each(['aaaaaaaaaaaa', '😀'.repeat(12)])('not taken, because it is one character: %s', async (password) =>
  expect(await isRefused(password)).toMatch(/one character|more than one/),
)

test('between 12 and 256 characters, however many bytes each of them has', async () => {
  const some = [...'🌲🌳🌴🌵🌾🌿🍀🍁🍂🍃🍄🍅']
  expect(await isRefused(some.join(''))).toBeUndefined()
  expect(await isRefused(some.slice(1).join(''))).toBe('Use at least 12 characters.')
  const long = Array.from({ length: 256 }, (_, n) => some[(n * n) % 11]).join('')
  expect(await isRefused(long)).toBeUndefined()
  expect(await isRefused(`${long}!`)).toBe('Use at most 256 characters.')
})

test('a character that is written as two counts as one', async () => {
  expect(await isRefused('ručník kůže'.normalize('NFD'))).toBe('Use at least 12 characters.')
})

test.each(['my ann.archer 2026', 'ANN.ARCHER@acme.example', 'i am ann ångström'.normalize('NFD')])(
  'not taken, because it says who it belongs to: %s',
  async (password) => expect(await isRefused(password, ANN)).toMatch(/name and email/),
)

test('a short local part is found in too many words to be refused; the whole address is not', async () => {
  expect(await isRefused('also altogether fine', AL)).toBeUndefined()
  expect(await isRefused('al@acme.example', AL)).toMatch(/name and email/)
})

test('a password is the same on every keyboard, whichever way it composes é', async () => {
  const hash = await hashPassword('café crème brûlée'.normalize('NFD'))
  expect(await verifyPassword(hash, 'café crème brûlée'.normalize('NFC'))).toBe(true)
  expect(await verifyPassword(hash, 'cafe creme brulee')).toBe(false)
})

test('a generated one-time password is proved as it is', async () => {
  const password = generateSecret('password')
  expect(await verifyPassword(await hashPassword(password), password)).toBe(true)
  expect(await argon2.verify(await hashPassword(password), password)).toBe(true)
})

test('a hash is argon2id of 19 MiB, 2 passes and 1 lane; every other one needs a new hash', async () => {
  const hash = await hashPassword('plum orbit canvas 7')
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,p=1,t=2\$/)
  expect(needsRehash(hash)).toBe(false)
  const now = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
  for (const other of [{ memoryCost: 8192 }, { timeCost: 3 }, { parallelism: 2 }]) {
    expect(needsRehash(await argon2.hash('x', { ...now, ...other }))).toBe(true)
  }
  expect(needsRehash(await argon2.hash('x', { ...now, type: argon2.argon2i }))).toBe(true)
})

test('the decoy costs what a real hash costs, and no password is its own', async () => {
  expect(needsRehash(decoyHash())).toBe(false)
  expect(decoyHash()).toHaveLength((await hashPassword('x')).length)
  expect(decoyHash()).not.toBe(decoyHash())
  expect(await verifyPassword(decoyHash(), '')).toBe(false)
})
