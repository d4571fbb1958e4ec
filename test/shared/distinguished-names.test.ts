import { expect, test } from 'vitest'
import { elementsIn } from '../../src/shared/der.ts'
import { canonicalName, distinguishedNameIn, parseDistinguishedName } from '../../src/shared/distinguished-names.ts'

const element = (tag: number, ...parts: Buffer[]): Buffer => {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, content.length]), content])
}

const COMMON_NAME = element(6, Buffer.from([0x55, 4, 3]))

/** The name of a certificate with one attribute CN, a string of this type. */
const nameOf = (tag: number, content: Buffer): string => {
  const name = element(0x30, element(0x31, element(0x30, COMMON_NAME, element(tag, content))))
  return canonicalName(distinguishedNameIn(elementsIn(name)[0]!))
}

const registered = (text: string): string => canonicalName(parseDistinguishedName(text))

const UTF8 = 12
const BMP = 30

test.each([
  [UTF8, Buffer.from('client')],
  [19, Buffer.from('client')],
  [BMP, Buffer.from('client', 'utf16le').swap16()],
])('a string of type %s is its text', (tag, content) => {
  expect(nameOf(tag, content)).toBe(registered('CN=client'))
})

test('a byte order mark makes another name', () => {
  expect(nameOf(UTF8, Buffer.from('\ufeffclient'))).not.toBe(registered('CN=client'))
  expect(nameOf(BMP, Buffer.from('\ufeffclient', 'utf16le').swap16())).not.toBe(registered('CN=client'))
  expect(registered('CN=\\EF\\BB\\BFclient')).not.toBe(registered('CN=client'))
  expect(registered('CN=\\EF\\BB\\BFclient')).toBe(nameOf(UTF8, Buffer.from('\ufeffclient')))
})
