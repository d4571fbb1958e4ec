import { CLIENT_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import type { Client } from '../../../clients/clients.ts'
import type { DynamicRegistration } from '../../../clients/dynamic-registrations.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type Application, readApplication } from '../../../management/application-operations.ts'
import { mayChangeApplication } from '../../../management/developer-limits.ts'
import { MANAGEMENT_API } from '../../../management/management-scopes.ts'
import { attributeFacts } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import {
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
import { credentialBlocks } from './application-credentials-block.ts'
import { applicationFrame, canTry } from './application-frame.ts'
import { applicationPath } from './application-list-page.ts'
import { brandingBlocks, generalFacts, settingsBlocks } from './application-settings-blocks.ts'
import { grantWords, neverUsed } from './application-texts.ts'
import { snippetGroups } from './code-snippets.ts'
import { publishedKeysBlocks } from './published-keys-block.ts'
import { recentCallersList } from './recent-callers-list.ts'

const noticesOf = (t: ConsoleTranslate) => ({
  added: t('Application added.'),
  saved: t('Application saved.'),
  archived: t('Application archived. Its tokens and credentials no longer work.'),
  keys_fetched: t('Public keys fetched.'),
  keys_added: t('Public keys added.'),
  trust_added: t('Trust added.'),
  trust_saved: t('Trust saved. Tokens obtained with it stay valid.'),
  trust_narrowed: t('Trust saved. Tokens obtained with the earlier one are revoked.'),
  trusts_replaced: t('Trusts replaced.'),
  certificate_replaced: t('Certificate replaced.'),
  keys_replaced: t('Public keys replaced.'),
  method_changed: t('Authentication method changed.'),
  restored: t('Application restored. Its earlier tokens stay revoked.'),
  revoked: t('All tokens of the application are revoked.'),
})

const OF_ADMINS = 'This application may call the management API, so only admins can change it.'

function ownerCell(t: ConsoleTranslate, { client, accountName }: Application): Cell {
  if (client.accountId === null) return quietCell(t('this instance'))
  return linkCell(accountName ?? client.accountId, `/accounts/${client.accountId}`)
}

function usersCell(t: ConsoleTranslate, { users }: Application): Cell {
  if (users.count === 0) return quietCell(t('none yet'))
  return textCell(countedUpTo(t, users, 'user'))
}

function tokensCell(t: ConsoleTranslate, { client, activeTokens }: Application): Cell {
  if (activeTokens.count === 0) return quietCell(t('none'))
  const text = countedUpTo(t, activeTokens, 'access token')
  return linkCell(text, applicationPath(client.clientId, '/tokens'))
}

function grantsCell(t: ConsoleTranslate, { client, grants }: Application): Cell {
  if (grants.count === 0) return quietCell(t('none'))
  const text = countedUpTo(t, grants, 'refresh token')
  return linkCell(text, applicationPath(client.clientId, '/grants'))
}

/** What a client says of its software is not checked. */
function registrationCell(t: ConsoleTranslate, registration: DynamicRegistration): Cell {
  const { source, softwareId, softwareVersion, softwareStatementIssuer } = registration
  const how = t(
    '{source, select, initial_access_token {dynamically, with an initial access token} software_statement {dynamically, with a software statement} metadata_document {by its client ID metadata document} other {dynamically, without a token}}',
    { source },
  )
  return textCell(how, [softwareId, softwareVersion, softwareStatementIssuer].filter(Boolean).join(' ') || undefined)
}

function factsOf(t: ConsoleTranslate, application: Application, isOperator: boolean): Fact[] {
  const { client, callers } = application
  const { grants, isPublic, authMethod } = CLIENT_ATTRIBUTES
  return [
    ...generalFacts(t, client, isOperator),
    fact(t('Client ID'), idCell(client.clientId, t('client ID'))),
    ...(isOperator ? [fact(t('Owner'), ownerCell(t, application))] : []),
    fact(t.declared(grants.label), textCell(grantWords(t, client.grants).join(' · '))),
    ...attributeFacts(t, client.isPublic ? { isPublic } : { isPublic, authMethod }, client),
    fact(t('Added'), timeCell(client.createdAt)),
    ...(application.registration ? [fact(t('Registered'), registrationCell(t, application.registration))] : []),
    fact(t('Last used'), timeCell(application.lastUsedAt, neverUsed(t, client.isPublic))),
    fact(t('Users with consent'), usersCell(t, application)),
    fact(t('Active tokens'), tokensCell(t, application)),
    fact(t('Grants'), grantsCell(t, application)),
    ...(callers.length === 0 && !client.isPublic
      ? [fact(t('Callers in the last 24 hours'), quietCell(t('none')))]
      : []),
  ]
}

function apisList(t: ConsoleTranslate, { apis }: Application): ListView {
  return listView({
    caption: t('APIs'),
    columns: [{ heading: t('API') }, { heading: t('Scopes') }, { heading: t('Use') }],
    rows: apis.map(({ identifier, scopes, isNarrowed }, n) => [
      textCell(identifier, identifier === MANAGEMENT_API ? t('Keywright management API') : undefined),
      isNarrowed ? linesCell(scopes) : textCell(t('All scopes'), scopes.join(' ')),
      n === 0 ? badgeCell('neutral', t('Default')) : quietCell(t('named in the request')),
    ]),
    empty: {
      title: t('No API'),
      text: t('The application gets no access tokens for an API. It can still sign users in.'),
    },
  })
}

/** Who used its secret; a public one has none to be used. */
function callersBlocks(t: ConsoleTranslate, { callers }: Application): Block[] {
  if (callers.length === 0) return []
  return [
    {
      part: 'list',
      heading: t('Callers in the last 24 hours'),
      lead: t('Updated every five minutes.'),
      list: recentCallersList(t, callers),
    },
  ]
}

const stepBlock = (t: ConsoleTranslate, step: Copyable, n: number): Block => ({
  part: 'command',
  ...step,
  ...(n === 0 && { heading: t('Integration'), lead: t('Replace the values in capitals with your own.') }),
})

function snippetsBlock(t: ConsoleTranslate, issuer: string, { client, apis }: Application): Block[] {
  const groups = snippetGroups(t, { issuer, client, api: apis[0] })
  if (groups.length === 0) return []
  const lead = client.isPublic
    ? t('Programs that get a token.')
    : t('Programs that get a token. They read the client secret from the environment.')
  const actions = canTry(client) ? [{ href: applicationPath(client.clientId, '/try'), label: t('Run it here') }] : []
  return [{ part: 'snippets', heading: t('Code'), lead, actions, groups }]
}

function blocksOf({ web, who, t }: ConsoleCall, application: Application, mayChange: boolean): Block[] {
  const { client, apis } = application
  const isOperator = who.role === 'operator'
  const issuer = web.issuerUrl()
  return [
    { part: 'facts', facts: factsOf(t, application, isOperator) },
    ...credentialBlocks(t, application, mayChange),
    ...publishedKeysBlocks(t, application, mayChange),
    { part: 'list', heading: t('APIs and scopes'), list: apisList(t, application) },
    ...snippetsBlock(t, issuer, application),
    ...settingsBlocks(t, client, isOperator),
    ...brandingBlocks(t, client, isOperator),
    ...callersBlocks(t, application),
    ...stepsOf(t, issuer, client, apis[0]?.scopes ?? []).map((step, n) => stepBlock(t, step, n)),
  ]
}

function actionsOf(t: ConsoleTranslate, { clientId, status }: Client): PageAction[] {
  const to = (path: string, label: string) => ({ href: applicationPath(clientId, path), label })
  const edit = { ...to('/edit', t('Edit')), primary: true }
  if (status === 'active') return [to('/archive', t('Archive')), edit]
  return status === 'deleting' ? [] : [to('/delete', t('Delete')), to('/restore', t('Restore')), edit]
}

function warningOf(t: ConsoleTranslate, { client, apiEnabled }: Application): string | undefined {
  if (client.status === 'deleting')
    return t('This application is being deleted. Its tokens are revoked, and it cannot be restored.')
  if (!apiEnabled)
    return t(
      'The API is disabled for this account or for the whole instance. Applications get no tokens until an operator enables it.',
    )
  if (client.status === 'active') return undefined
  return t('This application is archived. Its tokens are revoked, and it gets no new ones. Restore it to use it again.')
}

export async function showApplication(call: ConsoleCall): Promise<void> {
  const { management, who, params, t } = call
  const application = await readApplication(management, who, { clientId: params.clientId! })
  const { client } = application
  const warning = warningOf(t, application)
  const mayChange = mayChangeApplication(who, application.apis)
  const page = {
    ...applicationFrame(t, client, 'settings'),
    notices: noticesOf(t),
    ...(mayChange && { actions: actionsOf(t, client) }),
    ...(who.role === 'developer' && !mayChange && { lead: t(OF_ADMINS) }),
    ...(warning && { warning }),
  }
  call.show(blocksPage(page, blocksOf(call, application, mayChange)))
}
