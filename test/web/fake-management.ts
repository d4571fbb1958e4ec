import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import Koa, { type Context } from 'koa'
import type { EmailChangeLinks } from '../../src/accounts/email-changes.ts'
import type { PasswordLinks } from '../../src/accounts/password-links.ts'
import type { SignIn } from '../../src/accounts/sign-in.ts'
import type { UserSession } from '../../src/accounts/user-sessions.ts'
import type { ScopeText } from '../../src/apis/scope-texts.ts'
import type { ConnectedApplication } from '../../src/consents/connected-applications.ts'
import type { OwnIdentities } from '../../src/identity-providers/own-identities.ts'
import type { VerificationLinks } from '../../src/management/mailbox-proofs.ts'
import type { Management } from '../../src/management/operation.ts'
import { KeywrightError, RateLimitedError } from '../../src/shared/errors.ts'
import { imageOf } from '../../src/shared/images.ts'
import type { ConsoleRoute } from '../../src/web/console/kit/console-route.ts'
import { translateFor } from '../../src/web/page-language.ts'
import { createPages, type Pages } from '../../src/web/pages.ts'
import { saveCodesPage, secondFactorPage, setUpFactorPage } from '../../src/web/second-factor-pages.ts'
import type { SignInContext } from '../../src/web/sign-in-context.ts'
import type { Application, Directory, WebUser } from '../../src/web/sign-in-directory.ts'
import type { Interaction, SignInFlow } from '../../src/web/sign-in-flow.ts'
import { createWeb } from '../../src/web/web.ts'
import type { WebServices } from '../../src/web/web-services.ts'
import { CHOICES, createFakeFactors, OFFER, PASSKEY_OFFER, PASSKEY_REQUEST, RECOVERY_CODES } from './fake-factors.ts'

export const ADA: WebUser = {
  id: 'ada',
  email: 'ada@example.com',
  emailVerified: true,
  name: 'Ada Lovelace',
  language: null,
  role: 'member',
  accountId: 'engines',
  accountName: 'Analytical Engines',
  hasOpenLeak: false,
  hasFailedWebhook: false,
  sessionsValidFrom: new Date(0),
}
export const BOB: WebUser = {
  id: 'bob',
  email: 'bob@example.com',
  emailVerified: false,
  name: null,
  language: null,
  role: 'operator',
  accountId: null,
  accountName: null,
  hasOpenLeak: false,
  hasFailedWebhook: false,
  sessionsValidFrom: new Date(0),
}

export const PASSWORD = 'correct horse battery'
export const ONE_TIME = 'kwp_one-time'
export const OWN_IDENTITIES: OwnIdentities = {
  identities: [
    {
      id: '5e0d5a0c-4a44-4a0e-9f43-1f0e5b0c7f10',
      providerId: '0c0e2b8e-6f0b-4f0c-8f0e-2b0d5a0c4a44',
      providerName: 'Acme',
      providerAccountId: null,
      subject: 'ada',
      username: 'ada@acme.example',
      createdAt: new Date('2026-01-02T03:04:05Z'),
      lastUsedAt: null,
    },
  ],
  connectable: [{ id: '7f0e5b0c-7f10-4a0e-9f43-5e0d5a0c4a44', name: 'Initech' }],
}

/** Of a user with a second factor. */
export const WITH_FACTOR = 'correct horse with factor'
/** Of a user who must set one up. */
export const MUST_SET_UP = 'correct horse must set up'

/** A calendar with a script, which must not run. */
export const LOGO = imageOf(
  Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><script>parent.ran = 1</script><rect width="10" height="10" rx="2" fill="#c2185b"/><path d="M2 4h6M3 6h1M6 6h1" stroke="#fff"/></svg>',
  ),
)

