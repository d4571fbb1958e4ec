import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
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
import { clientName } from '../kit/display-name.ts'
import { download } from '../kit/line-download.ts'
import { listView } from '../kit/list-page.ts'
import { dayIn } from '../kit/query-fields.ts'
import { sampleCells, sampleHeadings, showClientUsage, USAGE_PATH, usagePath } from './client-usage-page.ts'

function kindText(t: ConsoleTranslate, { kind }: RefusedClient): string {
  if (kind === 'application') return t('Application')
  return kind === 'key_pair' ? t('Key pair') : t('API')
}

const rowOf = (t: ConsoleTranslate, client: RefusedClient) => [
  linkCell(clientName(t, client), usagePath(client.clientId), kindText(t, client)),
  idCell(client.clientId, t('client ID')),
  textCell(t.declared(REFUSAL_REASONS[client.lastReason].label)),
  timeCell(new Date(client.lastAt)),
]

const clientsBlock = (t: ConsoleTranslate, { clients }: RefusedClients): Block => ({
  part: 'list',
  heading: t('Refused in the last hour'),
  lead: t('Clients whose requests were refused, the latest first, at most 50.'),
  list: listView({
    caption: t('Clients refused in the last hour'),
    columns: [t('Client'), t('Client ID'), t('Latest reason'), t('Latest request')].map((heading) => ({ heading })),
    rows: clients.map((client) => rowOf(t, client)),
    empty: { title: t('No refused requests'), text: t('No client was refused in the last hour.') },
  }),
})

const unknownBlock = (t: ConsoleTranslate, { unknown }: RefusedClients): Block => ({
  part: 'list',
  heading: t('Unknown client IDs in the last 24 hours'),
  lead: t('Requests whose client ID does not exist. At most 50 samples per hour are kept.'),
  list: listView({
    caption: t('Requests with unknown client IDs'),
    columns: [t('Client ID'), ...sampleHeadings(t)].map((heading) => ({ heading })),
    rows: unknown.map((sample) => [
      sample.claimedId ? idCell(sample.claimedId, t('client ID')) : quietCell(t('missing or malformed')),
      ...sampleCells(t, sample),
    ]),
    empty: { title: t('No unknown client IDs'), text: t('None in the last 24 hours.') },
  }),
})

const exportBlock = (t: ConsoleTranslate): Block => ({
  part: 'download',
  heading: t('Usage as CSV'),
  lead: t('Issued tokens and refused requests of each client, per day (UTC) and API. Without dates: the last 30 days.'),
  action: `${USAGE_PATH}/export`,
  fields: [
    { type: 'date', name: 'from', label: t('First day') },
    { type: 'date', name: 'to', label: t('Last day') },
  ],
  submit: t('Download CSV'),
})

async function showUsage({ management, who, show, t }: ConsoleCall): Promise<void> {
  const refused = await listRefusedClients(management, who, {})
  const unknown = who.role === 'operator' ? [unknownBlock(t, refused)] : []
  const page = { title: t('Usage'), lead: t('Refused requests, and the usage of every client as CSV.') }
  show(blocksPage(page, [clientsBlock(t, refused), ...unknown, exportBlock(t)]))
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
