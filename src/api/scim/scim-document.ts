import { invalidSyntax, invalidValue } from './scim-error.ts'
import { type KeptAttribute, keptAttribute } from './scim-path.ts'

/** A value of a multi-valued attribute. */
export type ScimValue = { readonly value?: string; readonly type?: string; readonly primary?: boolean }

/** The attributes of a user that this server keeps, as an identity provider writes them. */
export interface ScimDocument {
  userName?: string
  externalId?: string | null
  active?: boolean
  displayName?: string | null
  name?: { formatted?: string; givenName?: string; familyName?: string }
  emails?: readonly ScimValue[]
  roles?: readonly ScimValue[]
}

/** Values of a multi-valued attribute. */
const MOST_VALUES = 100

/** Characters of a text. */
const LONGEST = 1000

function textOf(attribute: string, value: unknown): string {
  if (typeof value !== 'string') throw invalidValue(`${attribute} must be a string`)
  if (value.length > LONGEST) throw invalidValue(`${attribute} is longer than ${LONGEST} characters`)
  return value
}

/** Entra sends booleans as the strings "True" and "False". */
function booleanOf(attribute: string, value: unknown): boolean {
  const text = typeof value === 'string' ? value.toLowerCase() : value
  if (text === true || text === 'true') return true
  if (text === false || text === 'false') return false
  throw invalidValue(`${attribute} must be true or false`)
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The members by their names in small letters, because names of attributes have no case (RFC 7643, section 2.1). */
export function membersOf(value: unknown, what: string): Map<string, unknown> {
  if (!isObject(value)) throw invalidValue(`${what} must be an object`)
  const members = new Map<string, unknown>()
  for (const [name, member] of Object.entries(value)) {
    const key = name.toLowerCase()
    if (members.has(key)) throw invalidSyntax(`${name.slice(0, 100)} is given twice`)
    members.set(key, member)
  }
  return members
}

export function scimValueOf(attribute: string, one: unknown): ScimValue {
  if (typeof one === 'string') return { value: textOf(attribute, one) }
  const members = membersOf(one, `a value of ${attribute}`)
  const [value, type, primary] = [members.get('value'), members.get('type'), members.get('primary')]
  return {
    ...(value != null && { value: textOf(`${attribute}.value`, value) }),
    ...(type != null && { type: textOf(`${attribute}.type`, type) }),
    ...(primary != null && { primary: booleanOf(`${attribute}.primary`, primary) }),
  }
}

/** One value is a list of one. */
export function scimValuesOf(attribute: string, given: unknown): ScimValue[] {
  const list = Array.isArray(given) ? given : [given]
  if (list.length > MOST_VALUES) throw invalidValue(`${attribute} has more than ${MOST_VALUES} values`)
  return list.map((one) => scimValueOf(attribute, one))
}

const NAME_PARTS = [
  ['formatted', 'formatted'],
  ['givenname', 'givenName'],
  ['familyname', 'familyName'],
] as const

/** The part of a name by its name in small letters. Undefined: one that is not kept. */
export const namePart = (key: string) => NAME_PARTS.find(([known]) => known === key)?.[1]

export function nameOf(given: unknown): NonNullable<ScimDocument['name']> {
  const members = membersOf(given, 'name')
  const parts = NAME_PARTS.filter(([key]) => members.get(key) != null)
  return Object.fromEntries(parts.map(([key, name]) => [name, textOf(`name.${name}`, members.get(key))]))
}

/** The value of a kept attribute as the document has it; null removes it. @throws ScimError `invalidValue` */
export function attributeOf<Name extends KeptAttribute>(attribute: Name, given: unknown): ScimDocument[Name]
export function attributeOf(attribute: KeptAttribute, given: unknown): ScimDocument[KeptAttribute] {
  if (attribute === 'emails' || attribute === 'roles') return given === null ? [] : scimValuesOf(attribute, given)
  if (attribute === 'name') return given === null ? {} : nameOf(given)
  if (attribute === 'active') return booleanOf('active', given)
  if (given === null && attribute !== 'userName') return null
  return textOf(attribute, given)
}

/** Reads a user (RFC 7643, section 4.1). Attributes that are not kept are ignored. @throws ScimError */
export function readDocument(body: unknown): ScimDocument {
  const document: Record<string, unknown> = {}
  for (const [key, given] of membersOf(body, 'the body')) {
    const attribute = keptAttribute(key)
    if (attribute) document[attribute] = attributeOf(attribute, given)
  }
  return document
}
