import { childrenOf, type DerElement, elementsIn, MalformedDerError, oidOf, textOfString } from './der.ts'

/** An attribute of a name: its type as an OID, and its text; of a value that is no string, its DER in hexadecimal. */
export type NameAttribute = { readonly type: string } & ({ readonly text: string } | { readonly der: string })

/** A distinguished name in the order of RFC 4514: the most specific part first. */
export type DistinguishedName = readonly (readonly NameAttribute[])[]

/** Characters of the text of a name. */
export const MAX_NAME_LENGTH = 1000

/** Short names: RFC 4514, section 3, RFC 4519, and those that certificates have beside. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  CN: '2.5.4.3',
  SN: '2.5.4.4',
  serialNumber: '2.5.4.5',
  C: '2.5.4.6',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  title: '2.5.4.12',
  businessCategory: '2.5.4.15',
  postalCode: '2.5.4.17',
  GN: '2.5.4.42',
  organizationIdentifier: '2.5.4.97',
  UID: '0.9.2342.19200300.100.1.1',
  DC: '0.9.2342.19200300.100.1.25',
  emailAddress: '1.2.840.113549.1.9.1',
  jurisdictionC: '1.3.6.1.4.1.311.60.2.1.3',
}

const OIDS = new Map(Object.entries(SHORT_NAMES).map(([name, oid]) => [name.toLowerCase(), oid]))
const NAMES = new Map(Object.entries(SHORT_NAMES).map(([name, oid]) => [oid, name]))

/** What is wrong with the text of a distinguished name. */
export class DistinguishedNameError extends Error {
  override readonly name = 'DistinguishedNameError'
}

const TYPE = /\s*(?:OID\.)?([a-z][a-z0-9-]*|\d+(?:\.\d+)+)\s*=\s*/iy
const HEX_VALUE = /#((?:[0-9a-f]{2})+)\s*(?=[,+]|$)/iy
const CHARACTER = /\\([0-9a-f]{2})|\\([ "#+,;<=>\\])|([^\\,+";<>\0])/iuy

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

function decoded(parts: readonly Buffer[]): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(parts))
  } catch {
    throw new DistinguishedNameError('an escaped value is not UTF-8')
  }
}

type Value = { readonly text: string } | { readonly der: string }

function valueIn(element: DerElement): Value {
  const text = textOfString(element)
  return text === undefined ? { der: element.bytes.toString('hex') } : { text }
}

function valueOfHex(hex: string): Value {
  try {
    const [element, ...others] = elementsIn(Buffer.from(hex, 'hex'))
    if (element && others.length === 0) return valueIn(element)
  } catch (error) {
    if (!(error instanceof MalformedDerError)) throw error
  }
  throw new DistinguishedNameError('a value that begins with # must be DER in hexadecimal')
}

/** The value that begins there, without unescaped spaces at its end. */
function valueAt(text: string, at: number): { value: Value; end: number } {
  const hex = match(HEX_VALUE, text, at)
  if (hex) return { value: valueOfHex(hex[1]!), end: HEX_VALUE.lastIndex }
  const parts: Buffer[] = []
  let end = at
  let length = 0
  for (let found = match(CHARACTER, text, end); found; found = match(CHARACTER, text, end)) {
    end = CHARACTER.lastIndex
    parts.push(found[1] ? Buffer.from(found[1], 'hex') : Buffer.from(found[2] ?? found[3]!))
    if (found[3] !== ' ') length = parts.length
  }
  if (length === 0) throw new DistinguishedNameError('an attribute of the name has no value')
  return { value: { text: decoded(parts.slice(0, length)) }, end }
}

/**
 * Parses the text of a distinguished name (RFC 4514, section 3), such as `CN=client,O=Example,C=DE`.
 * @throws DistinguishedNameError
 */
export function parseDistinguishedName(text: string): DistinguishedName {
  if (text.length > MAX_NAME_LENGTH)
    throw new DistinguishedNameError(`a name has at most ${MAX_NAME_LENGTH} characters`)
  const name: NameAttribute[][] = [[]]
  for (let at = 0; ; at++) {
    const type = match(TYPE, text, at)
    if (!type) throw new DistinguishedNameError('a name has the form CN=client,O=Example,C=DE (RFC 4514)')
    const oid = /^\d/.test(type[1]!) ? type[1] : OIDS.get(type[1]!.toLowerCase())
    if (!oid) throw new DistinguishedNameError(`the attribute ${type[1]} is unknown; use its OID`)
    const { value, end } = valueAt(text, TYPE.lastIndex)
    name.at(-1)!.push({ type: oid, ...value })
    if (end === text.length) return name
    if (text[end] === ',') name.push([])
    else if (text[end] !== '+') throw new DistinguishedNameError(`escape the character ${text[end]} by a backslash`)
    at = end
  }
}

const attributeIn = (element: DerElement): NameAttribute => {
  const [type, value] = childrenOf(element)
  return { type: oidOf(type!), ...valueIn(value!) }
}

/** The distinguished name of a certificate, which has the most general part first. @throws MalformedDerError */
export const distinguishedNameIn = (element: DerElement): DistinguishedName =>
  childrenOf(element)
    .map((relative) => childrenOf(relative).map(attributeIn))
    .reverse()

function escaped(value: string): string {
  return value
    .replace(/["+,;<>\\]/g, (character) => `\\${character}`)
    .replace(/\p{Cc}/gu, (character) => `\\${Buffer.from(character).toString('hex').match(/../g)!.join('\\')}`)
    .replace(/^[ #]| $/g, (character) => `\\${character}`)
}

/** The text of a name (RFC 4514, section 2). */
export const formatDistinguishedName = (name: DistinguishedName): string =>
  name
    .map((relative) =>
      relative
        .map((one) => `${NAMES.get(one.type) ?? one.type}=${'text' in one ? escaped(one.text) : `#${one.der}`}`)
        .join('+'),
    )
    .join(',')

/** A text that equal names share: attributes of one part have no order. Values are compared exactly. */
export const canonicalName = (name: DistinguishedName): string =>
  JSON.stringify(
    name.map((relative) =>
      relative.map((one) => ('text' in one ? `${one.type}=${one.text}` : `${one.type}#${one.der}`)).sort(),
    ),
  )
