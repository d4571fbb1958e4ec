import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type AuditRecord, listActivity } from '../../../management/activity-operations.ts'
import { accountFilter } from '../kit/account-filter.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { type Column, type Filter, listPage, type SearchOptions } from '../kit/list-page.ts'
import { givenIn, pageIn } from '../kit/query-fields.ts'
import { ACTION_KINDS, OPERATOR_ACTION_KINDS } from './action-kinds.ts'
import { activityFilterIn } from './activity-filter.ts'
import { activityRow } from './activity-row.ts'

const FIELDS = new Set(['kind', 'by', 'target', 'address', 'from', 'to', 'account'])

/** The export path with the same filter. */
function exportPath({ query }: ConsoleCall): string {
  const kept = [...query].filter(([name, value]) => FIELDS.has(name) && value.trim() !== '')
  const text = new URLSearchParams(kept).toString()
  return `/activity/export.jsonl${text && `?${text}`}`
}

/** Includes the kind in the query when it is not one of the offered choices. */
function kindFilter({ who, query, t }: ConsoleCall): Filter {
  const offered = who.role === 'operator' ? OPERATOR_ACTION_KINDS : ACTION_KINDS
  const asked = givenIn(query, 'kind')
  const isOffered = asked === undefined || offered.some(({ value }) => value === asked)
  const choices = [
    { value: '', label: t('All actions') },
    ...offered.map(({ value, label }) => ({ value, label: t(label) })),
  ]
  return {
    name: 'kind',
    label: t('Action'),
    choices: isOffered ? choices : [...choices, { value: asked, label: asked }],
  }
}

function searchOf(call: ConsoleCall, items: readonly AuditRecord[]): SearchOptions {
  const { t } = call
  return {
    path: '/activity',
    query: call.query,
    filters: [kindFilter(call), ...accountFilter(call, items)],
    more: [
      { type: 'text', name: 'by', label: t('Actor'), placeholder: t('Email address or ID') },
      { type: 'text', name: 'target', label: t('Target'), placeholder: t('ID') },
      { type: 'text', name: 'address', label: t('IP address'), placeholder: '192.0.2.1' },
      { type: 'date', name: 'from', label: t('From (UTC)') },
      { type: 'date', name: 'to', label: t('To (UTC)') },
    ],
  }
}

const columnsFor = (t: ConsoleTranslate, isOperator: boolean): Column[] => [
  { heading: t('Event') },
  ...(isOperator ? [{ heading: t('Account') }] : []),
  { heading: t('IP address'), short: true },
  { heading: t('Time') },
]

/** The audit log, newest first. */
export async function showActivity(call: ConsoleCall): Promise<void> {
  const { management, who, query, show, t } = call
  const isOperator = who.role === 'operator'
  const { items, ...part } = await listActivity(management, who, { ...activityFilterIn(call), ...pageIn(query) })
  const page = listPage(
    {
      title: t('Activity'),
      lead: isOperator ? t('Audit log of this instance.') : t('Audit log of your account.'),
      actions: [{ href: exportPath(call), label: t('Export') }],
    },
    {
      caption: t('Activity'),
      columns: columnsFor(t, isOperator),
      rows: items.map((record) => activityRow(t, record, who)),
      empty: { title: t('No activity yet'), text: t('Sign-ins and changes appear here.') },
      search: searchOf(call, items),
      page: part,
      isLog: true,
    },
  )
  show(page)
}
