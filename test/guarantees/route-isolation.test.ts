import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { includesRole } from '../../src/accounts/permissions.ts'
import { API_ROUTES } from '../../src/api/api-routes.ts'
import { API_ROOT } from '../../src/api/management-paths.ts'
import type { ApiRoute } from '../../src/api/route.ts'
import { CONSOLE_ROUTES } from '../../src/web/console/console-routes.ts'
import type { ConsoleRoute } from '../../src/web/console/kit/console-route.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { send } from '../support/requests.ts'
import {
  type CallerRole,
  createCallers,
  fillPath,
  makeSamples,
  OWNED,
  parametersOf,
  type Samples,
  sampleBody,
  stateOf,
} from './all-routes.ts'

let server: Keywright
let visitors: Awaited<ReturnType<typeof createCallers>>
let samples: Samples

beforeAll(async () => {
  server = await startKeywright()
  visitors = await createCallers(server)
  samples = await makeSamples(server, visitors.home, visitors.colleague)
})
afterAll(async () => await server.stop())

const isOwned = (path: string) => parametersOf(path).some((name) => OWNED.includes(name))

/** What tenant isolation hides. */
const hidden = () => [...OWNED.map((name) => samples[name]!), visitors.colleague.email]

const nameOf = ({ method, path }: { method: string; path: string }) => `${method.toUpperCase()} ${path}`

/** The roles of those who are signed in. */
const ROLE_OF = {
  member: 'member',
  viewer: 'viewer',
  developer: 'developer',
  admin: 'admin',
  stranger: 'admin',
  operator: 'operator',
} as const

/** What a caller of the API is answered; a range where it depends on what was asked. */
function apiAnswer({ operation, path }: ApiRoute, visitor: CallerRole): number | 'something' {
  const { role } = operation.permission
  if (visitor === 'nobody' || visitor === 'off') return 401
  if (!includesRole(ROLE_OF[visitor], role)) return 403
  return visitor === 'stranger' && isOwned(path) ? 404 : 'something'
}

/** Of a stream that does not end by itself. */
async function beginningOf(url: string, request: RequestInit) {
  const stop = new AbortController()
  const response = await fetch(url, { ...request, signal: stop.signal })
  if (!response.ok) return { status: response.status, headers: response.headers, text: await response.text() }
  const { value } = await response.body!.getReader().read()
  stop.abort()
  return { status: response.status, headers: response.headers, text: new TextDecoder().decode(value) }
}

