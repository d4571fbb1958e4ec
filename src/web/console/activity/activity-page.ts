import { type AuditRecord, listActivity } from '../../../management/activity-operations.ts'
import { accountFilter } from '../kit/account-filter.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type Column, type Filter, listPage, type SearchOptions } from '../kit/list-page.ts'
import { givenIn, pageIn } from '../kit/query-fields.ts'
import { activityFilterIn } from './activity-filter.ts'
import { activityRow } from './activity-row.ts'
import { ACTION_KINDS, type ActionKind, OPERATOR_ACTION_KINDS } from './activity-texts.ts'

const FIELDS = new Set(['kind', 'by', 'target', 'address', 'from', 'to', 'account'])

/** The same acts, as a file. */
function exportPath({ query }: ConsoleCall): string {
  const kept = [...query].filter(([name, value]) => FIELDS.has(name) && value.trim() !== '')
  const text = new URLSearchParams(kept).toString()
  return `/activity/export.jsonl${text && `?${text}`}`
}

/** With the kind that an address asks for, should it be none of those that are offered. */
function kindFilter({ who, query }: ConsoleCall): Filter {
  const offered = who.role === 'operator' ? OPERATOR_ACTION_KINDS : ACTION_KINDS
  const asked = givenIn(query, 'kind')
  const isOffered = asked === undefined || offered.some(({ value }) => value === asked)
  const choices: ActionKind[] = [{ value: '', label: 'Every act' }, ...offered]
  return {
    name: 'kind',
    label: 'Kind of act',
    choices: isOffered ? choices : [...choices, { value: asked, label: asked }],
  }
}

function searchOf(call: ConsoleCall, items: readonly AuditRecord[]): SearchOptions {
  return {
    path: '/activity',
    query: call.query,
    filters: [kindFilter(call), ...accountFilter(call, items)],
    more: [
      { type: 'text', name: 'by', label: 'Done by', placeholder: 'Email address or id' },
      { type: 'text', name: 'target', label: 'Done to', placeholder: 'Id' },
      { type: 'text', name: 'address', label: 'From the address', placeholder: '192.0.2.1' },
      { type: 'date', name: 'from', label: 'From (UTC)' },
      { type: 'date', name: 'to', label: 'Up to (UTC)' },
    ],
  }
}

const ACCOUNT: Column = { heading: 'Account' }

const columnsFor = (isOperator: boolean): Column[] => [
  { heading: 'What happened' },
  ...(isOperator ? [ACCOUNT] : []),
  { heading: 'From', short: true },
  { heading: 'When' },
]

/** What happened, newest first. */
export async function showActivity(call: ConsoleCall): Promise<void> {
  const { management, who, query, show } = call
  const isOperator = who.role === 'operator'
  const { items, ...part } = await listActivity(management, who, { ...activityFilterIn(call), ...pageIn(query) })
  const page = listPage(
    {
      title: 'Activity',
      lead: isOperator
        ? 'What was done on this instance, by whom and from where.'
        : 'What was done in your account, by whom and from where.',
      actions: [{ href: exportPath(call), label: 'Export' }],
    },
    {
      caption: 'Activity',
      columns: columnsFor(isOperator),
      rows: items.map((record) => activityRow(record, who)),
      empty: { title: 'Nothing has happened yet', text: 'Whatever somebody does here is told in this place.' },
      search: searchOf(call, items),
      page: part,
      isLog: true,
    },
  )
  show(page)
}
