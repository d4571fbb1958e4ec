import { type Application, readApplication } from '../../../management/application-operations.ts'
import { MANAGEMENT_API } from '../../../management/management-scopes.ts'
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
import type { ConsoleCall } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { type ListView, listView } from '../kit/list-page.ts'
import type { Copyable } from '../kit/panels.ts'
import { stepsOf } from './application-command-examples.ts'
import { applicationFrame } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { settingsBlocks } from './application-settings-blocks.ts'
import { grantWords, neverUsed } from './application-texts.ts'

const NOTICES = {
  added: 'The application is added.',
  saved: 'The application is saved.',
  archived: 'The application is archived: nothing of it works any more.',
  restored: 'The application is active again. What it held before stays dead.',
  revoked: 'Everything that it held is revoked.',
  'secret-retired': 'The previous secret is retired. Tokens that were obtained with it are revoked.',
}

const API_OFF =
  'The API is switched off at present, for this account or for everybody: no application gets tokens until an operator switches it on again.'

const ARCHIVED = 'It is archived: it gets no tokens, and what it held is dead. Restore it to let it begin anew.'

function ownerCell({ client, accountName }: Application): Cell {
  if (client.accountId === null) return quietCell('this instance')
  return linkCell(accountName ?? client.accountId, `/accounts/${client.accountId}`)
}

function factsOf(application: Application, isOperator: boolean): Fact[] {
  const { client, liveTokens, grants, users: allowed, callers } = application
  const path = applicationPath(client.clientId)
  return [
    fact('Client id', idCell(client.clientId, 'client id')),
    ...(isOperator ? [fact('Belongs to', ownerCell(application))] : []),
    fact('What it does', textCell(grantWords(client.grants).join(' · '))),
    fact('Kind', textCell(client.isPublic ? 'Public, without a secret' : 'With a secret')),
    fact('Added', timeCell(client.createdAt)),
    fact('Last used', timeCell(application.lastUsedAt, neverUsed(client.isPublic))),
    fact(
      'Allowed by',
      allowed.count > 0 ? textCell(countedUpTo(allowed, 'person', 'people')) : quietCell('nobody yet'),
    ),
    fact(
      'Live tokens',
      liveTokens.count > 0 ? linkCell(countedUpTo(liveTokens, 'access token'), `${path}/tokens`) : quietCell('none'),
    ),
    fact(
      'Grants',
      grants.count > 0 ? linkCell(countedUpTo(grants, 'refresh token'), `${path}/grants`) : quietCell('none'),
    ),
    ...(callers.length === 0 && !client.isPublic ? [fact('Callers of the last day', quietCell('nobody'))] : []),
  ]
}

type Secret = Application['secrets'][number]

function useCell({ lastUsedAt, lastUsedIp, lastUsedApi }: Secret): Cell {
  const detail = [lastUsedIp && `from ${lastUsedIp}`, lastUsedApi && `for ${lastUsedApi}`].filter(Boolean).join(', ')
  return timeCell(lastUsedAt === null ? null : new Date(lastUsedAt), 'never', detail || undefined)
}

/** The newest secret goes by being replaced; an earlier one can be retired alone. */
const retireCell = (clientId: string, { id, retiresAt, lastFour }: Secret): Cell =>
  retiresAt === null
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
  secret.retiresAt === null ? badgeCell('success', 'Works') : timeCell(new Date(secret.retiresAt), '', 'then it ends'),
  retireCell(clientId, secret),
]

function secretsList({ client, secrets }: Application): ListView {
  return listView({
    caption: 'Secrets',
    columns: ['Kind', 'Secret', 'Generated', 'Last used', 'Until', 'Action'].map((heading) => ({ heading })),
    rows: secrets.map((secret) => secretRow(client.clientId, secret)),
    empty: {
      title: 'No secret',
      text: 'None that works is left. Generate a key, and the application can get tokens again.',
    },
  })
}

function apisList({ apis }: Application): ListView {
  return listView({
    caption: 'APIs',
    columns: [{ heading: 'API' }, { heading: 'Scopes' }, { heading: 'Meant' }],
    rows: apis.map(({ identifier, scopes, isNarrowed }, n) => [
      textCell(identifier, identifier === MANAGEMENT_API ? 'Keywright itself' : undefined),
      isNarrowed ? linesCell(scopes) : textCell('All of them', scopes.join(' ')),
      n === 0 ? badgeCell('neutral', 'Default') : quietCell('when it is named'),
    ]),
    empty: { title: 'No API', text: 'It gets no access tokens for an API, though it may sign people in.' },
  })
}

/** Who used its secret; a public one has none to be used. */
function callersBlocks({ callers }: Application): Block[] {
  if (callers.length === 0) return []
  const list = listView({
    caption: 'Callers of the last day',
    columns: [{ heading: 'Address' }, { heading: 'API' }, { heading: 'Last call' }],
    rows: callers.map(({ ip, api, lastUsedAt }) => [
      textCell(ip),
      api === null ? quietCell('no token') : textCell(api),
      timeCell(new Date(lastUsedAt)),
    ]),
    empty: { title: 'Nobody called in the last day', text: 'Addresses that use its secret appear here.' },
  })
  return [{ part: 'list', heading: 'Callers of the last day', lead: 'To within five minutes.', list }]
}

function secretsBlocks(application: Application): Block[] {
  const { clientId, isPublic } = application.client
  if (isPublic) return []
  const generate = { href: applicationPath(clientId, '/key'), label: 'Generate key' }
  return [{ part: 'list', heading: 'Secrets', actions: [generate], list: secretsList(application) }]
}

const stepBlock = (step: Copyable, n: number): Block => ({
  part: 'command',
  ...step,
  ...(n === 0 && { heading: 'For its program', lead: 'What is in capitals is for the program to fill in.' }),
})

function blocksOf({ web, who }: ConsoleCall, application: Application): Block[] {
  const { client } = application
  const isOperator = who.role === 'operator'
  return [
    { part: 'facts', facts: factsOf(application, isOperator) },
    ...secretsBlocks(application),
    { part: 'list', heading: 'What it may call', list: apisList(application) },
    ...settingsBlocks(client, isOperator),
    ...callersBlocks(application),
    ...stepsOf(web.issuerUrl(), client, application.apis[0]?.scopes ?? []).map(stepBlock),
  ]
}

export async function showApplication(call: ConsoleCall): Promise<void> {
  const application = await readApplication(call.management, call.who, { clientId: call.params.clientId! })
  const { client, apiEnabled } = application
  const isActive = client.status === 'active'
  const caution = apiEnabled ? ARCHIVED : API_OFF
  const status = isActive ? { href: 'archive', label: 'Archive' } : { href: 'restore', label: 'Restore' }
  const page = {
    ...applicationFrame(client, 'settings'),
    notices: NOTICES,
    actions: [
      { href: applicationPath(client.clientId, `/${status.href}`), label: status.label },
      { href: applicationPath(client.clientId, '/edit'), label: 'Edit', primary: true },
    ],
    ...((!apiEnabled || !isActive) && { caution }),
  }
  call.show(blocksPage(page, blocksOf(call, application)))
}