export const SYNC: Application = {
  clientId: 'kwc_sync',
  name: 'Calendar Sync',
  accountName: 'Example Industries',
  pages: {
    clientUri: 'https://sync.example.com/',
    policyUri: 'https://sync.example.com/privacy',
    tosUri: 'https://sync.example.com/terms',
  },
  logo: `/logos/kwc_sync/${LOGO.etag}`,
  accent: null,
  isTrusted: false,
  isSelfRegistered: false,
  documentHost: null,
  isOnLoopback: false,
}

/** The id of the demo's application. */
export const DEMO = 'kwc_demo'

const API = 'https://api.example.com/'

export const LOGIN: Interaction = {
  uid: 'login1',
  prompt: 'login',
  clientId: SYNC.clientId,
  redirectUri: 'https://sync.example.com/callback',
  isForced: false,
  isReauthentication: false,
  demandsSecondFactor: false,
  wanted: { identityScopes: ['openid'], claims: [], apis: {} },
}

export const CONSENT: Interaction = {
  ...LOGIN,
  uid: 'consent1',
  prompt: 'consent',
  userId: ADA.id,
  wanted: {
    identityScopes: ['openid', 'profile', 'email', 'offline_access'],
    claims: [],
    apis: { [API]: ['calendar.read', 'calendar.write'] },
  },
}

/** A user of several accounts chooses one, and allows what is wanted. */
export const CHOICE: Interaction = {
  ...CONSENT,
  uid: 'choice1',
  accountChoice: {
    accounts: [
      { accountId: 'north', accountName: 'Example Industries', role: 'admin' },
      { accountId: 'south', accountName: 'Südwest-Großhandelsgesellschaft für Veranstaltungstechnik', role: 'viewer' },
    ],
    selected: 'south',
    isAlone: false,
  },
}

/** Only the account is asked for. */
export const CHOICE_ALONE: Interaction = {
  ...CHOICE,
  uid: 'choice2',
  accountChoice: { ...CHOICE.accountChoice!, isAlone: true },
}

const HOUR = 3_600_000

export const CONNECTION: ConnectedApplication = {
  clientId: SYNC.clientId,
  name: SYNC.name,
  accountName: 'Example Industries',
  actingFor: null,
  allowedAt: new Date(Date.now() - 50 * HOUR),
  lastUsedAt: new Date(Date.now() - 2 * HOUR),
  identityScopes: ['openid', 'profile', 'offline_access'],
  claims: ['zoneinfo'],
  apis: [{ identifier: API, scopes: ['calendar.read'] }],
}

/** Of a browser that is known, and of one that is not. */
const SESSIONS: readonly UserSession[] = [
  {
    id: 'session-1',
    browser: 'Firefox',
    system: 'Windows',
    address: '192.0.2.77',
    signedInAt: new Date(Date.now() - 90 * HOUR),
    lastUsedAt: new Date(Date.now() - 3 * HOUR),
  },
  {
    id: 'session-2',
    browser: null,
    system: 'Linux',
    address: null,
    signedInAt: new Date(Date.now() - 80 * HOUR),
    lastUsedAt: new Date(),
  },
  {
    id: 'session-3',
    browser: null,
    system: null,
    address: '192.0.2.78',
    signedInAt: new Date(Date.now() - 9 * HOUR),
    lastUsedAt: new Date(),
  },
]

/** What the fakes know; a test changes it. */
export interface World {
  people: WebUser[]
  applications: Application[]
  interactions: Interaction[]
  connections: ConnectedApplication[]
  texts: Record<string, ScopeText & { translations?: Record<string, ScopeText> }>
  brand: Awaited<ReturnType<Directory['instanceBrand']>>
  signedInAs?: string
  /** Where a finished interaction goes. */
  leadsTo: string
  /** The name of every call that changes something, with what it was about. */
  done: unknown[][]
}

