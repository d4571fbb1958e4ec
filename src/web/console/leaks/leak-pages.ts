import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import type { LeakKind } from '../../../leaks/leak-patterns.ts'
import { dismissLeak, type LeakOfClient, listLeaks, readLeak } from '../../../management/leak-list-operations.ts'
import { applicationPath, keyPairPath } from '../applications/application-list-page.ts'
import { actionsCell, badgeCell, type Cell, fact, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { clientName } from '../kit/display-name.ts'
import { LEAKS_PATH } from '../kit/leak-banner.ts'
import { type Column, listPage } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'
import { pageIn } from '../kit/query-fields.ts'

const kindsIn = (t: ConsoleTranslate): Readonly<Record<LeakKind, string>> => ({
  client_secret: t('Client secret'),
  api_key: t('API key'),
  access_token: t('Access token'),
  refresh_token: t('Refresh token'),
})

const columnsFor = (t: ConsoleTranslate, isOperator: boolean): Column[] => [
  { heading: t('Credential') },
  { heading: t('Client') },
  ...(isOperator ? [{ heading: t('Account') }] : []),
  { heading: t('Found at') },
  { heading: t('Reported') },
  { heading: t('Status') },
  { heading: t('Actions'), hiddenHeading: true },
]

function clientCell(t: ConsoleTranslate, { client }: LeakOfClient): Cell {
  if (client === null) return quietCell(t('deleted'))
  if (client.kind === 'api') return linkCell(client.name, '/apis')
  return linkCell(clientName(t, client), (client.kind === 'key_pair' ? keyPairPath : applicationPath)(client.clientId))
}

const accountCell = (t: ConsoleTranslate, { accountId, accountName }: LeakOfClient): Cell =>
  accountId === null ? quietCell(t('this instance')) : linkCell(accountName ?? accountId, `/accounts/${accountId}`)

const reporterText = (t: ConsoleTranslate, { reporter }: LeakOfClient): string =>
  reporter === 'github' ? t('by GitHub secret scanning') : t('through the management API')

const reportedCell = (t: ConsoleTranslate, leak: LeakOfClient): Cell =>
  timeCell(leak.reportedAt, undefined, reporterText(t, leak))

const placeCell = (t: ConsoleTranslate, { url, source }: LeakOfClient): Cell =>
  url === null ? quietCell(t('not known')) : textCell(url, source ?? undefined)

function statusCell(t: ConsoleTranslate, { isRevoked, isOpen }: LeakOfClient): Cell {
  if (isRevoked) return badgeCell('neutral', t('Revoked'))
  return isOpen ? badgeCell('error', t('May still work')) : badgeCell('neutral', t('Reported'))
}

const nameOf = (t: ConsoleTranslate, { kind, lastFour }: LeakOfClient): string =>
  lastFour === null
    ? kindsIn(t)[kind]
    : t(
        '{kind, select, client_secret {Client secret} api_key {API key} access_token {Access token} other {Refresh token}} ending in {lastFour}',
        { kind, lastFour },
      )

function rowOf(t: ConsoleTranslate, leak: LeakOfClient, isOperator: boolean): Cell[] {
  const dismiss = { label: t('Dismiss'), href: `${LEAKS_PATH}/${leak.id}/dismiss`, of: nameOf(t, leak) }
  return [
    textCell(
      kindsIn(t)[leak.kind],
      leak.lastFour === null ? undefined : t('ends in {lastFour}', { lastFour: leak.lastFour }),
    ),
    clientCell(t, leak),
    ...(isOperator ? [accountCell(t, leak)] : []),
    placeCell(t, leak),
    reportedCell(t, leak),
    statusCell(t, leak),
    leak.isOpen ? actionsCell(dismiss) : quietCell(''),
  ]
}

async function showLeaks({ management, who, query, show, t }: ConsoleCall): Promise<void> {
  const isOperator = who.role === 'operator'
  const { items, ...part } = await listLeaks(management, who, pageIn(query))
  const page = listPage(
    {
      title: t('Leaked credentials'),
      lead: t(
        'Client secrets, API keys and tokens that scanners found outside your systems. Generate a new secret, remove the leaked one from where it was found, and check the activity of the client.',
      ),
      notices: { dismissed: t('Report dismissed.') },
    },
    {
      caption: t('Leaked credentials'),
      columns: columnsFor(t, isOperator),
      rows: items.map((leak) => rowOf(t, leak, isOperator)),
      empty: {
        title: t('No leaked credentials'),
        text: t('When GitHub or another scanner reports a client secret, API key or token, it appears here.'),
      },
      search: { path: LEAKS_PATH, query },
      page: part,
      isLog: true,
    },
  )
  show(page)
}

async function askDismissal({ management, who, params, show, t }: ConsoleCall): Promise<void> {
  const leak = await readLeak(management, who, { leakId: params.leakId! })
  const page = confirmPage({
    title: t('Dismiss this report?'),
    facts: [
      fact(t('Credential'), textCell(nameOf(t, leak))),
      fact(t('Client'), clientCell(t, leak)),
      fact(t('Found at'), placeCell(t, leak)),
      fact(t('Reported'), reportedCell(t, leak)),
    ],
    breadcrumbs: [{ href: LEAKS_PATH, label: t('Leaked credentials') }],
    stops: [t('hide the banner about it for all admins'), t('not make a revoked secret or token work again')],
    action: `${LEAKS_PATH}/${leak.id}/dismiss`,
    submit: t('Dismiss report'),
    harmless: true,
    keep: { href: LEAKS_PATH, label: t('Cancel') },
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
