import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createLinkTokens } from '../../src/mail/link-tokens.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { newId } from '../../src/shared/ids.ts'
import { withoutSecrets } from '../../src/shared/secrets.ts'

const key = randomBytes(32)
const tokens = createLinkTokens(createEncryptionKeys([key]))

test('a token names its link, and is the same each time', () => {
  const id = newId()
  expect(tokens.linkIdOf(tokens.tokenOf(id))).toBe(id)
  expect(tokens.tokenOf(id)).toBe(tokens.tokenOf(id))
})

test('a token of an earlier encryption key works while the key is in the list', () => {
  const id = newId()
  const token = tokens.tokenOf(id)
  const rotated = createLinkTokens(createEncryptionKeys([randomBytes(32), key]))
  expect(rotated.linkIdOf(token)).toBe(id)
  expect(createLinkTokens(createEncryptionKeys([randomBytes(32)])).linkIdOf(token)).toBeUndefined()
})

test('a token with another id, another code or another form is no token', () => {
  const token = tokens.tokenOf(newId())
  const other = tokens.tokenOf(newId())
  const wrong = [token.slice(0, 36) + other.slice(36), `${token}0`, token.slice(0, -1), token.toUpperCase(), '', 'kwl_']
  for (const one of wrong) expect(tokens.linkIdOf(one)).toBeUndefined()
})

test('a log does not show the token of a link', () => {
  const token = tokens.tokenOf(newId())
  expect(withoutSecrets(`/password/new?token=${token}`)).toBe('/password/new?token=kwl_…')
})
