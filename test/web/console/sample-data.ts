import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { toConsoleEnglish } from '../../../src/languages/console/console-translator.ts'
import { createAssets } from '../../../src/web/assets.ts'
import { createBrand } from '../../../src/web/brand.ts'
import { durationField, rateField } from '../../../src/web/console/kit/amount-fields.ts'
import { blocksPage } from '../../../src/web/console/kit/blocks.ts'
import {
  actionsCell,
  badgeCell,
  fact,
  idCell,
  linesCell,
  linkCell,
  numberCell,
  quietCell,
  textCell,
  timeCell,
} from '../../../src/web/console/kit/cells.ts'
import { checkboxesField, checkboxField, radioField, selectField } from '../../../src/web/console/kit/choice-fields.ts'
import { type ConsolePage, inConsole } from '../../../src/web/console/kit/console-page.ts'
import { compareVersions, formView } from '../../../src/web/console/kit/form-view.ts'
import { type ListOptions, listPage, listView } from '../../../src/web/console/kit/list-page.ts'
import { confirmPage, secretPage } from '../../../src/web/console/kit/panels.ts'
import { plotView } from '../../../src/web/console/kit/plot.ts'
import {
  areaField,
  colourField,
  emailField,
  fileField,
  linesField,
  numberField,
  textField,
  urlField,
} from '../../../src/web/console/kit/text-fields.ts'
import { messagePage } from '../../../src/web/messages.ts'
import { createRenderer } from '../../../src/web/renderer.ts'
import type { WebUser } from '../../../src/web/sign-in-directory.ts'

/** As long as names get, without a place to break. */
export const LONG = `${'Aeroplane'.repeat(11)}s`

/** One field of each kind. */
export const FIELDS = {
  name: textField({ label: 'Name', hint: 'Shown to users on the allow/deny screen.', required: true }),
  contact: emailField({ label: 'Contact', required: true }),
  homepage: urlField({ label: 'Home page', placeholder: 'https://' }),
  redirectUris: linesField({
    label: 'Redirect URIs',
    hint: 'Enter one URI per line, exactly as the application sends it.',
  }),
  note: areaField({ label: 'Note', hint: 'Visible to your account only.' }),
  parallel: numberField({ label: 'Concurrent connections', unit: 'connections' }),
  kind: selectField({
    label: 'Kind',
    choices: [
      { value: 'web', label: 'Web application' },
      { value: 'native', label: 'Desktop or mobile application' },
    ],
  }),
  consent: radioField({
    label: 'Allow/deny screen',
    required: true,
    choices: [
      { value: 'show', label: 'Show it', hint: 'All users are asked before the application gets access.' },
      {
        value: 'skip_own_account',
        label: 'Skip it for users of the same account',
        hint: 'Users of your own account are not asked.',
      },
    ],
  }),
  grants: checkboxesField({
    label: 'Grant types',
    required: true,
    choices: [
      { value: 'authorization_code', label: 'Authorization code', hint: 'Users sign in and allow access.' },
      { value: 'client_credentials', label: 'Client credentials', hint: 'No user is needed.' },
    ],
  }),
  pkceRequired: checkboxField({ label: 'Require PKCE', hint: 'Disable this only for legacy clients.' }),
  accessTokenTtl: durationField({
    label: 'Access token lifetime',
    placeholder: 'from the API',
    hint: 'At most 30 days.',
  }),
  rateLimit: rateField({ label: 'Rate limit', placeholder: 'no limit' }),
  accent: colourField({ label: 'Accent colour' }),
  logo: fileField({ label: 'Logo', hint: 'PNG, JPEG, WebP or SVG, at most 256 KiB.', accept: 'image/png' }),
}

const TYPED = new Map([
  ['name', 'Calendar Sync'],
  ['contact', 'ada@example.com'],
  ['redirectUris', `https://sync.example.com/callback\nhttps://${LONG}.example.com/${LONG}`],
  ['kind', 'native'],
  ['consent', 'show'],
  ['grants.authorization_code', 'on'],
  ['accessTokenTtl', '10'],
  ['accessTokenTtl.unit', 'hours'],
  ['accent', '#1f5fbf'],
])

