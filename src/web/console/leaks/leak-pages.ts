import type { LeakKind } from '../../../leaks/leak-patterns.ts'
import { dismissLeak, type LeakOfClient, listLeaks, readLeak } from '../../../management/leak-list-operations.ts'
import { applicationPath, keyPairPath } from '../applications/application-list-page.ts'
import { actionsCell, badgeCell, type Cell, fact, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { LEAKS_PATH } from '../kit/leak-banner.ts'
import { type Column, listPage } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'
import { pageIn } from '../kit/query-fields.ts'

const KIND_TEXTS: Readonly<Record<LeakKind, string>> = {
  client_secret: 'Client secret',
  api_key: 'API key',
  access_token: 'Access token',
  refresh_token: 'Refresh token',
}

const columnsFor = (isOperator: boolean): Column[] => [
  { heading: 'Credential' },
  { heading: 'Client' },
  ...(isOperator ? [{ heading: 'Account' }] : []),
  { heading: 'Found at' },
  { heading: 'Reported' },
  { heading: 'Status' },
  { heading: 'Actions', hiddenHeading: true },
]

function clientCell({ client }: LeakOfClient): Cell {
  if (client === null) return quietCell('deleted')
  if (client.kind === 'api') return linkCell(client.name, '/apis')
  return linkCell(client.name, (client.kind === 'key_pair' ? keyPairPath : applicationPath)(client.clientId))
}

const accountCell = ({ accountId, accountName }: LeakOfClient): Cell =>
  accountId === null ? quietCell('this instance') : linkCell(accountName ?? accountId, `/accounts/${accountId}`)

const reporterText = ({ reporter }: LeakOfClient): string =>
  reporter === 'github' ? 'by GitHub secret scanning' : 'through the management API'

const reportedCell = (leak: LeakOfClient): Cell => timeCell(leak.reportedAt, undefined, reporterText(leak))

const placeCell = ({ url, source }: LeakOfClient): Cell =>
  url === null ? quietCell('not known') : textCell(url, source ?? undefined)

function statusCell({ isRevoked, isOpen }: LeakOfClient): Cell {
  if (isRevoked) return badgeCell('neutral', 'Revoked')
  return isOpen ? badgeCell('error', 'May still work') : badgeCell('neutral', 'Reported')
}

const nameOf = ({ kind, lastFour }: LeakOfClient): string =>
  lastFour === null ? KIND_TEXTS[kind] : `${KIND_TEXTS[kind]} ending in ${lastFour}`

function rowOf(leak: LeakOfClient, isOperator: boolean): Cell[] {
  const dismiss = { label: 'Dismiss', href: `${LEAKS_PATH}/${leak.id}/dismiss`, of: nameOf(leak) }
  return [
    textCell(KIND_TEXTS[leak.kind], leak.lastFour === null ? undefined : `ends in ${leak.lastFour}`),
    clientCell(leak),
    ...(isOperator ? [accountCell(leak)] : []),
    placeCell(leak),
    reportedCell(leak),
    statusCell(leak),
    leak.isOpen ? actionsCell(dismiss) : quietCell(''),
  ]
}

async function showLeaks({ management, who, query, show }: ConsoleCall): Promise<void> {
  const isOperator = who.role === 'operator'
  const { items, ...part } = await listLeaks(management, who, pageIn(query))
  const page = listPage(
    {
      title: 'Leaked credentials',
      lead: 'Client secrets, API keys and tokens that scanners found outside your systems. Generate a new secret, remove the leaked one from where it was found, and check the activity of the client.',
      notices: { dismissed: 'Report dismissed.' },
    },
    {
      caption: 'Leaked credentials',
      columns: columnsFor(isOperator),
      rows: items.map((leak) => rowOf(leak, isOperator)),
      empty: {
        title: 'No leaked credentials',
        text: 'When GitHub or another scanner reports a client secret, API key or token, it appears here.',
      },
      search: { path: LEAKS_PATH, query },
      page: part,
      isLog: true,
    },
  )
  show(page)
}

async function askDismissal({ management, who, params, show }: ConsoleCall): Promise<void> {
  const leak = await readLeak(management, who, { leakId: params.leakId! })
  const page = confirmPage({
    title: 'Dismiss this report?',
    facts: [
      fact('Credential', textCell(nameOf(leak))),
      fact('Client', clientCell(leak)),
      fact('Found at', placeCell(leak)),
      fact('Reported', reportedCell(leak)),
    ],
    breadcrumbs: [{ href: LEAKS_PATH, label: 'Leaked credentials' }],
    stops: ['hide the banner about it for all admins', 'not make a revoked secret or token work again'],
    action: `${LEAKS_PATH}/${leak.id}/dismiss`,
    submit: 'Dismiss report',
    harmless: true,
    keep: { href: LEAKS_PATH, label: 'Cancel' },
  })
  show(page)
}

async function dismiss({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  await dismissLeak(management, who, { leakId: params.leakId! })
  goTo(`${LEAKS_PATH}?notice=dismissed`)
}

const ONE = `${LEAKS_PATH}/:leakId/dismiss`

export const LEAK_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: LEAKS_PATH, permission: listLeaks.permission, handle: showLeaks },
  { method: 'get', path: ONE, permission: dismissLeak.permission, handle: askDismissal },
  { method: 'post', path: ONE, permission: dismissLeak.permission, handle: dismiss },
]
