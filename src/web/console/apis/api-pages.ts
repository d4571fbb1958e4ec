import { API_ATTRIBUTES } from '../../../apis/api-attributes.ts'
import { CLIENT_ATTRIBUTES } from '../../../clients/client-attributes.ts'
import type { ConsoleTranslate } from '../../../languages/console/console-translator.ts'
import { type ApiDetails, type ApiView, inspectApi, listApis } from '../../../management/api-operations.ts'
import { attributesWhere } from '../../../shared/attributes.ts'
import { notFound } from '../../../shared/errors.ts'
import { attributeFacts, valueText } from '../kit/attribute-facts.ts'
import { type Block, blocksPage } from '../kit/blocks.ts'
import { badgeCell, type Cell, type Fact, fact, idCell, linkCell, quietCell, textCell, timeCell } from '../kit/cells.ts'
import type { Badge, ConsolePage, PageAction, PageLink } from '../kit/console-page.ts'
import type { ConsoleCall, ConsoleRoute } from '../kit/console-route.ts'
import { countedUpTo } from '../kit/counts.ts'
import { fetchFacts } from '../kit/fetch-facts.ts'
import { type Column, type Empty, listPage, listView } from '../kit/list-page.ts'
import { pageIn, sortIn } from '../kit/query-fields.ts'

export const apisLink = (t: ConsoleTranslate): PageLink => ({ href: '/apis', label: t('APIs') })

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

const badgeOf = (t: ConsoleTranslate, { builtIn, isDefault }: ApiView['api']): Badge | undefined => {
  if (builtIn) return { tone: 'neutral', text: t('Built in') }
  return isDefault ? { tone: 'success', text: t('Default') } : undefined
}

const columnsIn = (t: ConsoleTranslate): readonly Column[] => [
  { heading: t('API'), sort: 'identifier' },
  { heading: t('Status') },
  { heading: t.declared(API_ATTRIBUTES.tokenTtl.label) },
  { heading: t.declared(API_ATTRIBUTES.policy.label) },
  { heading: t.declared(API_ATTRIBUTES.signingAlg.label), wideOnly: true },
  { heading: t('Added'), sort: 'added', wideOnly: true },
]

const SHOWN_SCOPES = 4

function scopesInWords(t: ConsoleTranslate, { scopes }: ApiView): string {
  const names = scopes.map(({ scope }) => scope)
  const more = names.length - SHOWN_SCOPES
  if (more <= 0) return names.join(', ')
  return t('{scopes} and {count, number} more', { scopes: names.slice(0, SHOWN_SCOPES).join(', '), count: more })
}

function rowOf(t: ConsoleTranslate, view: ApiView): readonly Cell[] {
  const { api } = view
  const badge = badgeOf(t, api)
  return [
    linkCell(api.identifier, pathOf(view), scopesInWords(t, view)),
    badge ? badgeCell(badge.tone, badge.text) : quietCell('–'),
    textCell(valueText(t, API_ATTRIBUTES.tokenTtl, api.tokenTtl)),
    textCell(valueText(t, API_ATTRIBUTES.policy, api.policy)),
    textCell(valueText(t, API_ATTRIBUTES.signingAlg, api.signingAlg)),
    timeCell(api.createdAt),
  ]
}

const emptyIn = (t: ConsoleTranslate): Empty => ({
  title: t('No APIs yet'),
  text: t('An API is a resource server: an identifier, scopes and a token lifetime.'),
  action: { href: '/apis/new', label: t('Add API'), primary: true },
})

async function showList({ management, who, query, show, t }: ConsoleCall): Promise<void> {
  const sort = sortIn(query, ['identifier', 'added'], 'added')
  const { items, ...part } = await listApis(management, who, { search: query.get('search'), sort, ...pageIn(query) })
  const page = {
    title: t('APIs'),
    lead: t(
      'Resource servers that accept access tokens. Applications and key pairs are allowed to call selected APIs.',
    ),
    actions: [{ href: '/apis/new', label: t('Add API'), primary: true }],
    notices: { deleted: t('API deleted.') },
  }
  const search = { path: '/apis', query, placeholder: t('Identifier or scope') }
  const rows = items.map((view) => rowOf(t, view))
  const list = { caption: t('APIs'), columns: columnsIn(t), rows, empty: emptyIn(t), search, sort, page: part }
  show(listPage(page, list))
}

/** The title, a badge and a list of their own show the others. */
const SHOWN_ELSEWHERE: readonly unknown[] = [API_ATTRIBUTES.identifier, API_ATTRIBUTES.scopes, API_ATTRIBUTES.isDefault]

const SHOWN_AS_FACTS = attributesWhere(API_ATTRIBUTES, (one) => !SHOWN_ELSEWHERE.includes(one))

function clientsCell(t: ConsoleTranslate, { callers }: ApiDetails): Cell {
  return textCell(countedUpTo(t, callers, 'client'), t('applications and key pairs'))
}

/** The beginning of the page of an API. */
export const apiFacts = (t: ConsoleTranslate, view: ApiDetails): Fact[] => [
  fact(t.declared(API_ATTRIBUTES.identifier.label), idCell(view.api.identifier, t('identifier'))),
  fact(t('Clients'), clientsCell(t, view)),
  ...attributeFacts(t, SHOWN_AS_FACTS, { ...view.api }),
  fact(t('Added'), timeCell(view.api.createdAt)),
]

