import type { AccountRole } from '../../accounts/user-attributes.ts'
import type { ScimUserValues } from '../../management/scim-user-operations.ts'
import type { ScimUser, ScimUserFilter } from '../../management/scim-users.ts'
import { normalizedEmail } from '../../shared/email-addresses.ts'
import type { ScimDocument, ScimValue } from './scim-document.ts'
import { invalidFilter, invalidValue } from './scim-error.ts'
import { parseFilter } from './scim-filter.ts'
import { parsePath, type ScimPath, USER_SCHEMA } from './scim-path.ts'

/** Characters of each name, and of an external ID. */
const LONGEST = 200
const LONGEST_USER_NAME = 254

/** A user as a document that a PATCH request changes. */
export const documentOf = (user: ScimUser): ScimDocument => ({
  userName: user.userName,
  externalId: user.externalId,
  active: user.active,
  displayName: user.name,
  name: {
    ...(user.name !== null && { formatted: user.name }),
    ...(user.givenName !== null && { givenName: user.givenName }),
    ...(user.familyName !== null && { familyName: user.familyName }),
  },
  emails: [{ value: user.email, type: 'work', primary: true }],
  roles: [{ value: user.role, primary: true }],
})

/** A user as a response has them. @param root the URL of the SCIM interface */
export function resourceOf(user: ScimUser, root: string) {
  const { externalId, displayName, ...document } = documentOf(user)
  return {
    schemas: [USER_SCHEMA],
    id: user.id,
    ...(externalId != null && { externalId }),
    ...document,
    ...(displayName != null && { displayName }),
    meta: {
      resourceType: 'User',
      created: user.createdAt.toISOString(),
      lastModified: user.lastModifiedAt.toISOString(),
      location: `${root}/Users/${user.id}`,
      version: versionOf(user),
    },
  }
}

/** The ETag of a user: weak, because the members have no order. */
export const versionOf = ({ revision }: ScimUser): string => `W/"${revision}"`

function checkedText(attribute: string, value: string | null | undefined, longest = LONGEST): string | null {
  const text = value?.trim() ?? ''
  if (text.length > longest) throw invalidValue(`${attribute} is longer than ${longest} characters`)
  return text === '' ? null : text
}

function userNameIn({ userName }: ScimDocument): string {
  const name = checkedText('userName', userName, LONGEST_USER_NAME)
  if (name === null) throw invalidValue('a user needs a userName')
  return name
}

/** The primary address, or else the one for work, or else the first; without any, the user name. */
function emailIn({ emails = [] }: ScimDocument, userName: string): string {
  const isWork = ({ type }: ScimValue) => type?.toLowerCase() === 'work'
  const given = emails.filter(({ value }) => value !== undefined && value.trim() !== '')
  const one = given.find(({ primary }) => primary) ?? given.find(isWork) ?? given[0]
  const email = normalizedEmail(one?.value ?? userName)
  if (email === undefined) throw invalidValue('a user needs an email address in emails or as userName')
  return email
}

const ROLES: readonly string[] = ['admin', 'developer', 'viewer', 'member'] satisfies AccountRole[]

function roleIn({ roles = [] }: ScimDocument, otherwise: AccountRole): AccountRole {
  const given = roles.find(({ primary }) => primary) ?? roles[0]
  if (given?.value === undefined) return otherwise
  const role = given.value.trim().toLowerCase()
  if (!ROLES.includes(role)) throw invalidValue(`a role is one of ${ROLES.join(', ')}`)
  return role as AccountRole
}

/** Of several names for one thing, the first that the identity provider changed. */
function nameIn(document: ScimDocument, before: ScimUser | undefined): string | null {
  const { displayName, name = {} } = document
  const parts = [name.givenName, name.familyName].filter((part) => part?.trim()).join(' ')
  const partsBefore = [before?.givenName, before?.familyName].filter(Boolean).join(' ')
  const present = before?.name ?? null
  if (displayName != null && displayName !== present) return checkedText('displayName', displayName)
  if (name.formatted !== undefined && name.formatted !== present) return checkedText('name.formatted', name.formatted)
  if (parts !== '' && parts !== partsBefore) return checkedText('name', parts)
  const isRemoved = displayName === null && (name.formatted === undefined || name.formatted === present)
  return isRemoved ? null : present
}

/**
 * The values of a user from a document; what it leaves out has no value, or its initial one.
 * @param role of a user for whom the identity provider names none
 * @param before the user whom the document changes
 * @throws ScimError `invalidValue`
 */
export function userValuesOf(document: ScimDocument, role: AccountRole, before?: ScimUser): ScimUserValues {
  const userName = userNameIn(document)
  return {
    userName,
    externalId: checkedText('externalId', document.externalId),
    email: emailIn(document, userName),
    name: nameIn(document, before),
    givenName: checkedText('name.givenName', document.name?.givenName),
    familyName: checkedText('name.familyName', document.name?.familyName),
    active: document.active ?? true,
    role: roleIn(document, role),
  }
}

const isEmail = ({ attribute, sub }: ScimPath): boolean =>
  attribute === 'emails' && (sub === undefined || sub === 'value')

/** What a filter narrows a list to. @throws ScimError `invalidFilter` */
export function userFilterOf(text: string): ScimUserFilter {
  const filter: Record<string, string | boolean> = {}
  for (const { attribute, value } of parseFilter(text)) {
    const [name, wanted] = conditionOf(attribute, value)
    if (Object.hasOwn(filter, name) && filter[name] !== wanted) throw invalidFilter(`${attribute} is compared twice`)
    filter[name] = wanted
  }
  return filter
}

function conditionOf(attribute: string, value: unknown): [keyof ScimUserFilter, string | boolean] {
  if (attribute.toLowerCase() === 'id' && typeof value === 'string') return ['id', value]
  const path = parsePath(attribute)
  if (path?.attribute === 'active' && /^(true|false)$/i.test(String(value)))
    return ['active', String(value).toLowerCase() === 'true']
  if (path && typeof value === 'string') {
    if (path.attribute === 'userName' || path.attribute === 'externalId') return [path.attribute, value]
    if (isEmail(path)) return ['email', value]
  }
  throw invalidFilter('this server filters by id, userName, externalId, emails.value and active')
}