export const createWorld = (): World => ({
  people: [ADA, BOB],
  applications: [SYNC],
  interactions: [LOGIN, CONSENT],
  connections: [CONNECTION],
  texts: {
    'calendar.read': { title: 'Read your calendar', description: 'All entries, also those marked private.' },
    'calendar.write': { title: 'Change your calendar', description: '' },
  },
  brand: { name: 'Keywright', accent: '#1f5fbf', font: 'system', signInText: null, signInUrl: null, logo: null },
  leadsTo: 'https://sync.example.com/callback?code=1',
  done: [],
})

function createFlow(world: World): SignInFlow {
  function end(ctx: Context, uid: string, ...what: unknown[]): void {
    world.interactions = world.interactions.filter((interaction) => interaction.uid !== uid)
    world.done.push(what)
    ctx.status = 303
    ctx.redirect(world.leadsTo)
  }
  return {
    async find(_, uid) {
      if (uid === 'too-often') throw new RateLimitedError(240)
      return world.interactions.find((interaction) => interaction.uid === uid)
    },
    finishLogin: async (ctx, uid, login) => end(ctx, uid, 'finishLogin', uid, login),
    allow: async (ctx, uid, chosen) => end(ctx, uid, 'allow', uid, ...(chosen === undefined ? [] : [chosen])),
    reject: async (ctx, uid, error) => end(ctx, uid, 'reject', uid, error),
    deny: async (ctx, uid) => end(ctx, uid, 'deny', uid),
    async signedIn() {
      const person = world.people.find(({ id }) => id === world.signedInAs)
      const session = {
        signedInAt: new Date(),
        amr: ['pwd'],
        identityId: null,
        lacksSecondFactor: false,
        sessionId: null,
      }
      return person && { ...person, ...session, isProven: true, hasOtherAccounts: false, isAccountFixed: false }
    },
    async signIn(_, login) {
      world.signedInAs = login.userId
      world.done.push(['signIn', login])
    },
    once: async () => true,
    consoleSessions: { open: async () => undefined, user: async () => undefined, end: async () => {} },
    async signOut() {
      world.signedInAs = undefined
      world.done.push(['signOut'])
    },
    endSession: async () => false,
    endOtherSessions: async () => false,
  }
}

export const WEAK = 'this password is one of the commonest; choose another'

/** No link works here. */
const passwordLinks: PasswordLinks = {
  open: async () => undefined,
  choosePassword: () => Promise.reject(new KeywrightError('conflict', 'this link was used, or has expired')),
}

/** The token of a link that works. */
export const LINK_TOKEN = 'kwl_0'

const verificationLinks: VerificationLinks = {
  open: async (token) => (token === LINK_TOKEN ? { email: ADA.email, userId: ADA.id, isEnough: true } : undefined),
  earlier: async () => undefined,
  prove: () => Promise.reject(new KeywrightError('conflict', 'this link was used, or has expired')),
  verify: () => Promise.reject(new KeywrightError('conflict', 'this link was used, or has expired')),
}

const joinTickets: WebServices['joinTickets'] = { issue: () => 'ticket-3', open: () => undefined }

const emailChangeLinks: EmailChangeLinks = {
  open: async (token) => (token === LINK_TOKEN ? { present: ADA.email, email: 'ada@example.org' } : undefined),
  confirm: () => Promise.reject(new KeywrightError('conflict', 'this link was used, or has expired')),
}

