import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import type { AuditRecord } from '../../../management/activity-operations.ts'
import { changedAttribute, changesInOrder } from '../../../management/attribute-changes.ts'
import type { Principal } from '../../../management/principal.ts'
import type { AttributeChange } from '../../../shared/attributes.ts'
import { changeFact, unknownAttribute } from '../kit/attribute-facts.ts'
import {
  type Cell,
  type Fact,
  fact,
  idCell,
  linkCell,
  type Phrase,
  quietCell,
  textCell,
  timeCell,
} from '../kit/cells.ts'
import { actionText } from './activity-texts.ts'

const name = (text: string, href?: string): Phrase => ({ text, isName: true, href })

/** Who views an event. Operators have pages that admins do not have. */
type Viewer = Pick<Principal, 'role'>

const ACTOR_NAMES = {
  system: 'Keywright',
  cli: 'Command-line user',
  user: 'A user',
  client: 'A client',
} as const

/** Who acts without an account, by the ID of the actor. */
const SYSTEM_NAMES: Readonly<Record<string, string>> = { github: 'GitHub secret scanning' }

/** Undefined: the client was deleted, or it is that of an API. */
function clientPath(kind: string | null, id: string): string | undefined {
  if (kind === 'application') return `/applications/${id}`
  return kind === 'key_pair' ? `/key-pairs/${id}` : undefined
}

/** Links an existing user. Admins get no link to an operator, who is outside their account. */
function actorOf({ actor, actorKind, isByOwnUser }: AuditRecord, viewer: Viewer): Phrase {
  const { type, id, label } = actor
  if (type === 'system' && id !== null && Object.hasOwn(SYSTEM_NAMES, id)) return name(SYSTEM_NAMES[id]!)
  if (type === 'system' || type === 'cli' || id === null) return name(label ?? ACTOR_NAMES[type])
  if (type === 'client') return name(label ?? id, clientPath(actorKind, id))
  const isLinked = label !== null && (viewer.role === 'operator' || isByOwnUser)
  const unnamed = viewer.role === 'operator' ? 'A deleted user' : 'A user outside this account'
  return name(label ?? unnamed, isLinked ? `/users/${id}` : undefined)
}

/** Targets with a page for operators only. */
const PAGES: Readonly<Record<string, (id: string) => string>> = {
  account: (id) => `/accounts/${id}`,
  api: () => '/apis',
  signing_key: () => '/signing-keys',
  instance: () => '/settings/instance',
}

function targetPath(record: AuditRecord, { role }: Viewer): string | undefined {
  const { type, id, label } = record.target
  if (type === 'user') return label === null ? undefined : `/users/${id}`
  if (type === 'client') return clientPath(record.targetKind, id)
  return role === 'operator' && Object.hasOwn(PAGES, type) ? PAGES[type]!(id) : undefined
}

/** An event as a sentence: `Ada generated new keys`. */
export function sentenceOf(record: AuditRecord, viewer: Viewer): Phrase[] {
  const { target } = record
  const [before, after] = actionText(record).split('*') as [string, string | undefined]
  const actor = actorOf(record, viewer)
  if (after === undefined) return [actor, { text: ` ${before}` }]
  return [actor, { text: ` ${before}` }, name(target.label ?? target.id, targetPath(record, viewer)), { text: after }]
}

const labelOf = (key: string): string => {
  const words = key.replaceAll('_', ' ')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

function valueCell(value: unknown): Cell {
  if (value === null || value === undefined || value === '') return quietCell('nothing')
  if (typeof value === 'boolean') return textCell(value ? 'yes' : 'no')
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) {
    return value.length > 0 ? { kind: 'lines', lines: value } : quietCell('nothing')
  }
  return textCell(typeof value === 'string' ? value : JSON.stringify(value))
}

/** Each changed attribute as *old → new*, under its label. */
function changeFacts(targetType: string, changes: unknown): Fact[] {
  if (typeof changes !== 'object' || changes === null) return []
  return changesInOrder(targetType, changes as Readonly<Record<string, AttributeChange>>).map(([name, change]) =>
    changeFact(toConsoleEnglish(), changedAttribute(targetType, name) ?? unknownAttribute(labelOf(name)), change),
  )
}

/** The remaining fields of the event. The audit log contains no secrets. */
function detailsOf(record: AuditRecord, { role }: Viewer): Fact[] {
  const { id, action, actor, target, requestId, seq, detail, isErased } = record
  const { changes, ...rest } = detail
  return [
    ...(isErased ? [fact('Personal data', quietCell('erased with the user'))] : []),
    ...changeFacts(target.type, changes),
    ...Object.entries(rest).map(([key, value]) => fact(labelOf(key), valueCell(value))),
    fact('Action', idCell(action, 'action')),
    ...(actor.id === null ? [] : [fact('Actor ID', idCell(actor.id, 'actor ID'))]),
    fact('Target ID', idCell(target.id, 'target ID')),
    ...(requestId === null ? [] : [fact('Request ID', idCell(requestId, 'request ID'))]),
    fact('Event ID', idCell(id, 'event ID')),
    // Admins read no positions: those in the log of all accounts.
    ...(role === 'operator'
      ? [fact('Position in the audit chain', seq === null ? quietCell('pending') : textCell(String(seq)))]
      : []),
  ]
}

/** The IP address of an actor outside the account is hidden from admins. */
function fromCell({ ip, actor, isErased }: AuditRecord): Cell {
  if (ip !== null) return textCell(ip)
  if (isErased) return quietCell('erased')
  return quietCell(actor.type === 'system' || actor.type === 'cli' ? 'the server' : 'not shown')
}

/** One row of the list, as `activity-page.ts` heads it. */
export function activityRow(record: AuditRecord, viewer: Viewer): Cell[] {
  const { accountId, accountName, at } = record
  const account = accountId === null ? quietCell('none') : linkCell(accountName ?? accountId, `/accounts/${accountId}`)
  return [
    { kind: 'activity', phrases: sentenceOf(record, viewer), details: detailsOf(record, viewer) },
    ...(viewer.role === 'operator' ? [account] : []),
    fromCell(record),
    timeCell(at),
  ]
}
