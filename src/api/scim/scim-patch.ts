import {
  attributeOf,
  membersOf,
  nameOf,
  namePart,
  type ScimDocument,
  type ScimValue,
  scimValueOf,
  scimValuesOf,
} from './scim-document.ts'
import { invalidPath, invalidSyntax, invalidValue, ScimError } from './scim-error.ts'
import type { Condition } from './scim-filter.ts'
import { parsePath, type ScimPath } from './scim-path.ts'

/** Operations of one request. */
const MOST = 100

type Verb = 'add' | 'replace' | 'remove'

interface PatchOperation {
  readonly verb: Verb
  readonly path: string | undefined
  readonly value: unknown
}

function readOperation(given: unknown): PatchOperation {
  const members = membersOf(given, 'an operation')
  const [op, path] = [members.get('op'), members.get('path')]
  const verb = typeof op === 'string' ? op.toLowerCase() : ''
  if (verb !== 'add' && verb !== 'replace' && verb !== 'remove')
    throw invalidSyntax('the op of an operation is add, replace or remove')
  if (path !== undefined && typeof path !== 'string') throw invalidPath('the path of an operation is a string')
  if (verb !== 'remove' && !members.has('value')) throw invalidValue(`an operation with ${verb} needs a value`)
  return { verb, path: path === '' ? undefined : path, value: members.get('value') }
}

/** The operations of a PATCH request (RFC 7644, section 3.5.2). @throws ScimError `invalidSyntax`, `tooMany` */
export function readOperations(body: unknown): PatchOperation[] {
  const operations = membersOf(body, 'the body').get('operations')
  if (!Array.isArray(operations) || operations.length === 0)
    throw invalidSyntax('a PATCH request has a list Operations with at least one operation')
  if (operations.length > MOST) throw new ScimError(400, `a request has at most ${MOST} operations`, 'tooMany')
  return operations.map(readOperation)
}

type Part = 'value' | 'type' | 'primary'

function partOf({ attribute, sub }: ScimPath): Part | undefined {
  if (sub === 'value' || sub === 'type' || sub === 'primary') return sub
  if (sub === 'display' || sub === '$ref') return undefined
  throw invalidPath(`a value of ${attribute} has no part ${sub}`)
}

/** Whether a value has what the filter compares; `True` is the boolean. */
const matches = (one: ScimValue, filter: readonly Condition[]): boolean =>
  filter.every(({ attribute, value }) => {
    const present = new Map<string, unknown>(Object.entries(one)).get(attribute.toLowerCase())
    return present !== undefined && String(present).toLowerCase() === String(value).toLowerCase()
  })

const fromFilter = (attribute: string, filter: readonly Condition[]): ScimValue =>
  scimValueOf(attribute, Object.fromEntries(filter.map((one) => [one.attribute, one.value])))

/** The present values without those that have the value of an added one; at most one value is primary. */
function append(present: readonly ScimValue[], added: readonly ScimValue[]): ScimValue[] {
  const isNew = added.some(({ primary }) => primary)
  const values = new Set(added.map(({ value }) => value))
  const kept = present.filter(({ value }) => !values.has(value))
  return [...kept.map((one) => (isNew ? { ...one, primary: false } : one)), ...added]
}

function patchSelected(present: readonly ScimValue[], verb: Verb, path: ScimPath, given: unknown): ScimValue[] {
  const { attribute, filter = [], sub } = path
  const isSelected = (one: ScimValue) => matches(one, filter)
  if (verb === 'remove' && sub === undefined) return present.filter((one) => !isSelected(one))
  const part = sub === undefined ? undefined : partOf(path)
  if (sub !== undefined && part === undefined) return [...present]
  const change =
    part === undefined ? scimValueOf(attribute, given ?? {}) : scimValueOf(attribute, { [part]: given ?? null })
  const isNew = !present.some(isSelected)
  if (isNew && verb === 'add') return append(present, [{ ...fromFilter(attribute, filter), ...change }])
  if (isNew && verb === 'replace') throw new ScimError(400, `no value of ${attribute} matches the filter`, 'noTarget')
  const without = (one: ScimValue) => Object.fromEntries(Object.entries(one).filter(([name]) => name !== part))
  return present.map((one) => (isSelected(one) ? { ...(verb === 'remove' ? without(one) : one), ...change } : one))
}

function patchValues(present: readonly ScimValue[], verb: Verb, path: ScimPath, given: unknown): ScimValue[] {
  if (path.filter !== undefined || path.sub !== undefined) return patchSelected(present, verb, path, given)
  if (verb === 'remove' || given === null) return []
  const values = scimValuesOf(path.attribute, given)
  return verb === 'add' ? append(present, values) : values
}

function patchName(present: ScimDocument['name'], verb: Verb, { sub }: ScimPath, given: unknown): ScimDocument['name'] {
  if (sub === undefined) return verb === 'remove' || given === null ? {} : { ...present, ...nameOf(given) }
  const part = namePart(sub)
  if (!part) {
    if (['middlename', 'honorificprefix', 'honorificsuffix'].includes(sub)) return present
    throw invalidPath(`a name has no part ${sub}`)
  }
  const { [part]: _, ...others } = present ?? {}
  return { ...others, ...(verb !== 'remove' && nameOf({ [part]: given })) }
}

function patchAt(document: ScimDocument, verb: Verb, path: ScimPath, given: unknown): ScimDocument {
  const { attribute } = path
  if (attribute === 'name') return { ...document, name: patchName(document.name, verb, path, given) ?? {} }
  if (attribute === 'emails' || attribute === 'roles')
    return { ...document, [attribute]: patchValues(document[attribute] ?? [], verb, path, given) }
  if (verb === 'remove' && (attribute === 'userName' || attribute === 'active'))
    throw new ScimError(400, `${attribute} cannot be removed`, 'mutability')
  return { ...document, [attribute]: attributeOf(attribute, verb === 'remove' ? null : given) }
}

/** The members of a value without a path are paths themselves; names that a user does not have are ignored, as in a whole user. */
function patchMembers(document: ScimDocument, verb: Verb, given: unknown): ScimDocument {
  if (verb === 'remove') throw new ScimError(400, 'an operation with remove needs a path', 'noTarget')
  let patched = document
  for (const [name, value] of membersOf(given, 'the value of an operation without a path')) {
    const path = pathOfMember(name)
    if (path) patched = patchAt(patched, verb, path, value)
  }
  return patched
}

function pathOfMember(name: string): ScimPath | undefined {
  try {
    return parsePath(name)
  } catch (error) {
    if (error instanceof ScimError && error.scimType === 'invalidPath') return undefined
    throw error
  }
}

/** Applies operations in their order: all of them, or none (RFC 7644, section 3.5.2). @throws ScimError */
export function applyPatch(document: ScimDocument, operations: readonly PatchOperation[]): ScimDocument {
  return operations.reduce((patched, { verb, path, value }) => {
    if (path === undefined) return patchMembers(patched, verb, value)
    const parsed = parsePath(path)
    return parsed ? patchAt(patched, verb, parsed, value) : patched
  }, document)
}