function createSignIn(world: World): SignIn {
  async function attempt({ email, password, browser }: Parameters<SignIn['attempt']>[0]) {
    world.done.push(['attempt', email, browser])
    if (email === 'slow@example.com') return { outcome: 'slow_down', retryAfter: 90 } as const
    const user = world.people.find((person) => person.email === email) as never
    if (!user) return { outcome: 'refused' } as const
    if (password === WITH_FACTOR)
      return { outcome: 'second_factor', user, ticket: 'ticket-2', choices: CHOICES } as const
    if (password === MUST_SET_UP) return { outcome: 'set_up_factor', user, ticket: 'ticket-2', browser: 'b1' } as const
    if (password === ONE_TIME) return { outcome: 'choose_password', user, ticket: 'ticket-1', browser: 'b1' } as const
    return password === PASSWORD
      ? ({ outcome: 'signed_in', user, amr: ['pwd'], browser: 'b1' } as const)
      : ({ outcome: 'refused' } as const)
  }
  return {
    attempt,
    async choosePassword(ticket, password) {
      if (ticket !== 'ticket-1') throw new KeywrightError('conflict', 'the ticket is over')
      if (password === 'password1234') throw new KeywrightError('invalid_input', WEAK)
      world.done.push(['choosePassword', password])
      return { outcome: 'signed_in', user: world.people[0] as never, amr: ['pwd'], browser: 'b1' }
    },
    async changePassword(userId, present, next) {
      if (next === 'password1234') throw new KeywrightError('invalid_input', WEAK)
      if (present === 'too often') return { retryAfter: 30 }
      if (present !== PASSWORD) return 'refused'
      world.done.push(['changePassword', userId, next])
      return 'changed'
    },
  } as SignIn
}

function createDirectory(world: World): Directory {
  return {
    selectableAccounts: async () => [],
    instanceBrand: async () => world.brand,
    user: async (id) => world.people.find((person) => person.id === id),
    application: async (id) => world.applications.find(({ clientId }) => clientId === id),
    logo: async (id, etag) => (id === SYNC.clientId && etag === LOGO.etag ? LOGO : undefined),
    demoScopesOf: async (id) => (id === DEMO ? ['calendar.read'] : undefined),
    async scopeTexts(wanted, language) {
      const pairs = Object.entries(wanted).flatMap(([api, scopes]) => scopes.map((scope) => ({ api, scope })))
      return pairs.map((pair) => {
        const { translations = {}, ...text } = world.texts[pair.scope] ?? { title: pair.scope, description: '' }
        return { ...pair, ...(translations[language] ?? text), language: translations[language] ? language : null }
      })
    },
    connections: async () => world.connections,
    invitations: async () => [],
    sessions: async () => SESSIONS,
    async keepLanguage(selection) {
      world.done.push(['keepLanguage', selection])
    },
    async withdraw({ clientId }) {
      world.connections = world.connections.filter((connection) => connection.clientId !== clientId)
      world.done.push(['withdraw', clientId])
    },
  }
}

