import type { ListedStatementIssuer } from '../../../clients/software-statement-issuers.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import {
  listSoftwareStatementIssuers,
  readSoftwareStatementIssuer,
  removeSoftwareStatementIssuer,
  type StatementIssuerDetails,
  trustSoftwareStatementIssuer,
} from '../../../management/software-statement-issuer-operations.ts'
import { applicationPath } from '../applications/application-list-page.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import {
  badgeCell,
  boundedCell,
  type Cell,
  type Fact,
  fact,
  linesCell,
  linkCell,
  textCell,
  timeCell,
} from '../kit/cells.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { failureText } from '../kit/failure-text.ts'
import { listView } from '../kit/list-page.ts'
import { confirmPage } from '../kit/panels.ts'
import { askIssuer, STATEMENTS_PATH, statementLinks, trustIssuer } from './new-statement-issuer-page.ts'

const NEW = `${STATEMENTS_PATH}/new`
const ISSUER = `${STATEMENTS_PATH}/:issuerId`
const REMOVAL = `${ISSUER}/remove`

/** On the page of the settings. */
export const statementsBlock = (t: ConsoleTranslate): Block => ({
  part: 'facts',
  heading: t('Software statements'),
  lead: t('Applications can register themselves with statements that an issuer whom you trust has signed (RFC 7591).'),
  actions: [{ href: STATEMENTS_PATH, label: t('View issuers') }],
  facts: [],
})

const keysCell = (t: ConsoleTranslate, { jwksUri, failure }: ListedStatementIssuer): Cell => {
  if (jwksUri === null) return textCell(t('Entered here'))
  return failure === null ? textCell(jwksUri) : badgeCell('error', t('Cannot be read'))
}

const rowOf = (t: ConsoleTranslate, one: ListedStatementIssuer): Cell[] => [
  linkCell(one.issuer, `${STATEMENTS_PATH}/${one.id}`),
  linkCell(one.accountName, `/accounts/${one.accountId}`),
  keysCell(t, one),
  timeCell(one.lastUsedAt, t('never')),
]

async function showIssuers({ t, management, who, show }: ConsoleCall): Promise<void> {
  const issuers = await listSoftwareStatementIssuers(management, who, {})
  const add = { href: NEW, label: t('Trust issuer'), primary: true as const }
  const list = listView({
    caption: t('Trusted issuers'),
    columns: [
      { heading: t('Issuer') },
      { heading: t('Account') },
      { heading: t('Public keys'), wideOnly: true },
      { heading: t('Last used') },
    ],
    rows: issuers.map((one) => rowOf(t, one)),
    empty: {
      title: t('No trusted issuers yet'),
      text: t(
        'Trust an issuer, such as a directory, so that applications with its statements can register themselves.',
      ),
      action: add,
    },
  })
  const page = {
    title: t('Software statements'),
    lead: t(
      'An application with a statement that one of these issuers signed can register itself without an initial access token (RFC 7591). Dynamic client registration must be enabled.',
    ),
    breadcrumbs: statementLinks(t).slice(0, 1),
    actions: issuers.length > 0 ? [add] : [],
    notices: {
      trusted: t('Issuer trusted.'),
      removed: t('Issuer removed. The applications that registered by its statements stay.'),
    },
  }
  show(blocksPage(page, [{ part: 'list', list }]))
}

const factsOf = (t: ConsoleTranslate, one: StatementIssuerDetails): Fact[] => [
  fact(t('Account'), linkCell(one.accountName, `/accounts/${one.accountId}`)),
  fact(t('Public keys'), textCell(one.jwksUri ?? t('Entered here'))),
  ...(one.failure === null ? [] : [fact(t('Last fetch failed'), textCell(failureText(t, one.failure)))]),
  fact(t('Grant types'), linesCell(one.grants)),
  fact(t('APIs'), linesCell(one.apis, t('Default API'))),
  fact(t('Scopes'), linesCell(one.scopes ?? [], t('All scopes'))),
  fact(t('Last used'), timeCell(one.lastUsedAt, t('never'))),
  fact(t('Registered applications'), boundedCell(one.registered)),
]

const applicationsBlock = (t: ConsoleTranslate, { applications, registered }: StatementIssuerDetails): Block => ({
  part: 'list',
  heading: t('Registered applications'),
  ...(registered.count > applications.length && {
    lead: t('The newest {count, number} are shown.', { count: applications.length }),
  }),
  list: listView({
    caption: t('Registered applications'),
    columns: [{ heading: t('Application') }, { heading: t('Status') }, { heading: t('Registered') }],
    rows: applications.map(({ clientId, name, status, createdAt }) => [
      linkCell(name, applicationPath(clientId)),
      status === 'active' ? badgeCell('success', t('Active')) : badgeCell('neutral', t('Archived')),
      timeCell(createdAt),
    ]),
    empty: { title: t('No applications yet'), text: t('No application has registered by a statement of this issuer.') },
  }),
})

async function showIssuer({ t, management, who, params, show }: ConsoleCall): Promise<void> {
  const found = await readSoftwareStatementIssuer(management, who, { issuerId: params.issuerId! })
  const page = {
    title: found.issuer,
    breadcrumbs: statementLinks(t),
    actions: [{ href: `${STATEMENTS_PATH}/${found.id}/remove`, label: t('Remove…') }],
  }
  show(blocksPage(page, [{ part: 'facts', facts: factsOf(t, found) }, applicationsBlock(t, found)]))
}

async function askRemoval({ t, management, who, params, show }: ConsoleCall): Promise<void> {
  const { id, issuer, registered } = await readSoftwareStatementIssuer(management, who, { issuerId: params.issuerId! })
  const back = `${STATEMENTS_PATH}/${id}`
  show(
    confirmPage({
      title: t('Stop trusting {issuer}?', { issuer }),
      breadcrumbs: [...statementLinks(t), { href: back, label: issuer }],
      stops: [
        t('stop further applications from registering by its statements, at once'),
        t('leave the applications that have registered as they are; archive those that you do not trust'),
      ],
      facts: [fact(t('Registered applications'), boundedCell(registered))],
      action: `${back}/remove`,
      submit: t('Remove issuer'),
      keep: { href: back, label: t('Cancel') },
    }),
  )
}

async function remove({ management, who, params, goTo }: ConsoleCall): Promise<void> {
  await removeSoftwareStatementIssuer(management, who, { issuerId: params.issuerId! })
  goTo(`${STATEMENTS_PATH}?notice=removed`)
}

const { permission } = trustSoftwareStatementIssuer

export const SOFTWARE_STATEMENT_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: STATEMENTS_PATH, permission: listSoftwareStatementIssuers.permission, handle: showIssuers },
  { method: 'get', path: NEW, permission, recentSignIn: true, handle: askIssuer },
  { method: 'post', path: NEW, permission, handle: trustIssuer },
  { method: 'get', path: ISSUER, permission: readSoftwareStatementIssuer.permission, handle: showIssuer },
  { method: 'get', path: REMOVAL, permission: removeSoftwareStatementIssuer.permission, handle: askRemoval },
  { method: 'post', path: REMOVAL, permission: removeSoftwareStatementIssuer.permission, handle: remove },
]
