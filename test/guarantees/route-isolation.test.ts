import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { includesRole } from '../../src/accounts/permissions.ts'
import { API_ROUTES } from '../../src/api/api-routes.ts'
import type { ApiRoute } from '../../src/api/route.ts'
import { CONSOLE_ROUTES } from '../../src/web/console/console-routes.ts'
import type { ConsoleRoute } from '../../src/web/console/kit/console-route.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
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
import { askApi, askPage, nameOf } from './route-requests.ts'

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

const askApiAs = (route: ApiRoute, visitor: CallerRole, filled: Samples) =>
  askApi(server, route, visitors.tokens[visitor], filled)

// `switched-account-isolation.test.ts` asks every route as a member, viewer and developer: as what is refused to their role, and what
// they may read.
const OUTSIDERS: CallerRole[] = ['nobody', 'off', 'stranger']
/** Users of the account, whose changes are asked here. */
const LIMITED: CallerRole[] = ['viewer', 'developer']
const INSIDERS: CallerRole[] = ['admin', 'operator']

/** A request after which the samples may be gone, or be stopped. */
const usesUp = (route: ApiRoute): boolean =>
  route.method !== 'patch' &&
  (parametersOf(route.path).length > 0 || JSON.stringify(sampleBody(route, samples) ?? '').includes(samples.client_id!))

/** Who is asked what an operation does for those who are let in. */
const insidersOf = (route: ApiRoute): CallerRole[] => [
  ...LIMITED.filter((visitor) => route.method !== 'get' && apiAnswer(route, visitor) === 'something'),
  ...INSIDERS,
]

const named = <Route extends { method: string; path: string }>(routes: readonly Route[]) =>
  routes.map((route) => [nameOf(route), route] as const)

const pairs = <Route extends { method: string; path: string }>(
  routes: readonly Route[],
  who: (route: Route) => readonly CallerRole[],
) => routes.flatMap((route) => who(route).map((visitor) => [nameOf(route), visitor, route] as const))

describe('the management API', () => {
  let before: unknown
  beforeAll(async () => {
    before = await stateOf(server, visitors.home)
  })

  async function expectApiIsolated(route: ApiRoute, visitor: CallerRole): Promise<void> {
    const { status, text, headers } = await askApiAs(route, visitor, samples)
    const expected = apiAnswer(route, visitor)
    if (expected === 'something') expect(status, visitor).toBeLessThan(500)
    else expect([visitor, status, text]).toEqual([visitor, expected, expect.any(String)])
    if (status >= 400) expect(headers.get('content-type'), visitor).toMatch(/^application\/problem\+json/)
    // What was asked for may be named in the answer; what was found may not.
    const asked = `${fillPath(route.path, samples)} ${JSON.stringify(sampleBody(route, samples))}`
    const secrets = hidden().filter((one) => !asked.includes(encodeURIComponent(one)))
    for (const one of secrets) expect(text, visitor).not.toContain(one)
  }

  it.each(named(API_ROUTES))(
    `%s as ${OUTSIDERS.join(', ')}: nothing is disclosed and nothing is changed`,
    async (_, route) => {
      for (const visitor of OUTSIDERS) await expectApiIsolated(route, visitor)
      expect(await stateOf(server, visitors.home)).toEqual(before)
    },
  )

  it.each(pairs(API_ROUTES, insidersOf))('%s as %s is let in as far as the role reaches', async (_, visitor, route) => {
    // Disabling the instance or this account would end the tests; those permissions are tested above.
    if (
      /disable|\/instance|\/accounts\/|\/users\/.*(disable|tokens|password)/.test(route.path) &&
      route.method !== 'get'
    )
      return
    const expected = apiAnswer(route, visitor)
    const changes = route.method !== 'get' && expected === 'something' && usesUp(route)
    const filled = changes ? await makeSamples(server, visitors.home, visitors.colleague) : samples
    const { status, text } = await askApiAs(route, visitor, filled)
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

/** Where somebody is sent to sign in; a form that was typed comes with the page that asks for it. */
const signInOf = (status: number, text: string, headers: Headers): string | undefined | null =>
  status === 401 ? /name="(return_to)"/.exec(text)?.[1] : headers.get('location')

describe('the console', () => {
  let before: unknown
  beforeAll(async () => {
    before = await stateOf(server, visitors.home)
  })

  async function expectPageIsolated(route: ConsoleRoute, visitor: CallerRole): Promise<void> {
    const { status, text, headers } = await askPage(server, route, visitors.browsers[visitor], samples)
    const expected = pageAnswer(route, visitor)
    const signInPage = /^(\/signin\?return_to=|return_to)/
    if (expected === 'something') expect(status, visitor).toBeLessThan(500)
    else if (expected === 303) expect(signInOf(status, text, headers), visitor).toMatch(signInPage)
    else expect([visitor, status]).toEqual([visitor, expected])
    const secrets = hidden().filter((one) => !fillPath(route.path, samples).includes(encodeURIComponent(one)))
    for (const one of secrets) expect(text, visitor).not.toContain(one)
  }

  it.each(named(CONSOLE_ROUTES))(
    `%s as ${OUTSIDERS.join(', ')}: nothing is disclosed and nothing is changed`,
    async (_, route) => {
      for (const visitor of OUTSIDERS) await expectPageIsolated(route, visitor)
      expect(await stateOf(server, visitors.home)).toEqual(before)
    },
  )

  it.each(
    pairs(
      CONSOLE_ROUTES.filter(({ method }) => method === 'get'),
      () => INSIDERS,
    ),
  )('%s as %s is shown as far as the role reaches', async (_, visitor, route) => {
    const { status } = await askPage(server, route, visitors.browsers[visitor], samples)
    const expected = pageAnswer(route, visitor)
    const isOwnPair = route.path.startsWith('/settings/api')
    if (expected !== 'something') expect(status).toBe(expected)
    else if (!(isOwnPair && visitor === 'operator')) expect([200, 303]).toContain(status)
  })
})

it('answers nothing of this with a failure of its own', () => {
  const fieldErrors = server.logLines().filter((line) => (line.level as number) >= 50)
  expect(fieldErrors).toEqual([])
})
