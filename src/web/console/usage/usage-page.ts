import {
  listRefusedClients,
  type RefusedClient,
  type RefusedClients,
} from '../../../management/refused-client-operations.ts'
import { exportUsage, type UsageOfDay } from '../../../management/usage-export-operations.ts'
import { csvLine } from '../../../shared/csv.ts'
import { REFUSAL_REASONS } from '../../../shared/refusal-reasons.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { idCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { download } from '../kit/line-download.ts'
import { listView } from '../kit/list-page.ts'
import { dayIn } from '../kit/query-fields.ts'
import { SAMPLE_HEADINGS, sampleCells, showClientUsage, USAGE_PATH, usagePath } from './client-usage-page.ts'

const KINDS = { application: 'Application', key_pair: 'Key pair', api: 'API' } as const

const rowOf = ({ clientId, name, kind, lastAt, lastReason }: RefusedClient) => [
  linkCell(name, usagePath(clientId), KINDS[kind]),
  idCell(clientId, 'client ID'),
  textCell(REFUSAL_REASONS[lastReason].label),
  timeCell(new Date(lastAt)),
]

const clientsBlock = ({ clients }: RefusedClients): Block => ({
  part: 'list',
  heading: 'Refused in the last hour',
  lead: 'Clients whose requests were refused, the latest first, at most 50.',
  list: listView({
    caption: 'Clients refused in the last hour',
    columns: ['Client', 'Client ID', 'Latest reason', 'Latest request'].map((heading) => ({ heading })),
    rows: clients.map(rowOf),
    empty: { title: 'No refused requests', text: 'No client was refused in the last hour.' },
  }),
})

const unknownBlock = ({ unknown }: RefusedClients): Block => ({
  part: 'list',
  heading: 'Unknown client IDs in the last 24 hours',
  lead: 'Requests whose client ID does not exist. At most 50 samples per hour are kept.',
  list: listView({
    caption: 'Requests with unknown client IDs',
    columns: ['Client ID', ...SAMPLE_HEADINGS].map((heading) => ({ heading })),
    rows: unknown.map((sample) => [
      sample.claimedId ? idCell(sample.claimedId, 'client ID') : quietCell('missing or malformed'),
      ...sampleCells(sample),
    ]),
    empty: { title: 'No unknown client IDs', text: 'None in the last 24 hours.' },
  }),
})

const EXPORT: Block = {
  part: 'download',
  heading: 'Usage as CSV',
  lead: 'Issued tokens and refused requests of each client, per day (UTC) and API. Without dates: the last 30 days.',
  action: `${USAGE_PATH}/export`,
  fields: [
    { type: 'date', name: 'from', label: 'First day' },
    { type: 'date', name: 'to', label: 'Last day' },
  ],
  submit: 'Download CSV',
}

async function showUsage({ management, who, show }: ConsoleCall): Promise<void> {
  const refused = await listRefusedClients(management, who, {})
  const unknown = who.role === 'operator' ? [unknownBlock(refused)] : []
  const page = { title: 'Usage', lead: 'Refused requests, and the usage of every client as CSV.' }
  show(blocksPage(page, [clientsBlock(refused), ...unknown, EXPORT]))
}

const COLUMNS = ['Day', 'Account ID', 'Client ID', 'Client', 'API', 'Tokens issued', 'Requests refused']

const csvOf = (row: UsageOfDay): string => csvLine(Object.values(row))

async function exportUsagePage(call: ConsoleCall): Promise<void> {
  const { management, who, query } = call
  const range = { from: dayIn(query, 'from'), to: dayIn(query, 'to') }
  const rows = await exportUsage(management, who, { ...range, accountId: query.get('account') || undefined })
  await download(call, { name: 'usage', extension: 'csv', head: csvLine(COLUMNS), rows, toLine: csvOf })
}

const page = (path: string, handle: ConsoleRoute['handle']): ConsoleRoute => ({
  method: 'get',
  path,
  permission: listRefusedClients.permission,
  handle,
})

export const USAGE_PAGES: readonly ConsoleRoute[] = [
  page(USAGE_PATH, showUsage),
  // Before what would take `export` for a client ID.
  page(`${USAGE_PATH}/export`, exportUsagePage),
  page(`${USAGE_PATH}/:clientId`, showClientUsage),
]