/** The protocol's pages, each at an address of its own. */
const samplePages = ({ protocolPages: pages, show }: Pages, world: World): Koa.Middleware => {
  const device = { action: '/oauth2/device', xsrf: 'x1', userCode: 'WDJB-MJHT' }
  const name = () => world.applications[0]!.name
  const context = (ctx: Context): SignInContext => ({
    t: translateFor(ctx),
    signInPath: '/signin',
    passwordPath: '/signin/password',
    factorPath: '/signin/factor',
    providerPath: '/signin/provider',
    application: name(),
    cancelPath: '/signin/cancel',
    passkey: () => ({
      path: '/signin/passkey',
      sealed: 'challenge-1',
      options: JSON.stringify(PASSKEY_REQUEST.options),
    }),
    finish: async () => {},
  })
  const shown: Record<string, (ctx: Context) => void | Promise<void>> = {
    '/show/error': (ctx) => {
      ctx.status = 400
      const description = String(ctx.query.description ?? 'redirect_uri did not match')
      pages.error(ctx, { error: String(ctx.query.error ?? 'invalid_redirect_uri'), description })
    },
    '/show/forward': (ctx) =>
      pages.forward(ctx, {
        action: String(ctx.query.to ?? '/'),
        fields: { code: 'c1', state: '"><script>', submit: 's' },
      }),
    '/show/confirm-sign-out': (ctx) => pages.confirmSignOut(ctx, { action: '/x', xsrf: 'x1', client: name() }),
    '/show/signed-out': (ctx) => pages.signedOut(ctx, name()),
    '/show/device-code': (ctx) => pages.deviceCode(ctx, { action: '/oauth2/device', xsrf: 'x1' }),
    '/show/device-problem': (ctx) => pages.deviceCode(ctx, { ...device, problem: 'unknown' }),
    '/show/confirm-device': (ctx) => pages.confirmDevice(ctx, { ...device, client: name(), device: '203.0.113.7' }),
    '/show/device-done': (ctx) => pages.deviceDone(ctx),
    '/show/second-factor': (ctx) => show(ctx, secondFactorPage(context(ctx), { ticket: 't1', choices: CHOICES })),
    '/show/second-factor-by-passkey': (ctx) =>
      show(ctx, secondFactorPage(context(ctx), { ticket: 't1', choices: { app: false, passkey: true } })),
    '/show/wrong-recovery-code': (ctx) =>
      show(
        ctx,
        secondFactorPage(context(ctx), {
          ticket: 't1',
          choices: CHOICES,
          recoveryError: 'Incorrect recovery code.',
          status: 400,
        }),
      ),
    '/show/set-up-factor': async (ctx) =>
      show(ctx, await setUpFactorPage(context(ctx), { ticket: 't1', offer: OFFER })),
    '/show/set-up-passkey': async (ctx) =>
      show(
        ctx,
        await setUpFactorPage(context(ctx), {
          ticket: 't1',
          offer: OFFER,
          passkey: PASSKEY_OFFER,
          fieldError: context(ctx).t('setUpFactor.passkeyRefused'),
        }),
      ),
    '/show/save-recovery-codes': (ctx) => show(ctx, saveCodesPage(context(ctx), 't1', RECOVERY_CODES)),
  }
  return async (ctx, next) => (shown[ctx.path] ? await shown[ctx.path]!(ctx) : await next())
}

/** The pages over fakes of all that is below them. */
export async function openFakeManagement(
  overrides: {
    issuer?: string
    proxy?: boolean
    ownUrl?: string
    management?: Management
    routes?: readonly ConsoleRoute[]
  } = {},
) {
  const world = createWorld()
  const app = new Koa({ proxy: overrides.proxy })
  const http = createServer()
  const listening = once(http.listen(0, '127.0.0.1'), 'listening')
  await listening
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const issuerUrl = () => overrides.issuer ?? origin
  const flow = createFlow(world)
  const directory = createDirectory(world)
  const upstreamSignOut = { begin: async () => undefined, nextOf: () => undefined }
  const pages = createPages(directory, upstreamSignOut)
  const web = createWeb(
    {
      flow,
      signIn: createSignIn(world),
      signInAtProduct: {
        challenge: () => 'challenge',
        complete: async () => ({ result: { outcome: 'expired' } }),
      },
      factors: createFakeFactors(() => world.people[0] as never),
      upstream: {
        offers: async () => ({ providers: [], isRouted: false, hasLoopback: false }),
        own: { read: async () => OWN_IDENTITIES },
      } as never,
      upstreamSignOut,
      passwordLinks,
      verificationLinks,
      emailChangeLinks,
      joinTickets,
      directory,
      management: overrides.management ?? ({} as Management),
      statusListTtl: 60,
      issuerUrl,
      ownUrl: () => overrides.ownUrl ?? origin,
      apiDocument: async () => ({ servers: [], tags: [], paths: {}, components: {} }),
    },
    pages,
    overrides.routes,
  )
  const failures: unknown[] = []
  app.use(async (ctx, next) => {
    ctx.state.requestId = 'request-1'
    await next()
    if (ctx.state.failure) failures.push(ctx.state.failure)
  })
  app.use(samplePages(pages, world))
  app.use(web)
  http.on('request', app.callback())
  return {
    world,
    flow,
    /** After a change of `world.brand`. */
    brandChanged: () => pages.brand.invalidate(),
    origin,
    failures,
    close: () => new Promise((resolve) => http.close(resolve).closeAllConnections()),
  }
}