const SECTIONS = [
  { fields: ['name', 'contact', 'homepage', 'redirectUris', 'note', 'parallel', 'kind', 'consent', 'grants'] },
  { heading: 'Tokens', lead: 'Empty fields use the values of the API.', fields: ['accessTokenTtl', 'rateLimit'] },
  { heading: 'Legacy compatibility', collapsed: true, fields: ['pkceRequired', 'accent', 'logo'] },
] as const

const FORM = { fields: FIELDS, action: '/form', submit: 'Save', cancel: '/list', sections: SECTIONS }

const FIELD_ERRORS = [
  { field: 'name', message: 'this field is required' },
  ...Object.keys(FIELDS)
    .slice(1)
    .map((field) => ({ field, message: `this is refused, and the reason is a sentence: ${LONG.slice(0, 40)}` })),
  { field: 'redirectUris.1', message: 'the second address must be https' },
  { field: '', message: 'there are too many applications' },
]

const COLUMNS = [
  { heading: 'Application', sort: 'name' },
  { heading: 'Client ID' },
  { heading: 'Status' },
  { heading: 'Active tokens', numeric: true },
  { heading: 'Redirect URIs', wideOnly: true },
  { heading: 'Last used', sort: '-used' },
  { heading: 'Actions', hiddenHeading: true },
]

const row = (n: number, name: string) => [
  linkCell(name, `/applications/kwc_${n}`, 'Analytical Engines'),
  idCell(`kwc_4Vx${n}hQ0pZt7mLw2RkN8sYb3`, 'client ID'),
  n % 3 === 0 ? badgeCell('neutral', 'Archived') : badgeCell('success', 'Active'),
  numberCell(1234 * n),
  linesCell(n % 2 ? ['https://sync.example.com/callback'] : []),
  timeCell(n % 4 ? new Date(Date.now() - n * 5_000_000) : null),
  actionsCell({ label: 'Archive', href: `/applications/kwc_${n}/archive`, of: name }),
]

const NO_PAGE = { next: null, previous: null, first: null, total: null }

const LIST: ListOptions = {
  caption: 'Applications',
  columns: COLUMNS,
  rows: [
    row(1, 'Calendar Sync'),
    row(2, LONG),
    ...[3, 4, 5, 6].map((n) => row(n, `Nightly export no ${n} of the warehouse in Rotterdam`)),
  ],
  empty: {
    title: 'No application yet',
    text: 'Add the first one: a program that signs people in, or that works by itself.',
    action: { href: '/applications/new', label: 'Add application', primary: true },
  },
  page: { next: 'WzFd', previous: 'WzBd', first: 51, total: { count: 10_000, isMore: true } },
  sort: 'name',
  search: {
    path: '/applications',
    query: new Map([['after', 'x']]),
    placeholder: 'Name or client ID',
    filters: [
      {
        name: 'status',
        label: 'Status',
        choices: [
          { value: '', label: 'Any status' },
          { value: 'active', label: 'Active' },
          { value: 'archived', label: 'Archived' },
        ],
      },
    ],
    dates: [
      { name: 'from', label: 'From' },
      { name: 'to', label: 'To' },
    ],
  },
}

const HEAD = {
  title: 'Applications',
  lead: 'Programs that use the API in the name of your enterprise, or of the people who allow it.',
  actions: [{ href: '/applications/new', label: 'Add application', primary: true }],
}
const BREADCRUMBS = [
  { href: '/applications', label: 'Applications' },
  { href: '/applications/kwc_1', label: 'Calendar Sync' },
]

