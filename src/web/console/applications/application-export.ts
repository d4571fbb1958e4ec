import { type ClientSummary, listClients } from '../../../management/client-list.ts'
import { MAX_LIMIT } from '../../../management/paging.ts'
import { csvLine } from '../../../shared/csv.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { download } from '../kit/line-download.ts'
import { clientQueryIn } from './application-filters.ts'

const COLUMNS = [
  ...['Client ID', 'Type', 'Name', 'Status', 'Account ID', 'Account', 'Owner', 'Grant types', 'Last used', 'Added'],
  'Secret expires',
]

/** Only operators see external IDs. */
const columnsFor = ({ who }: ConsoleCall) => (who.role === 'operator' ? [...COLUMNS, 'External ID'] : COLUMNS)

const rowFor =
  ({ who }: ConsoleCall) =>
  ({ clientId, kind, name, status, ...client }: ClientSummary): string =>
    csvLine([
      ...[clientId, kind, name, status, client.accountId, client.accountName, client.ownerEmail],
      ...[client.grants.join(' '), client.lastUsedAt?.toISOString(), client.createdAt.toISOString()],
      client.secretExpiresAt?.toISOString(),
      ...(who.role === 'operator' ? [client.externalId] : []),
    ])

/** Every client that the filters match, page by page. */
async function* clientsOf(call: ConsoleCall): AsyncGenerator<ClientSummary> {
  const filters = await clientQueryIn(call)
  let after: string | undefined
  do {
    const page = await listClients(call.management, call.who, { ...filters, after, limit: MAX_LIMIT })
    yield* page.items
    after = page.next ?? undefined
  } while (after !== undefined)
}

export async function exportApplications(call: ConsoleCall): Promise<void> {
  await download(call, {
    ...{ name: 'applications', extension: 'csv', head: csvLine(columnsFor(call)), toLine: rowFor(call) },
    rows: clientsOf(call),
  })
}