/** The texts of built-in scopes come with the version of Keywright. */
const translationOf = (t: ConsoleTranslate, view: ApiDetails): PageAction[] =>
  view.api.builtIn ? [] : [{ href: `${pathOf(view)}/languages`, label: t('Translate texts') }]

const scopesOf = (t: ConsoleTranslate, view: ApiDetails): Block => ({
  part: 'list',
  heading: t.declared(API_ATTRIBUTES.scopes.label),
  actions: translationOf(t, view),
  list: listView({
    caption: t.declared(API_ATTRIBUTES.scopes.label),
    columns: [{ heading: t('Title and description') }, { heading: t('Scope') }],
    rows: view.scopes.map(({ scope, title, description }) => [
      textCell(title, description || undefined),
      idCell(scope, t('scope')),
    ]),
    empty: { title: t('No scopes'), text: t('Add a scope so that clients can request it.') },
  }),
})

/** To the second. English has the form of HTTP. */
const validUntil = (t: ConsoleTranslate, at: Date): string => {
  const time =
    t.language.code === 'en' ? at.toUTCString() : `${t.date(at, { dateStyle: 'long', timeStyle: 'medium' })} UTC`
  return t('valid until {time}', { time })
}

const { authMethod, jwksUri } = CLIENT_ATTRIBUTES

const CREDENTIALS = {
  secret: ['Previous client secret, ends in {lastFour}', 'Client secret, ends in {lastFour}'],
  key: ['Previous public key, ends in {lastFour}', 'Public key, ends in {lastFour}'],
} as const

function credentialActions(t: ConsoleTranslate, view: ApiDetails): PageAction[] {
  const path = pathOf(view)
  if (view.authMethod !== 'private_key_jwt') return [{ href: `${path}/secrets`, label: t('Rotate secret') }]
  return [
    { href: `${path}/secrets`, label: t('Public keys') },
    ...(view.jwksUri === null ? [{ href: `${path}/keys/new`, label: t('Add keys') }] : []),
  ]
}

function credentialsOf(t: ConsoleTranslate, view: ApiDetails): Block {
  if (view.clientId === null) {
    return {
      part: 'empty',
      title: t('Keywright management API'),
      text: t(
        'Programs manage this instance with it. Its scopes are built in, and it needs no credentials for introspection.',
      ),
      action: { href: '/api/v1/docs', label: t('API documentation') },
    }
  }
  const secrets = view.secrets.flatMap(
    ({ kind, lastFour, createdAt, isCurrent, retiresAt, lastUsedAt, lastUsedIp }) => [
      fact(
        t(CREDENTIALS[kind === 'key' ? 'key' : 'secret'][isCurrent ? 1 : 0], { lastFour }),
        timeCell(new Date(createdAt), '', retiresAt ? validUntil(t, new Date(retiresAt)) : undefined),
      ),
      fact(t('Last used'), timeCell(lastUsedAt ? new Date(lastUsedAt) : null, t('never'), lastUsedIp ?? undefined)),
    ],
  )
  return {
    part: 'facts',
    heading: t('Introspection credentials'),
    lead: t('The API uses these credentials for token introspection.'),
    actions: credentialActions(t, view),
    facts: [
      fact(t('Client ID'), idCell(view.clientId, t('client ID'))),
      ...attributeFacts(t, view.jwksUri === null ? { authMethod } : { authMethod, jwksUri }, view),
      ...(view.keyFetch ? fetchFacts(t, view.keyFetch) : []),
      ...secrets,
    ],
  }
}

/** Those that can never be deleted have no such action. */
function actionsOf(t: ConsoleTranslate, view: ApiDetails): PageAction[] {
  const edit = { href: `${pathOf(view)}/edit`, label: t('Edit'), primary: true }
  if (view.api.builtIn || view.api.isDefault) return [edit]
  return [{ href: `${pathOf(view)}/delete`, label: t('Delete') }, edit]
}

async function showApi(call: ConsoleCall): Promise<void> {
  const { t } = call
  const view = await apiOf(call)
  const page: Omit<ConsolePage, 'view' | 'data'> = {
    title: view.api.identifier,
    badge: badgeOf(t, view.api),
    breadcrumbs: [apisLink(t)],
    actions: actionsOf(t, view),
    notices: {
      saved: t('API saved. Changes apply to new tokens.'),
      added: t('API added.'),
      keys_added: t('Public keys added.'),
      keys_replaced: t('Public keys replaced.'),
    },
  }
  call.show(blocksPage(page, [{ part: 'facts', facts: apiFacts(t, view) }, scopesOf(t, view), credentialsOf(t, view)]))
}

/** An operator's: what others need to know of APIs is in the forms that let them choose. */
export const API_PAGES: readonly ConsoleRoute[] = [
  { method: 'get', path: '/apis', permission: inspectApi.permission, handle: showList },
  { method: 'get', path: '/apis/:apiId', permission: inspectApi.permission, handle: showApi },
]
