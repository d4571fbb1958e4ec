import { type AuditRecord, listActivity } from '../../../management/activity-operations.ts'
import { accountFilter } from '../kit/account-filter.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type Column, type Filter, listPage, type SearchOptions } from '../kit/list-page.ts'
import { givenIn, pageIn } from '../kit/query-fields.ts'
import { activityFilterIn } from './activity-filter.ts'
import { activityRow } from './activity-row.ts'
import { ACTION_KINDS, type ActionKind, OPERATOR_ACTION_KINDS } from './activity-texts.ts'

const FIELDS = new Set(['kind', 'by', 'target', 'address', 'from', 'to', 'account'])

/** The export path with the same filter. */
function exportPath({ query }: ConsoleCall): string {
  const kept = [...query].filter(([name, value]) => FIELDS.has(name) && value.trim() !== '')
  const text = new URLSearchParams(kept).toString()
  return `/activity/export.jsonl${text && `?${text}`}`
}

/** Includes the kind in the query when it is not one of the offered choices. */
function kindFilter({ who, query }: ConsoleCall): Filter {
  const offered = who.role === 'operator' ? OPERATOR_ACTION_KINDS : ACTION_KINDS
  const asked = givenIn(query, 'kind')
  const isOffered = asked === undefined || offered.some(({ value }) => value === asked)
  const choices: ActionKind[] = [{ value: '', label: 'All actions' }, ...offered]
  return {
    name: 'kind',
    label: 'Action',
    choices: isOffered ? choices : [...choices, { value: asked, label: asked }],
  }
}

function searchOf(call: ConsoleCall, items: readonly AuditRecord[]): SearchOptions {
  return {
    path: '/activity',
    query: call.query,
    filters: [kindFilter(call), ...accountFilter(call, items)],
    more: [
      { type: 'text', name: 'by', label: 'Actor', placeholder: 'Email address or ID' },
      { type: 'text', name: 'target', label: 'Target', placeholder: 'ID' },
      { type: 'text', name: 'address', label: 'IP address', placeholder: '192.0.2.1' },
      { type: 'date', name: 'from', label: 'From (UTC)' },
      { type: 'date', name: 'to', label: 'To (UTC)' },
    ],
  }
}

const ACCOUNT: Column = { heading: 'Account' }

const columnsFor = (isOperator: boolean): Column[] => [
  { heading: 'Event' },
  ...(isOperator ? [ACCOUNT] : []),
  { heading: 'IP address', short: true },
  { heading: 'Time' },
]

/** The audit log, newest first. */
export async function showActivity(call: ConsoleCall): Promise<void> {
  const { management, who, query, show } = call
  const isOperator = who.role === 'operator'
  const { items, ...part } = await listActivity(management, who, { ...activityFilterIn(call), ...pageIn(query) })
  const page = listPage(
    {
      title: 'Activity',
      lead: isOperator ? 'Audit log of this instance.' : 'Audit log of your account.',
      actions: [{ href: exportPath(call), label: 'Export' }],
    },
    {
      caption: 'Activity',
      columns: columnsFor(isOperator),
      rows: items.map((record) => activityRow(record, who)),
      empty: { title: 'No activity yet', text: 'Sign-ins and changes appear here.' },
      search: searchOf(call, items),
      page: part,
      isLog: true,
    },
  )
  show(page)
}
