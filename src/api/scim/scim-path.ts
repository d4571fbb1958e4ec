import { invalidPath } from './scim-error.ts'
import { type Condition, parseFilter } from './scim-filter.ts'

export const USER_SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const ENTERPRISE_SCHEMA = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

/** The attributes of a user that this server keeps, by their names in small letters. */
const KEPT = ['userName', 'externalId', 'active', 'displayName', 'name', 'emails', 'roles'] as const

export type KeptAttribute = (typeof KEPT)[number]

const KEPT_BY_KEY = new Map<string, KeptAttribute>(KEPT.map((name) => [name.toLowerCase(), name]))

/** The other attributes of a user (RFC 7643, section 4.1), which are accepted and not kept. */
const OTHERS = new Set(
  [
    'nickName',
    'profileUrl',
    'title',
    'userType',
    'preferredLanguage',
    'locale',
    'timezone',
    'password',
    'phoneNumbers',
    'ims',
    'photos',
    'addresses',
    'groups',
    'entitlements',
    'x509Certificates',
  ].map((name) => name.toLowerCase()),
)

const READ_ONLY = new Set(['id', 'meta', 'schemas'])

/** The name of a kept attribute. Undefined: it is not kept. */
export const keptAttribute = (name: string): KeptAttribute | undefined => KEPT_BY_KEY.get(name.toLowerCase())

/** Where a change or comparison applies. */
export interface ScimPath {
  readonly attribute: KeptAttribute
  /** Which values of a multi-valued attribute; undefined: all. */
  readonly filter: readonly Condition[] | undefined
  /** In small letters. */
  readonly sub: string | undefined
}

const PATH = /^([a-z$_][\w$-]{0,60})(?:\[(.*)\])?(?:\.([a-z$_][\w$-]{0,60}))?$/i

/** The path without the URN of a schema. Undefined: it is in the enterprise extension, which is not kept. */
function withoutSchema(path: string): string | undefined {
  if (!/^urn:/i.test(path)) return path
  const key = path.toLowerCase()
  if (key.startsWith(ENTERPRISE_SCHEMA.toLowerCase())) return undefined
  const prefix = `${USER_SCHEMA.toLowerCase()}:`
  if (!key.startsWith(prefix)) throw invalidPath('the path names a schema that this server does not have')
  return path.slice(prefix.length)
}

/**
 * Reads a path (RFC 7644, section 3.5.2). Undefined: an attribute that is accepted and not kept.
 * @throws ScimError `invalidPath`, `invalidFilter`
 */
export function parsePath(path: string): ScimPath | undefined {
  const local = withoutSchema(path.trim())
  if (local === undefined) return undefined
  const [matched, name, filter, sub] = PATH.exec(local.slice(0, 1200)) ?? []
  if (matched !== local) throw invalidPath('the path is not one of RFC 7644, section 3.5.2')
  const attribute = keptAttribute(name!)
  if (!attribute) {
    if (OTHERS.has(name!.toLowerCase())) return undefined
    throw invalidPath(
      READ_ONLY.has(name!.toLowerCase()) ? `${name} cannot be changed` : `a user has no attribute ${name}`,
    )
  }
  const isMulti = attribute === 'emails' || attribute === 'roles'
  if (filter !== undefined && !isMulti) throw invalidPath(`${attribute} has one value, so it takes no filter`)
  if (sub !== undefined && !isMulti && attribute !== 'name') throw invalidPath(`${attribute} has no parts`)
  return { attribute, filter: filter === undefined ? undefined : parseFilter(filter), sub: sub?.toLowerCase() }
}