const FACTS = [
  fact('Client ID', idCell('kwc_4VxhQ0pZt7mLw2RkN8sYb3', 'client ID')),
  fact('Secret', textCell('ends in 8sYb')),
  fact('Last used', timeCell(new Date(Date.now() - 7_400_000), 'never', 'from 203.0.113.7, for api.example.com')),
  fact('Created', timeCell(new Date(Date.now() - 86_400_000 * 40), 'never', `by ${LONG}`)),
  fact('Redirect URIs', linesCell(['https://sync.example.com/callback', `https://${LONG}.example.com/`])),
  fact('Rate limit', quietCell('none')),
]

const HOURS = Array.from({ length: 48 }, (_, n) => `${n % 24}:00`)
const wave = (n: number) => Math.round(900 + 800 * Math.sin(n / 5))
const SERIES = [
  { label: 'issued', tone: 'plain', counts: HOURS.map((_, n) => wave(n)) },
  { label: 'refused', tone: 'error', counts: HOURS.map((_, n) => (n % 7 === 0 ? 90 : 0)) },
] as const

const CURL = `curl https://login.example.com/oauth2/token/ \\
  -d grant_type=client_credentials \\
  -d client_id=kwc_4VxhQ0pZt7mLw2RkN8sYb3 \\
  -d client_secret=kws_9fQm2T7yPz8LkX3vB6nR1cW4sD5gH0jA_${LONG}`

export const PAGES: Readonly<Record<string, ConsolePage>> = {
  list: listPage(HEAD, LIST),
  'list-empty': listPage(HEAD, { ...LIST, rows: [], page: NO_PAGE, search: { ...LIST.search!, query: new Map() } }),
  'list-nothing-found': listPage(HEAD, {
    ...LIST,
    rows: [],
    page: NO_PAGE,
    search: { ...LIST.search!, query: new Map([['search', LONG]]) },
  }),
  form: {
    view: 'console/edit',
    title: 'Add application',
    breadcrumbs: BREADCRUMBS.slice(0, 1),
    data: { form: formView({ ...FORM, typed: TYPED }) },
  },
  'form-errors': {
    view: 'console/edit',
    title: 'Add application',
    status: 400,
    data: { form: formView({ ...FORM, typed: new Map([...TYPED, ['name', '']]), fieldErrors: FIELD_ERRORS }) },
  },
  'form-stale': {
    view: 'console/edit',
    title: `Edit ${LONG}`,
    status: 412,
    breadcrumbs: BREADCRUMBS,
    data: {
      versions: compareVersions(
        toConsoleEnglish(),
        FIELDS,
        TYPED,
        new Map([...TYPED, ['name', LONG], ['redirectUris', 'https://other.example/']]),
      ),
      present: '/form',
      form: formView({ ...FORM, typed: TYPED, revision: 7 }),
    },
  },
  confirm: confirmPage({
    title: 'Archive Calendar Sync?',
    breadcrumbs: BREADCRUMBS,
    stops: ['End its 1,234 active tokens at once.', 'Refuse its secret and every code and refresh token of it.'],
    facts: FACTS.slice(0, 3),
    action: '/confirm',
    submit: 'Archive',
    keep: { href: '/list', label: 'Keep' },
  }),
  'confirm-choice': confirmPage({
    title: 'Generate a new client secret?',
    stops: ['Replace the present secret.'],
    action: '/confirm',
    submit: 'Generate key',
    keep: { href: '/list', label: 'Keep' },
    form: formView({
      fields: {
        overlap: radioField({
          label: 'Current client secret',
          choices: [
            { value: 'now', label: 'Revoke now', hint: 'Clients that use it stop working.' },
            { value: 'day', label: 'Ends in a day', hint: 'Time to put the new one everywhere.' },
          ],
        }),
      },
      typed: new Map([['overlap', 'day']]),
      action: '/confirm',
      submit: 'Generate key',
      cancel: '/list',
    }),
  }),
  secret: secretPage({
    title: 'Your new API keys',
    values: [
      { label: 'Client ID', value: 'kwc_4VxhQ0pZt7mLw2RkN8sYb3' },
      { label: 'Client secret', value: 'kws_9fQm2T7yPz8LkX3vB6nR1cW4sD5gH0jAkL2mN3bV4cX5z' },
    ],
    commands: [{ label: 'Get a token', value: CURL }],
    stopped: 'Your previous keys and 3 active tokens are revoked.',
    done: { href: '/list', label: 'I have copied the secret' },
  }),
  blocks: {
    ...blocksPage(
      {
        title: LONG,
        badge: { tone: 'warning', text: 'Key expires soon' },
        breadcrumbs: BREADCRUMBS,
        warning: 'The API is switched off for this instance. Nothing is issued until it is on again.',
        lead: 'Everything about one application.',
        notices: { saved: 'Application saved.' },
        actions: [
          { href: '/edit', label: 'Edit' },
          { href: '/key', label: 'Generate key', primary: true },
        ],
        tabs: ['Overview', 'Active tokens', 'Grants', 'Try it', 'Activity'].map((label, n) => ({
          href: `?${n}`,
          label,
          current: n === 0,
        })),
      },
      [
        {
          part: 'figures',
          figures: [
            { name: 'Active tokens', text: '12,345', detail: 'in 3 applications', href: '/list' },
            { name: 'Issued today', text: '98' },
            { name: 'Refused today', text: '0' },
          ],
        },
        { part: 'facts', heading: 'Key pair', facts: FACTS, actions: [{ href: '/key', label: 'Generate new keys' }] },
        {
          part: 'plot',
          plot: plotView(toConsoleEnglish(), 'hours', {
            title: 'Tokens, the last two days',
            unit: 'Hour',
            points: HOURS,
            zone: 'UTC',
            series: SERIES,
          }),
        },
        {
          part: 'plot',
          plot: plotView(toConsoleEnglish(), 'line', {
            title: 'Active tokens',
            unit: 'Hour',
            points: HOURS,
            zone: 'UTC',
            series: SERIES,
            kind: 'lines',
          }),
        },
        {
          part: 'plot',
          plot: plotView(toConsoleEnglish(), 'none', {
            title: 'Refused',
            unit: 'Hour',
            points: HOURS,
            zone: 'UTC',
            series: [{ ...SERIES[0], counts: [] }],
          }),
        },
        { part: 'command', heading: 'Try it', label: 'Get a token', value: CURL },
        {
          part: 'list',
          heading: 'Active tokens',
          lead: 'The newest first.',
          list: listView({ ...LIST, search: undefined }),
        },
        { part: 'empty', title: 'No grants', text: 'Nobody has allowed this application yet.' },
      ],
    ),
  },
  message: messagePage({
    title: 'Conflict',
    status: 409,
    paragraphs: ['The application is archived. Restore it first.'],
    requestId: 'request-1',
    actions: [{ label: 'Go to the home page', href: '/' }],
  }),
}

