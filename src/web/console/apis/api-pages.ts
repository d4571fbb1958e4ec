import { API_ATTRIBUTES } from '../../../apis/api-attributes.ts'
import { toConsoleEnglish } from '../../../languages/console/console-translator.ts'
import { type ApiDetails, type ApiView, inspectApi, listApis } from '../../../management/api-operations.ts'
import { attributesWhere } from '../../../shared/attributes.ts'
import { notFound } from '../../../shared/errors.ts'
import { attributeFacts, valueText } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { badgeCell, type Cell, type Fact, fact, idCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { Badge, ConsolePage, PageAction } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { type Column, listPage, listView } from '../kit/list-page.ts'
import { pageIn, sortIn } from '../kit/query-fields.ts'

export const APIS = { href: '/apis', label: 'APIs' }

export const pathOf = ({ api }: ApiView): string => `/apis/${api.id}`

/** @throws KeywrightError `not_found` */
export async function apiOf(call: ConsoleCall): Promise<ApiDetails> {
  return await inspectApi(call.management, call.who, { id: apiIdOf(call) })
}

/** @throws KeywrightError `not_found` */
export function apiIdOf({ params: { apiId = '' } }: ConsoleCall): number {
  if (!/^\d{1,9}$/.test(apiId)) throw notFound('API', apiId.slice(0, 100))
  return Number(apiId)
}

const badgeOf = ({ builtIn, isDefault }: ApiView['api']): Badge | undefined => {
  if (builtIn) return { tone: 'neutral', text: 'Built in' }
  return isDefault ? { tone: 'success', text: 'Default' } : undefined
}

const COLUMNS: readonly Column[] = [
  { heading: 'API', sort: 'identifier' },
  { heading: 'Status' },
  { heading: API_ATTRIBUTES.tokenTtl.label },
  { heading: API_ATTRIBUTES.policy.label },
  { heading: API_ATTRIBUTES.signingAlg.label, wideOnly: true },
  { heading: 'Added', sort: 'added', wideOnly: true },
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
    textCell(valueText(toConsoleEnglish(), API_ATTRIBUTES.tokenTtl, api.tokenTtl)),
    textCell(valueText(toConsoleEnglish(), API_ATTRIBUTES.policy, api.policy)),
    textCell(valueText(toConsoleEnglish(), API_ATTRIBUTES.signingAlg, api.signingAlg)),
    timeCell(api.createdAt),
  ]
}

const EMPTY = {
  title: 'No APIs yet',
  text: 'An API is a resource server: an identifier, scopes and a token lifetime.',
  action: { href: '/apis/new', label: 'Add API', primary: true },
}

async function showList({ management, who, query, show }: ConsoleCall): Promise<void> {
  const sort = sortIn(query, ['identifier', 'added'], 'added')
  const { items, ...part } = await listApis(management, who, { search: query.get('search'), sort, ...pageIn(query) })
  const page = {
    title: 'APIs',
    lead: 'Resource servers that accept access tokens. Applications and key pairs are allowed to call selected APIs.',
    actions: [{ href: '/apis/new', label: 'Add API', primary: true }],
    notices: { deleted: 'API deleted.' },
  }
  const search = { path: '/apis', query, placeholder: 'Identifier or scope' }
  const list = { caption: 'APIs', columns: COLUMNS, rows: items.map(rowOf), empty: EMPTY, search, sort, page: part }
  show(listPage(page, list))
}

/** The title, a badge and a list of their own show the others. */
const SHOWN_ELSEWHERE: readonly unknown[] = [API_ATTRIBUTES.identifier, API_ATTRIBUTES.scopes, API_ATTRIBUTES.isDefault]

const SHOWN_AS_FACTS = attributesWhere(API_ATTRIBUTES, (one) => !SHOWN_ELSEWHERE.includes(one))

/** The beginning of the page of an API. */
export const apiFacts = (view: ApiDetails): Fact[] => [
  fact(API_ATTRIBUTES.identifier.label, idCell(view.api.identifier, 'identifier')),
  fact('Clients', textCell(countedUpTo(toConsoleEnglish(), view.callers, 'client'), 'applications and key pairs')),
  ...attributeFacts(toConsoleEnglish(), SHOWN_AS_FACTS, { ...view.api }),
  fact('Added', timeCell(view.api.createdAt)),
]

const scopesOf = ({ scopes }: ApiDetails): Block => ({
  part: 'list',
  heading: API_ATTRIBUTES.scopes.label,
  list: listView({
    caption: API_ATTRIBUTES.scopes.label,
    columns: [{ heading: 'Title and description' }, { heading: 'Scope' }],
    rows: scopes.map(({ scope, title, description }) => [
      textCell(title, description || undefined),
      idCell(scope, 'scope'),
    ]),
    empty: { title: 'No scopes', text: 'Add a scope so that clients can request it.' },
  }),
})

function credentialsOf(view: ApiDetails): Block {
  if (view.clientId === null) {
    return {
      part: 'empty',
      title: 'Keywright management API',
      text: 'Programs manage this instance with it. Its scopes are built in, and it needs no credentials for introspection.',
      action: { href: '/api/v1/docs', label: 'API documentation' },
    }
  }
  const secrets = view.secrets.flatMap(({ lastFour, createdAt, isCurrent, retiresAt, lastUsedAt, lastUsedIp }) => [
    fact(
      `${isCurrent ? 'Client secret' : 'Previous client secret'}, ends in ${lastFour}`,
      timeCell(new Date(createdAt), '', retiresAt ? `valid until ${new Date(retiresAt).toUTCString()}` : undefined),
    ),
    fact('Last used', timeCell(lastUsedAt ? new Date(lastUsedAt) : null, 'never', lastUsedIp ?? undefined)),
  ])
  return {
    part: 'facts',
    heading: 'Introspection credentials',
    lead: 'The API uses these credentials for token introspection.',
    actions: [{ href: `${pathOf(view)}/secrets`, label: 'Rotate secret' }],
    facts: [fact('Client ID', idCell(view.clientId, 'client ID')), ...secrets],
  }
}

/** Those that can never be deleted have no such action. */
function actionsOf(view: ApiDetails): PageAction[] {
  const edit = { href: `${pathOf(view)}/edit`, label: 'Edit', primary: true }
  if (view.api.builtIn || view.api.isDefault) return [edit]
  return [{ href: `${pathOf(view)}/delete`, label: 'Delete' }, edit]
}

async function showApi(call: ConsoleCall): Promise<void> {
  const view = await apiOf(call)
  const page: Omit<ConsolePage, 'view' | 'data'> = {
    title: view.api.identifier,
    badge: badgeOf(view.api),
    breadcrumbs: [APIS],
    actions: actionsOf(view),
    notices: { saved: 'API saved. Changes apply to new tokens.' },
  }
  call.show(blocksPage(page, [{ part: 'facts', facts: apiFacts(view) }, scopesOf(view), credentialsOf(view)]))
}

/** An operator's: what others need to know of APIs is in the forms that let them choose. */
export const API_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/apis', permission: inspectApi.permission, handle: showList },
  { method: 'get', path: '/apis/:apiId', permission: inspectApi.permission, handle: showApi },
]