async function askApi(route: ApiRoute, visitor: CallerRole, filled: Samples) {
  const token = visitors.tokens[visitor]
  const body = sampleBody(route, filled)
  const headers = {
    'x-request-id': 'walker',
    ...(token && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(route.etag && { 'if-match': '*' }),
    ...(route.idempotent && { 'idempotency-key': randomUUID() }),
  }
  const url = server.url + API_ROOT + fillPath(route.path, filled)
  const request = { method: route.method.toUpperCase(), headers, body: JSON.stringify(body) }
  return route.lines === 'events' ? await beginningOf(url, request) : await send(url, request)
}

const OUTSIDERS: CallerRole[] = ['nobody', 'off', 'member', 'stranger']
/** Users of the account who are refused what their role does not include. */
const LIMITED: CallerRole[] = ['viewer', 'developer']
const INSIDERS: CallerRole[] = [...LIMITED, 'admin', 'operator']

/** Everybody for whom a request must change nothing. */
const refusedBy = <Route>(route: Route, answer: (route: Route, visitor: CallerRole) => unknown): CallerRole[] => [
  ...OUTSIDERS,
  ...LIMITED.filter((visitor) => answer(route, visitor) === 403),
]

const named = <Route extends { method: string; path: string }>(routes: readonly Route[]) =>
  routes.map((route) => [nameOf(route), route] as const)

const pairs = <Route extends { method: string; path: string }>(routes: readonly Route[], who: CallerRole[]) =>
  routes.flatMap((route) => who.map((visitor) => [nameOf(route), visitor, route] as const))

describe('the management API', () => {
  let before: unknown
  beforeAll(async () => {
    before = await stateOf(server, visitors.home)
  })

  async function expectApiIsolated(route: ApiRoute, visitor: CallerRole): Promise<void> {
    const { status, text, headers } = await askApi(route, visitor, samples)
    const expected = apiAnswer(route, visitor)
    if (expected === 'something') expect(status, visitor).toBeLessThan(500)
    else expect([visitor, status, text]).toEqual([visitor, expected, expect.any(String)])
    if (status >= 400) expect(headers.get('content-type'), visitor).toMatch(/^application\/problem\+json/)
    // What was asked for may be named in the answer; what was found may not.
    const asked = `${fillPath(route.path, samples)} ${JSON.stringify(sampleBody(route, samples))}`
    const secrets = hidden().filter((one) => !asked.includes(encodeURIComponent(one)))
    if (visitor !== 'member') for (const one of secrets) expect(text, visitor).not.toContain(one)
  }

  it.each(named(API_ROUTES))(
    `%s as ${OUTSIDERS.join(', ')}, and with a role that is too low: nothing is disclosed and nothing is changed`,
    async (_, route) => {
      for (const visitor of refusedBy(route, apiAnswer)) await expectApiIsolated(route, visitor)
      expect(await stateOf(server, visitors.home)).toEqual(before)
    },
  )

  it.each(pairs(API_ROUTES, INSIDERS))('%s as %s is let in as far as the role reaches', async (_, visitor, route) => {
    // Disabling the instance or this account would end the tests; those permissions are tested above.
    if (
      /disable|\/instance|\/accounts\/|\/users\/.*(disable|tokens|password)/.test(route.path) &&
      route.method !== 'get'
    )
      return
    const expected = apiAnswer(route, visitor)
    const changes = route.method !== 'get' && expected === 'something'
    const filled = changes ? await makeSamples(server, visitors.home, visitors.colleague) : samples
    const { status, text } = await askApi(route, visitor, filled)
    // An operator has no account and no pair of their own, and a program neither.
    const isOwnersAct = ['patch', 'post'].includes(route.method) && route.path.startsWith('/key-pairs/')
    const isOwnPair = /\/key-pairs?$/.test(route.path) || isOwnersAct || route.path === '/overview'
    // Users export their own data; only admins that of others.
    const isOwn = isOwnPair || (LIMITED.includes(visitor) && route.path === '/users/{user_id}/export')
    // Programs of an account do not decide who signs in.
    const isForUsers = route.method !== 'get' && route.path.startsWith('/identity-providers') && visitor === 'admin'
    if (isForUsers) expect([status, text]).toEqual([403, text])
    else if (expected === 'something')
      expect([isOwn || ![401, 403, 404].includes(status), status < 500, text]).toEqual([true, true, text])
    else expect([status, text]).toEqual([expected, text])
  })
})

/** What somebody in a browser is answered. */
function pageAnswer({ permission, path }: ConsoleRoute, visitor: CallerRole): number | 'something' {
  if (visitor === 'nobody' || visitor === 'off') return 303
  if (!includesRole(ROLE_OF[visitor], permission.role)) return 403
  return visitor === 'stranger' && isOwned(path) ? 404 : 'something'
}

/** Without going where it leads. */
async function askPage({ method, path, takesFiles }: ConsoleRoute, visitor: CallerRole, filled: Samples) {
  const cookies = [...visitors.browsers[visitor].cookies]
  if (visitor === 'nobody') cookies.push(['kw_csrf /', { value: 'a'.repeat(43), path: '/' }])
  const cookie = cookies.map(([key, { value }]) => `${key.split(' ')[0]}=${value}`).join('; ')
  const csrf = cookies.find(([key]) => key.startsWith('kw_csrf'))![1].value
  const headers = { accept: 'text/html', cookie }
  const url = server.url + fillPath(path, filled)
  if (method === 'get') return await send(url, { headers, redirect: 'manual' })
  const body = takesFiles ? new FormData() : new URLSearchParams()
  const typed = { csrf, revision: '1', role: 'member', status: 'disabled', state: 'disabled', enabled: 'off' }
  for (const [name, value] of Object.entries(typed)) body.append(name, value)
  return await send(url, { method: 'POST', headers, body, redirect: 'manual' })
}

/** Where somebody is sent to sign in; a form that was typed comes with the page that asks for it. */
const signInOf = (status: number, text: string, headers: Headers): string | undefined | null =>
  status === 401 ? /name="(return_to)"/.exec(text)?.[1] : headers.get('location')

describe('the console', () => {
  let before: unknown
  beforeAll(async () => {
    before = await stateOf(server, visitors.home)
  })

  async function expectPageIsolated(route: ConsoleRoute, visitor: CallerRole): Promise<void> {
    const { status, text, headers } = await askPage(route, visitor, samples)
    const expected = pageAnswer(route, visitor)
    const signInPage = /^(\/signin\?return_to=|return_to)/
    if (expected === 'something') expect(status, visitor).toBeLessThan(500)
    else if (expected === 303) expect(signInOf(status, text, headers), visitor).toMatch(signInPage)
    else expect([visitor, status]).toEqual([visitor, expected])
    const secrets = hidden().filter((one) => !fillPath(route.path, samples).includes(encodeURIComponent(one)))
    if (visitor !== 'member') for (const one of secrets) expect(text, visitor).not.toContain(one)
  }

  it.each(named(CONSOLE_ROUTES))(
    `%s as ${OUTSIDERS.join(', ')}, and with a role that is too low: nothing is disclosed and nothing is changed`,
    async (_, route) => {
      for (const visitor of refusedBy(route, pageAnswer)) await expectPageIsolated(route, visitor)
      expect(await stateOf(server, visitors.home)).toEqual(before)
    },
  )

  it.each(
    pairs(
      CONSOLE_ROUTES.filter(({ method }) => method === 'get'),
      INSIDERS,
    ),
  )('%s as %s is shown as far as the role reaches', async (_, visitor, route) => {
    const { status } = await askPage(route, visitor, samples)
    const expected = pageAnswer(route, visitor)
    const isOwnPair = route.path.startsWith('/settings/api')
    // The key pair of the samples belongs to another user.
    const isOfOther = visitor === 'developer' && /^\/key-pairs\/:clientId\/(stop|revoke)/.test(route.path)
    if (expected !== 'something') expect(status).toBe(expected)
    else if (isOfOther) expect(status).toBe(403)
    else if (!(isOwnPair && visitor === 'operator')) expect([200, 303]).toContain(status)
  })
})

it('answers nothing of this with a failure of its own', () => {
  const fieldErrors = server.logLines().filter((line) => (line.level as number) >= 50)
  expect(fieldErrors).toEqual([])
})