const WHO: WebUser = {
  id: 'ada',
  emailVerified: true,
  email: `${LONG.slice(0, 60)}@example.com`,
  name: LONG,
  language: null,
  role: 'admin',
  accountId: 'engines',
  accountName: LONG,
  hasOpenLeak: true,
  hasFailedWebhook: true,
  sessionsValidFrom: new Date(0),
}

/** Every part of the console, drawn as the server draws it, at `/<name of the page>`; `?role=` says for whom. */
export async function openSamplePages() {
  const brand = createBrand(async () => ({
    name: 'Keywright',
    accent: '#1f5fbf',
    font: 'system',
    signInText: null,
    signInUrl: null,
    logo: null,
  }))
  const assets = createAssets(brand)
  const show = createRenderer(brand, assets)
  const app = new Koa()
  app.use(async (ctx) => {
    const [, first, version, name] = ctx.path.split('/')
    if (first === 'assets') return assets.serve(ctx, version!, name!)
    ctx.state.user = { ...WHO, role: ctx.query.role ?? 'admin' }
    const page = PAGES[first!]
    if (page)
      show(ctx, { ...inConsole(page, ctx.query.notice), ...(first === 'message' && { view: 'console/message' }) })
  })
  const http = createServer(app.callback()).listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    origin: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => http.close(resolve).closeAllConnections()),
  }
}
