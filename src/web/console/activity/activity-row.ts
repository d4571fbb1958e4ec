import type { ConsoleText } from '../../../languages/console/console-text.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
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
import { clientName } from '../kit/display-name.ts'
import { actionText } from './activity-texts.ts'

const name = (text: string, href?: string): Phrase => ({ text, isName: true, href })

/** Who views an event. Operators have pages that admins do not have. */
type Viewer = Pick<Principal, 'role'>

const actorNamesIn = (t: ConsoleTranslate) => ({
  system: 'Keywright',
  cli: t('Command-line user'),
  user: t('A user'),
  client: t('A client'),
})

/** Who acts without an account, by the ID of the actor. */
const SYSTEM_NAMES: Readonly<Record<string, ConsoleText>> = {
  github: 'GitHub secret scanning',
  scim: 'The identity provider',
  dynamic_registration: 'Dynamic client registration',
}

/** Undefined: the client was deleted, or it is that of an API. */
function clientPath(kind: string | null, id: string): string | undefined {
  if (kind === 'application') return `/applications/${encodeURIComponent(id)}`
  return kind === 'key_pair' ? `/key-pairs/${id}` : undefined
}

/** Links an existing user. Admins get no link to an operator, who is outside their account. */
function actorOf(t: ConsoleTranslate, { actor, actorKind, isByOwnUser }: AuditRecord, viewer: Viewer): Phrase {
  const { type, id, label } = actor
  if (type === 'system' && id !== null && Object.hasOwn(SYSTEM_NAMES, id)) return name(t(SYSTEM_NAMES[id]!))
  // Without an ID, the label says who it was in place of a name: `Operator`.
  if (type === 'system' || type === 'cli' || id === null)
    return name(label === null ? actorNamesIn(t)[type] : t.declared(label))
  if (type === 'client') return name(clientName(t, { kind: actorKind, name: label ?? id }), clientPath(actorKind, id))
  const isLinked = label !== null && (viewer.role === 'operator' || isByOwnUser)
  const unnamed = viewer.role === 'operator' ? t('A deleted user') : t('A user outside this account')
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

/** Stand for the names in a sentence. Names of applications and webhooks, which it may contain too, have no such characters. */
const PLACES = { actor: '\u0001', target: '\u0002' } as const

/** An event as a sentence: `Ada generated new keys`. */
export function sentenceOf(t: ConsoleTranslate, record: AuditRecord, viewer: Viewer): Phrase[] {
  const { target, targetKind } = record
  const targetName = clientName(t, { kind: targetKind, name: target.label ?? target.id })
  const parts = actionText(t, record, PLACES).split(/(\p{Cc})/u)
  return parts.filter(Boolean).map((part) => {
    if (part === PLACES.actor) return actorOf(t, record, viewer)
    return part === PLACES.target ? name(targetName, targetPath(record, viewer)) : { text: part }
  })
}

/** The fields that events have most often. Others are shown by their names. */
const FIELD_LABELS: readonly ConsoleText[] = [
  'Alg',
  'Audience',
  'Client id',
  'Count',
  'Days',
  'Description',
  'Email',
  'Expires at',
  'Factor',
  'Kind',
  'Last four',
  'Link',
  'Name',
  'New secret',
  'Overlap',
  'Passkey',
  'Password',
  'Reason',
  'Recorded',
  'Removed',
  'Revoked',
  'Role',
  'Scope',
  'Secrets',
  'Session',
  'Sessions',
  'Source',
  'State',
  'Subject client id',
  'Successor',
  'Through',
  'Title',
  'Url',
  'User id',
]

function labelOf(t: ConsoleTranslate, key: string): string {
  const words = key.replaceAll('_', ' ')
  const label = `${words.charAt(0).toUpperCase()}${words.slice(1)}`
  const known = FIELD_LABELS.find((one) => one === label)
  return known ? t(known) : label
}

function valueCell(t: ConsoleTranslate, value: unknown): Cell {
  if (value === null || value === undefined || value === '') return quietCell(t('nothing'))
  if (typeof value === 'boolean') return textCell(value ? t('yes') : t('no'))
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) {
    return value.length > 0 ? { kind: 'lines', lines: value } : quietCell(t('nothing'))
  }
  return textCell(typeof value === 'string' ? value : JSON.stringify(value))
}

/** Each changed attribute as *old → new*, under its label. */
function changeFacts(t: ConsoleTranslate, targetType: string, changes: unknown): Fact[] {
  if (typeof changes !== 'object' || changes === null) return []
  return changesInOrder(targetType, changes as Readonly<Record<string, AttributeChange>>).map(([name, change]) =>
    changeFact(t, changedAttribute(targetType, name) ?? unknownAttribute(labelOf(t, name)), change),
  )
}

/** The remaining fields of the event. The audit log contains no secrets. */
function detailsOf(t: ConsoleTranslate, record: AuditRecord, { role }: Viewer): Fact[] {
  const { id, action, actor, target, requestId, seq, detail, isErased } = record
  const { changes, ...rest } = detail
  return [
    ...(isErased ? [fact(t('Personal data'), quietCell(t('erased with the user')))] : []),
    ...changeFacts(t, target.type, changes),
    ...Object.entries(rest).map(([key, value]) => fact(labelOf(t, key), valueCell(t, value))),
    fact(t('Action'), idCell(action, t('action'))),
    ...(actor.id === null ? [] : [fact(t('Actor ID'), idCell(actor.id, t('actor ID')))]),
    fact(t('Target ID'), idCell(target.id, t('target ID'))),
    ...(requestId === null ? [] : [fact(t('Request ID'), idCell(requestId, t('request ID')))]),
    fact(t('Event ID'), idCell(id, t('event ID'))),
    // Admins read no positions: those in the log of all accounts.
    ...(role === 'operator'
      ? [fact(t('Position in the audit chain'), seq === null ? quietCell(t('pending')) : textCell(String(seq)))]
      : []),
  ]
}

/** The IP address of an actor outside the account is hidden from admins. */
function fromCell(t: ConsoleTranslate, { ip, actor, isErased }: AuditRecord): Cell {
  if (ip !== null) return textCell(ip)
  if (isErased) return quietCell(t('erased'))
  return quietCell(actor.type === 'system' || actor.type === 'cli' ? t('the server') : t('not shown'))
}

/** One row of the list, as `activity-page.ts` heads it. */
export function activityRow(t: ConsoleTranslate, record: AuditRecord, viewer: Viewer): Cell[] {
  const { accountId, accountName, at } = record
  const account =
    accountId === null ? quietCell(t('no account')) : linkCell(accountName ?? accountId, `/accounts/${accountId}`)
  return [
    { kind: 'activity', phrases: sentenceOf(t, record, viewer), details: detailsOf(t, record, viewer) },
    ...(viewer.role === 'operator' ? [account] : []),
    fromCell(t, record),
    timeCell(at),
  ]
}
