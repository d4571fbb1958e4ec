import { CLIENT_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import type { Client } from '../../../clients/clients.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { type Application, readApplication } from '../../../management/application-operations.ts'
import { MANAGEMENT_API } from '../../../management/management-scopes.ts'
import { attributeFacts } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import {
  actionsCell,
  badgeCell,
  type Cell,
  type Fact,
  fact,
  idCell,
  linesCell,
  linkCell,
  quietCell,
  textCell,
  timeCell,
} from '../kit/cells.ts'
import type { PageAction } from '../kit/console-page.ts'
import type { ConsoleCall } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { type ListView, listView } from '../kit/list-page.ts'
import type { Copyable } from '../kit/panels.ts'
import { stepsOf } from './application-command-examples.ts'
import { applicationFrame, canTry } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { brandingBlocks, generalFacts, settingsBlocks } from './application-settings-blocks.ts'
import { grantWords, neverUsed } from './application-texts.ts'
import { snippetGroups } from './code-snippets.ts'
import { recentCallersList } from './recent-callers-list.ts'

const NOTICES = {
  added: 'Application added.',
  saved: 'Application saved.',
  archived: 'Application archived. Its tokens and credentials no longer work.',
  restored: 'Application restored. Its earlier tokens stay revoked.',
  revoked: 'All tokens of the application are revoked.',
}

const API_OFF =
  'The API is disabled for this account or for the whole instance. Applications get no tokens until an operator enables it.'

const DELETING = 'This application is being deleted. Its tokens are revoked, and it cannot be restored.'

const ARCHIVED =
  'This application is archived. Its tokens are revoked, and it gets no new ones. Restore it to use it again.'

function ownerCell({ client, accountName }: Application): Cell {
  if (client.accountId === null) return quietCell('this instance')
  return linkCell(accountName ?? client.accountId, `/accounts/${client.accountId}`)
}

function factsOf(application: Application, isOperator: boolean): Fact[] {
  const { client, activeTokens, grants, users: allowed, callers } = application
  const path = applicationPath(client.clientId)
  return [
    ...generalFacts(client, isOperator),
    fact('Client ID', idCell(client.clientId, 'client ID')),
    ...(isOperator ? [fact('Owner', ownerCell(application))] : []),
    fact(CLIENT_ATTRIBUTES.grants.label, textCell(grantWords(client.grants).join(' · '))),
    ...attributeFacts(toConsoleEnglish(), { isPublic: CLIENT_ATTRIBUTES.isPublic }, client),
    fact('Added', timeCell(client.createdAt)),
    fact('Last used', timeCell(application.lastUsedAt, neverUsed(client.isPublic))),
    fact(
      'Users with consent',
      allowed.count > 0 ? textCell(countedUpTo(toConsoleEnglish(), allowed, 'user')) : quietCell('none yet'),
    ),
    fact(
      'Active tokens',
      activeTokens.count > 0
        ? linkCell(countedUpTo(toConsoleEnglish(), activeTokens, 'access token'), `${path}/tokens`)
        : quietCell('none'),
    ),
    fact(
      'Grants',
      grants.count > 0
        ? linkCell(countedUpTo(toConsoleEnglish(), grants, 'refresh token'), `${path}/grants`)
        : quietCell('none'),
    ),
    ...(callers.length === 0 && !client.isPublic ? [fact('Callers in the last 24 hours', quietCell('none'))] : []),
  ]
}

type Secret = Application['secrets'][number]

function useCell({ lastUsedAt, lastUsedIp, lastUsedApi }: Secret): Cell {
  const detail = [lastUsedIp && `from ${lastUsedIp}`, lastUsedApi && `for ${lastUsedApi}`].filter(Boolean).join(', ')
  return timeCell(lastUsedAt === null ? null : new Date(lastUsedAt), 'never', detail || undefined)
}

/** The newest secret goes by being replaced; an earlier one can be retired alone. */
const retireCell = (clientId: string, { id, isCurrent, lastFour }: Secret): Cell =>
  isCurrent
    ? quietCell('')
    : actionsCell({
        label: 'Retire',
        href: applicationPath(clientId, `/secrets/${id}/retire`),
        of: `ends in ${lastFour}`,
      })

const secretRow = (clientId: string, secret: Secret): Cell[] => [
  textCell(secret.kind === 'secret' ? 'Client secret' : 'API key'),
  textCell(`ends in ${secret.lastFour}`),
  timeCell(new Date(secret.createdAt)),
  useCell(secret),
  secret.retiresAt === null
    ? badgeCell('success', 'Active')
    : timeCell(new Date(secret.retiresAt), '', 'then it stops working'),
  retireCell(clientId, secret),
]

function secretsList({ client, secrets }: Application): ListView {
  return listView({
    caption: 'Credentials',
    columns: ['Type', 'Value', 'Generated', 'Last used', 'Status', 'Action'].map((heading) => ({ heading })),
    rows: secrets.map((secret) => secretRow(client.clientId, secret)),
    empty: {
      title: 'No client secret',
      text: 'The application has no valid client secret. Generate a key so that it can get tokens again.',
    },
  })
}

function apisList({ apis }: Application): ListView {
  return listView({
    caption: 'APIs',
    columns: [{ heading: 'API' }, { heading: 'Scopes' }, { heading: 'Use' }],
    rows: apis.map(({ identifier, scopes, isNarrowed }, n) => [
      textCell(identifier, identifier === MANAGEMENT_API ? 'Keywright management API' : undefined),
      isNarrowed ? linesCell(scopes) : textCell('All scopes', scopes.join(' ')),
      n === 0 ? badgeCell('neutral', 'Default') : quietCell('named in the request'),
    ]),
    empty: { title: 'No API', text: 'The application gets no access tokens for an API. It can still sign users in.' },
  })
}

/** Who used its secret; a public one has none to be used. */
function callersBlocks({ callers }: Application): Block[] {
  if (callers.length === 0) return []
  return [
    {
      part: 'list',
      heading: 'Callers in the last 24 hours',
      lead: 'Updated every five minutes.',
      list: recentCallersList(callers),
    },
  ]
}

function secretsBlocks(application: Application): Block[] {
  const { clientId, isPublic } = application.client
  if (isPublic) return []
  const actions = [
    { href: applicationPath(clientId, '/secrets'), label: 'Rotate secret' },
    { href: applicationPath(clientId, '/key'), label: 'Generate key' },
  ]
  return [{ part: 'list', heading: 'Credentials', actions, list: secretsList(application) }]
}

const stepBlock = (step: Copyable, n: number): Block => ({
  part: 'command',
  ...step,
  ...(n === 0 && { heading: 'Integration', lead: 'Replace the values in capitals with your own.' }),
})

function snippetsBlock(issuer: string, { client, apis }: Application): Block[] {
  const groups = snippetGroups({ issuer, client, api: apis[0] })
  if (groups.length === 0) return []
  const lead = `Programs that get a token.${client.isPublic ? '' : ' They read the client secret from the environment.'}`
  const actions = canTry(client) ? [{ href: applicationPath(client.clientId, '/try'), label: 'Run it here' }] : []
  return [{ part: 'snippets', heading: 'Code', lead, actions, groups }]
}

function blocksOf({ web, who }: ConsoleCall, application: Application): Block[] {
  const { client } = application
  const isOperator = who.role === 'operator'
  return [
    { part: 'facts', facts: factsOf(application, isOperator) },
    ...secretsBlocks(application),
    { part: 'list', heading: 'APIs and scopes', list: apisList(application) },
    ...snippetsBlock(web.issuerUrl(), application),
    ...settingsBlocks(client, isOperator),
    ...brandingBlocks(client, isOperator),
    ...callersBlocks(application),
    ...stepsOf(web.issuerUrl(), client, application.apis[0]?.scopes ?? []).map(stepBlock),
  ]
}

function actionsOf({ clientId, status }: Client): PageAction[] {
  const to = (path: string, label: string) => ({ href: applicationPath(clientId, path), label })
  const edit = { ...to('/edit', 'Edit'), primary: true }
  if (status === 'active') return [to('/archive', 'Archive'), edit]
  return status === 'deleting' ? [] : [to('/delete', 'Delete'), to('/restore', 'Restore'), edit]
}

function warningOf({ client, apiEnabled }: Application): string {
  if (client.status === 'deleting') return DELETING
  return apiEnabled ? ARCHIVED : API_OFF
}

export async function showApplication(call: ConsoleCall): Promise<void> {
  const application = await readApplication(call.management, call.who, { clientId: call.params.clientId! })
  const { client, apiEnabled } = application
  const isActive = client.status === 'active'
  const page = {
    ...applicationFrame(client, 'settings'),
    notices: NOTICES,
    actions: actionsOf(client),
    ...((!apiEnabled || !isActive) && { warning: warningOf(application) }),
  }
  call.show(blocksPage(page, blocksOf(call, application)))
}
