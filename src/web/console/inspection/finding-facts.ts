import type { Finding } from '../../../inspection/findings.ts'
import { applicationPath, keyPairPath } from '../applications/application-list-page.ts'
import { type Cell, type Fact, fact, idCell, linesCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import { eventText } from './finding-texts.ts'

type Client = NonNullable<Finding['client']>

/** The page of a client. */
export function clientPath({ kind, clientId, apiId }: Client): string {
  if (kind === 'api') return `/apis/${apiId}`
  return kind === 'key_pair' ? keyPairPath(clientId) : applicationPath(clientId)
}

const dateOf = (iso: string | null): Date | null => (iso === null ? null : new Date(iso))

const ACTORS: Readonly<Record<string, string>> = {
  system: 'Keywright',
  cli: 'A command-line user',
  user: 'A user outside the account',
  client: 'A client outside the account',
}

/** Users have a page; a label is absent when the viewer may not know who it was. */
function actorCell({ type, id, label }: NonNullable<Finding['by']>): Cell {
  if (type === 'user' && id !== null && label !== null) return linkCell(label, `/users/${id}`)
  return textCell(label ?? ACTORS[type] ?? type, label === null ? undefined : (id ?? undefined))
}

/** When, by whom and by what it was stopped. */
function eventFacts(finding: Finding): Fact[] {
  const { since, by, replacedBy } = finding
  const event = eventText(finding)
  if (event === undefined) return []
  return [
    ...(since === null ? [] : [fact(event, timeCell(dateOf(since)))]),
    ...(by === null ? [] : [fact(`${event} by`, actorCell(by))]),
    ...(replacedBy === null ? [] : [fact('Replaced with', linkCell(replacedBy, keyPairPath(replacedBy)))]),
  ]
}

function tokenFacts({ api, token }: Finding): Fact[] {
  const audience = api === null ? [] : [fact('API', textCell(api))]
  if (token === null) return audience
  const expires = dateOf(token.expiresAt)!
  return [
    ...audience,
    fact('Scopes', linesCell(token.scope.split(' ').filter(Boolean))),
    fact('Acts for', token.userId === null ? quietCell('itself') : idCell(token.userId, 'user ID')),
    fact('Issued', timeCell(dateOf(token.issuedAt))),
    fact(expires.getTime() > Date.now() ? 'Expires' : 'Expired', timeCell(expires)),
    fact('Token ID (jti)', idCell(token.jti, 'token ID')),
  ]
}

function secretFacts({ secret }: Finding): Fact[] {
  if (secret === null) return []
  const { createdAt, retiresAt } = secret
  const retires = dateOf(retiresAt)
  const isLeaving = retires !== null && retires.getTime() > Date.now()
  return [
    fact('Generated', timeCell(dateOf(createdAt))),
    ...(isLeaving ? [fact('Valid until', timeCell(retires))] : []),
  ]
}

function clientFacts({ client }: Finding): Fact[] {
  if (client === null) return []
  const clientId = fact('Client ID', idCell(client.clientId, 'client ID'))
  // A deleted client has neither a name nor a page.
  return client.status === 'deleted'
    ? [clientId]
    : [fact('Client', linkCell(client.name, clientPath(client))), clientId]
}

/** Whose it is. Only operators have pages of accounts. */
function ownerFacts({ user, account, kind }: Finding, isOperator: boolean): Fact[] {
  return [
    ...(user === null ? [] : [fact(kind === 'user' ? 'User' : 'Owner', linkCell(user.email, `/users/${user.id}`))]),
    ...(account === null || !isOperator ? [] : [fact('Account', linkCell(account.name, `/accounts/${account.id}`))]),
  ]
}

/** What is known about a finding: when and by whom it was stopped, whose it is, and what it is good for. */
export const findingFacts = (finding: Finding, isOperator: boolean): Fact[] => [
  ...(finding.reason === null ? [] : [fact('Reason', idCell(finding.reason, 'reason code'))]),
  ...eventFacts(finding),
  ...clientFacts(finding),
  ...ownerFacts(finding, isOperator),
  ...secretFacts(finding),
  ...tokenFacts(finding),
]
