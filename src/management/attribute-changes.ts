import { ACCOUNT_ATTRIBUTES } from '../accounts/account-attributes.ts'
import { USER_ATTRIBUTES } from '../accounts/user-attributes.ts'
import { API_ATTRIBUTES } from '../apis/api-attributes.ts'
import type { AuditRecord } from '../audit/audit-query.ts'
import { ACCESS_ATTRIBUTES, CLIENT_ATTRIBUTES } from '../clients/client-attributes.ts'
import { DEFAULT_ATTRIBUTES, INSTANCE_ATTRIBUTES } from '../clients/instance-attributes.ts'
import { IDENTITY_PROVIDER_ATTRIBUTES } from '../identity-providers/identity-provider-attributes.ts'
import { type Attribute, type AttributeChange, type Attributes, entriesOf, namesOf } from '../shared/attributes.ts'
import { toSnake } from '../shared/snake-case.ts'
import { WEBHOOK_ATTRIBUTES } from '../webhooks/webhook-attributes.ts'
import type { Principal } from './principal.ts'

/** The log has no headings that tell the rate limit of new applications from one of the instance. */
const LOGGED_DEFAULTS: Attributes = Object.fromEntries(
  entriesOf(DEFAULT_ATTRIBUTES).map(([name, one]) => [name, { ...one, label: `${one.label} (new applications)` }]),
)

/** The attributes of resources by their type in the audit log. */
const ATTRIBUTES_BY_TARGET: Readonly<Record<string, Attributes>> = {
  client: { ...CLIENT_ATTRIBUTES, ...ACCESS_ATTRIBUTES },
  account: ACCOUNT_ATTRIBUTES,
  api: API_ATTRIBUTES,
  user: USER_ATTRIBUTES,
  webhook: WEBHOOK_ATTRIBUTES,
  identity_provider: IDENTITY_PROVIDER_ATTRIBUTES,
  instance: { ...INSTANCE_ATTRIBUTES, ...LOGGED_DEFAULTS },
}

const attributesOf = (targetType: string): Attributes =>
  Object.hasOwn(ATTRIBUTES_BY_TARGET, targetType) ? ATTRIBUTES_BY_TARGET[targetType]! : {}

/** The attribute with this name in snake_case. Undefined: the change is of something else, or of an earlier version. */
export function changedAttribute(targetType: string, name: string): Attribute | undefined {
  return entriesOf(attributesOf(targetType)).find(([one]) => toSnake(one) === name)?.[1]
}

/** The changes in the order of the declarations, others last: PostgreSQL stores the members of JSON in an order of its own. */
export function changesInOrder(
  targetType: string,
  changes: Readonly<Record<string, AttributeChange>>,
): [string, AttributeChange][] {
  const names = namesOf(attributesOf(targetType)).map(toSnake)
  const position = (name: string) => (names.includes(name) ? names.indexOf(name) : names.length)
  return Object.entries(changes).sort(([one], [other]) => position(one) - position(other))
}

/**
 * The event as this user may read it. Only operators see the changes of attributes that only operators read, and of attributes that
 * no longer exist.
 */
export function visibleRecord(record: AuditRecord, { role }: Pick<Principal, 'role'>): AuditRecord {
  const { changes } = record.detail
  if (role === 'operator' || typeof changes !== 'object' || changes === null) return record
  const visible = Object.entries(changes).filter(([name]) => {
    const attribute = changedAttribute(record.target.type, name)
    return attribute !== undefined && !attribute.operatorOnly
  })
  return { ...record, detail: { ...record.detail, changes: Object.fromEntries(visible) } }
}
