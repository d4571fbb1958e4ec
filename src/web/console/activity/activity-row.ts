import type { AuditRecord } from '../../../management/activity-operations.ts'
import type { Principal } from '../../../management/principal.ts'
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
import { wordsOf } from './activity-texts.ts'

const name = (text: string, href?: string): Phrase => ({ text, isName: true, href })

/** Who looks at an act: an operator reaches pages that admins do not. */
type Viewer = Pick<Principal, 'role'>

const ACTOR_NAMES = {
  system: 'Keywright',
  cli: 'Command-line user',
  user: 'A user',
  client: 'A client',
} as const

/** Of a person there is a page while they are there; an operator who helped an account has none for its admins. */
function actorOf({ actor, isByOwnUser }: AuditRecord, viewer: Viewer): Phrase {
  const { type, id, label } = actor
  if (type === 'system' || type === 'cli' || id === null) return name(label ?? ACTOR_NAMES[type])
  if (type === 'client') return name(label ?? id, label === null ? undefined : `/applications/${id}`)
  const isReached = label !== null && (viewer.role === 'operator' || isByOwnUser)
  return name(label ?? 'A user of another account', isReached ? `/users/${id}` : undefined)
}

/** A key pair's page is its owner's. */
function clientPath({ target, targetKind, detail }: AuditRecord): string | undefined {
  if (targetKind === 'application') return `/applications/${target.id}`
  return typeof detail.user_id === 'string' && targetKind === 'key_pair' ? `/users/${detail.user_id}` : undefined
}

/** What operators have pages of. */
const PAGES: Readonly<Record<string, (id: string) => string>> = {
  account: (id) => `/accounts/${id}`,
  api: () => '/apis',
  signing_key: () => '/signing-keys',
  instance: () => '/settings/instance',
}

function targetPath(record: AuditRecord, { role }: Viewer): string | undefined {
  const { type, id, label } = record.target
  if (type === 'user') return label === null ? undefined : `/users/${id}`
  if (type === 'client') return clientPath(record)
  return role === 'operator' && Object.hasOwn(PAGES, type) ? PAGES[type]!(id) : undefined
}

/** An act as people read it: `Ada generated new keys`. */
export function sentenceOf(record: AuditRecord, viewer: Viewer): Phrase[] {
  const { target } = record
  const [before, after] = wordsOf(record).split('*') as [string, string | undefined]
  const actor = actorOf(record, viewer)
  if (after === undefined) return [actor, { text: ` ${before}` }]
  return [actor, { text: ` ${before}` }, name(target.label ?? target.id, targetPath(record, viewer)), { text: after }]
}

const spoken = (key: string): string => {
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

/** What the log has beside the sentence; secrets are never in it. */
function detailsOf({ id, action, actor, target, requestId, seq, detail }: AuditRecord): Fact[] {
  return [
    ...Object.entries(detail).map(([key, value]) => fact(spoken(key), valueCell(value))),
    fact('Action', idCell(action, 'action')),
    ...(actor.id === null ? [] : [fact('Actor ID', idCell(actor.id, 'actor ID'))]),
    fact('Target ID', idCell(target.id, 'target ID')),
    ...(requestId === null ? [] : [fact('Request ID', idCell(requestId, 'request ID'))]),
    fact('Event ID', idCell(id, 'event ID')),
    fact('Position in the audit chain', seq === null ? quietCell('pending') : textCell(String(seq))),
  ]
}

/** Of somebody outside the account the address is not told. */
function fromCell({ ip, actor }: AuditRecord): Cell {
  if (ip !== null) return textCell(ip)
  return quietCell(actor.type === 'system' || actor.type === 'cli' ? 'the server' : 'not shown')
}

/** One row of the list, as `activity-page.ts` heads it. */
export function activityRow(record: AuditRecord, viewer: Viewer): Cell[] {
  const { accountId, accountName, at } = record
  const account = accountId === null ? quietCell('none') : linkCell(accountName ?? accountId, `/accounts/${accountId}`)
  return [
    { kind: 'activity', phrases: sentenceOf(record, viewer), details: detailsOf(record) },
    ...(viewer.role === 'operator' ? [account] : []),
    fromCell(record),
    timeCell(at),
  ]
}
