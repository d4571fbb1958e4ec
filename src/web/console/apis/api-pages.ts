import { type ApiDetails, type ApiView, inspectApi, listApis } from '../../../management/api-operations.ts'
import { notFound } from '../../../shared/errors.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { badgeCell, type Cell, fact, idCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { Badge, ConsolePage } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { durationInWords } from '../kit/duration-text.ts'
import { type Column, listPage, listView } from '../kit/list-page.ts'
import { pageIn, sortIn } from '../kit/query-fields.ts'
import { POLICIES } from './api-fields.ts'

export const APIS = { href: '/apis', label: 'APIs' }

export const pathOf = ({ api }: ApiView): string => `/apis/${api.id}`

/** @throws KeywrightError `not_found` */
export async function apiOf({ management, who, params }: ConsoleCall): Promise<ApiDetails> {
  const { apiId = '' } = params
  if (!/^\d{1,9}$/.test(apiId)) throw notFound('API', apiId.slice(0, 100))
  return await inspectApi(management, who, { id: Number(apiId) })
}

const badgeOf = ({ builtIn, isDefault }: ApiView['api']): Badge | undefined => {
  if (builtIn) return { tone: 'neutral', text: 'Built in' }
  return isDefault ? { tone: 'success', text: 'Default' } : undefined
}

const COLUMNS: readonly Column[] = [
  { heading: 'API and its scopes', sort: 'identifier' },
  { heading: 'Standing' },
  { heading: 'Tokens live for' },
  { heading: 'At a time' },
  { heading: 'Signed with', spare: true },
  { heading: 'Declared', sort: 'added', spare: true },
]

const SHOWN_SCOPES = 4

function scopesInWords({ scopes }: ApiView): string {
  const names = scopes.map(({ scope }) => scope)
  const more = names.length - SHOWN_SCOPES
  return more > 0 ? `${names.slice(0, SHOWN_SCOPES).join(', ')} and ${more} more` : names.join(', ')
}

function rowOf(view: ApiView): readonly Cell[] {
  const { api } = view
  const badge = badgeOf(api)
  return [
    linkCell(api.identifier, pathOf(view), scopesInWords(view)),
    badge ? badgeCell(badge.tone, badge.text) : quietCell('–'),
    textCell(durationInWords(api.tokenTtl)),
    textCell(api.policy === 'single' ? 'one token' : 'any'),
    textCell(api.signingAlg),
    timeCell(api.createdAt),
  ]
}

const EMPTY = {
  title: 'No API yet',
  text: 'An API is what tokens are for: its address, what they can allow there, and for how long.',
  action: { href: '/apis/new', label: 'Declare an API', primary: true },
}

async function showList({ management, who, query, show }: ConsoleCall): Promise<void> {
  const sort = sortIn(query, ['identifier', 'added'], 'added')
  const { items, ...part } = await listApis(management, who, { search: query.get('search'), sort, ...pageIn(query) })
  const page = {
    title: 'APIs',
    lead: 'What tokens are for. Applications and key pairs are given the APIs that they may call.',
    actions: [{ href: '/apis/new', label: 'Declare an API', primary: true }],
  }
  const search = { path: '/apis', query, placeholder: 'Identifier or scope' }
  const list = { caption: 'APIs', columns: COLUMNS, rows: items.map(rowOf), empty: EMPTY, search, sort, page: part }
  show(listPage(page, list))
}

const factsOf = (view: ApiDetails): Block => ({
  part: 'facts',
  facts: [
    fact('Identifier (audience)', idCell(view.api.identifier, 'identifier')),
    fact('May be called by', textCell(countedUpTo(view.callers, 'client'), 'applications and key pairs')),
    fact('A token lives for', textCell(durationInWords(view.api.tokenTtl))),
    fact('When a new token is issued', textCell(POLICIES[view.api.policy])),
    fact('Tokens are signed with', textCell(view.api.signingAlg)),
    fact('Token type', textCell(view.api.tokenType)),
    fact('Declared', timeCell(view.api.createdAt)),
  ],
})

const scopesOf = ({ scopes }: ApiDetails): Block => ({
  part: 'list',
  heading: 'What it allows',
  list: listView({
    caption: 'Scopes',
    columns: [{ heading: 'What people read' }, { heading: 'Scope' }],
    rows: scopes.map(({ scope, title, description }) => [
      textCell(title, description || undefined),
      idCell(scope, 'scope'),
    ]),
    empty: { title: 'No scopes', text: 'It allows nothing yet.' },
  }),
})

function credentialsOf(view: ApiDetails): Block {
  if (view.clientId === null) {
    return {
      part: 'empty',
      title: 'Keywright’s own API',
      text: 'Programs manage this instance by it. Its scopes come with this version, and nobody asks about its tokens but Keywright.',
      action: { href: '/api/v1/docs', label: 'API documentation' },
    }
  }
  const secrets = view.secrets.flatMap(({ lastFour, createdAt, retiresAt, lastUsedAt, lastUsedIp }) => [
    fact(
      retiresAt ? `Former secret, ends in ${lastFour}` : `Secret, ends in ${lastFour}`,
      timeCell(new Date(createdAt), '', retiresAt ? `works until ${new Date(retiresAt).toUTCString()}` : undefined),
    ),
    fact('Last used', timeCell(lastUsedAt ? new Date(lastUsedAt) : null, 'never', lastUsedIp ?? undefined)),
  ])
  return {
    part: 'facts',
    heading: 'Its own credentials',
    lead: 'With these the API asks whether a token that it was sent is still good.',
    actions: [{ href: `${pathOf(view)}/secret`, label: 'New secret' }],
    facts: [fact('Client id', idCell(view.clientId, 'client id')), ...secrets],
  }
}

async function showApi(call: ConsoleCall): Promise<void> {
  const view = await apiOf(call)
  const page: Omit<ConsolePage, 'view' | 'data'> = {
    title: view.api.identifier,
    badge: badgeOf(view.api),
    crumbs: [APIS],
    actions: [{ href: `${pathOf(view)}/edit`, label: 'Edit', primary: true }],
    notices: { saved: 'The API is saved. New tokens follow it from now on.' },
  }
  call.show(blocksPage(page, [factsOf(view), scopesOf(view), credentialsOf(view)]))
}

/** An operator's: what others need to know of APIs is in the forms that let them choose. */
export const API_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/apis', permission: inspectApi.permission, handle: showList },
  { method: 'get', path: '/apis/:apiId', permission: inspectApi.permission, handle: showApi },
]
