import type { Finding } from '../../../inspection/findings.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { applicationPath, keyPairPath } from '../applications/application-list-page.ts'
import { type Cell, type Fact, fact, idCell, linesCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import { clientName } from '../kit/display-name.ts'
import { eventTexts } from './finding-texts.ts'

type Client = NonNullable<Finding['client']>

/** The page of a client. */
export function clientPath({ kind, clientId, apiId }: Client): string {
  if (kind === 'api') return `/apis/${apiId}`
  return kind === 'key_pair' ? keyPairPath(clientId) : applicationPath(clientId)
}

const dateOf = (iso: string | null): Date | null => (iso === null ? null : new Date(iso))

const actorsIn = (t: ConsoleTranslate): Readonly<Record<string, string>> => ({
  system: 'Keywright',
  cli: t('A command-line user'),
  user: t('A user outside the account'),
  client: t('A client outside the account'),
})

/** Users have a page; a label is absent when the viewer may not know who it was. */
function actorCell(t: ConsoleTranslate, { type, id, label }: NonNullable<Finding['by']>): Cell {
  if (type === 'user' && id !== null && label !== null) return linkCell(label, `/users/${id}`)
  return textCell(label ?? actorsIn(t)[type] ?? type, label === null ? undefined : (id ?? undefined))
}

/** When, by whom and by what it was stopped. */
function eventFacts(t: ConsoleTranslate, finding: Finding): Fact[] {
  const { since, by, replacedBy } = finding
  const event = eventTexts(t, finding)
  if (event === undefined) return []
  return [
    ...(since === null ? [] : [fact(event.at, timeCell(dateOf(since)))]),
    ...(by === null ? [] : [fact(event.by, actorCell(t, by))]),
    ...(replacedBy === null ? [] : [fact(t('Replaced with'), linkCell(replacedBy, keyPairPath(replacedBy)))]),
  ]
}

function actsForCell(t: ConsoleTranslate, { userId, accountId }: NonNullable<Finding['token']>): Cell {
  if (accountId !== null) return idCell(accountId, t('account ID'))
  return userId === null ? quietCell(t('itself')) : idCell(userId, t('user ID'))
}

function tokenFacts(t: ConsoleTranslate, { api, token }: Finding): Fact[] {
  const audience = api === null ? [] : [fact(t('API'), textCell(api))]
  if (token === null) return audience
  const expires = dateOf(token.expiresAt)!
  return [
    ...audience,
    fact(t('Scopes'), linesCell(token.scope.split(' ').filter(Boolean))),
    fact(t('Acts for'), actsForCell(t, token)),
    fact(t('Issued'), timeCell(dateOf(token.issuedAt))),
    fact(expires.getTime() > Date.now() ? t('Expires') : t('Expired'), timeCell(expires)),
    fact(t('Token ID (jti)'), idCell(token.jti, t('token ID'))),
  ]
}

function secretFacts(t: ConsoleTranslate, { secret }: Finding): Fact[] {
  if (secret === null) return []
  const { createdAt, retiresAt } = secret
  const retires = dateOf(retiresAt)
  const isLeaving = retires !== null && retires.getTime() > Date.now()
  return [
    fact(t('Generated'), timeCell(dateOf(createdAt))),
    ...(isLeaving ? [fact(t('Valid until'), timeCell(retires))] : []),
  ]
}

function clientFacts(t: ConsoleTranslate, { client }: Finding): Fact[] {
  if (client === null) return []
  const clientId = fact(t('Client ID'), idCell(client.clientId, t('client ID')))
  // A deleted client has neither a name nor a page.
  return client.status === 'deleted'
    ? [clientId]
    : [fact(t('Client'), linkCell(clientName(t, client), clientPath(client))), clientId]
}

/** Whose it is. Only operators have pages of accounts. */
function ownerFacts(t: ConsoleTranslate, { user, account, kind }: Finding, isOperator: boolean): Fact[] {
  return [
    ...(user === null
      ? []
      : [fact(kind === 'user' ? t('User') : t('Owner'), linkCell(user.email, `/users/${user.id}`))]),
    ...(account === null || !isOperator ? [] : [fact(t('Account'), linkCell(account.name, `/accounts/${account.id}`))]),
  ]
}

/** What is known about a finding: when and by whom it was stopped, whose it is, and what it is good for. */
export const findingFacts = (t: ConsoleTranslate, finding: Finding, isOperator: boolean): Fact[] => [
  ...(finding.reason === null ? [] : [fact(t('Reason'), idCell(finding.reason, t('reason code')))]),
  ...eventFacts(t, finding),
  ...clientFacts(t, finding),
  ...ownerFacts(t, finding, isOperator),
  ...secretFacts(t, finding),
  ...tokenFacts(t, finding),
]
