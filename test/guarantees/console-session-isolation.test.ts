/** A console session reaches its own pages and nothing else, whichever pages there are. */
import type Router from '@koa/router'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CONSOLE_SESSION_PAGES, type ConsoleSessionPage } from '../../src/clients/console-session-tickets.ts'
import { apiDocsRoutes } from '../../src/web/api-docs/docs-page.ts'
import { CONSOLE_ROUTES } from '../../src/web/console/console-routes.ts'
import type { ConsoleRoute } from '../../src/web/console/kit/console-route.ts'
import { accountRoutes } from '../../src/web/own-account-routes.ts'
import { ownAddressRoutes } from '../../src/web/own-address-routes.ts'
import { securityRoutes } from '../../src/web/security-routes.ts'
import { sessionRoutes } from '../../src/web/session-routes.ts'
import { switchAccountRoutes } from '../../src/web/switch-account-routes.ts'
import type { Web } from '../../src/web/web-services.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Browser, openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser } from '../support/test-users.ts'
import { createService } from '../web/console-session-fixtures.ts'
import { fillPath, makeSamples, OWNED, parametersOf, type Samples, stateOf } from './all-routes.ts'
import { type Address, askPage, nameOf } from './route-requests.ts'

const ALL: readonly ConsoleSessionPage[] = CONSOLE_SESSION_PAGES

/** The areas that do not have the route. */
const othersThan = ({ sessionPages = [] }: ConsoleRoute): readonly ConsoleSessionPage[] =>
  ALL.filter((page) => !sessionPages.includes(page))

let server: Keywright
/** Sessions of an admin of the first account. */
let sessions: Map<string, Browser>
/** Objects of that account, and of another one. */
let own: Samples
let foreign: Samples
let ownAccount: string

beforeAll(async () => {
  server = await startKeywright()
  const service = await createService(server)
  ownAccount = server.firstStart.accountId
  const colleague = await createTestUser(server.knex, ownAccount)
  const stranger = await createTestUser(server.knex, await server.make.account())
  own = { ...(await makeSamples(server, ownAccount, colleague)), id: colleague.id }
  foreign = await makeSamples(server, stranger.accountId!, stranger)
  const opened = [...CONSOLE_SESSION_PAGES.map((page) => [page]), ...CONSOLE_ROUTES.map(othersThan), ALL]
  sessions = new Map()
  for (const pages of opened) {
    if (sessions.has(pages.join())) continue
    const browser = openBrowser(server.url)
    expect((await browser.visit(await service.create({ pages }))).status).toBe(200)
    sessions.set(pages.join(), browser)
  }
})

/** The session with exactly these areas. */
const sessionWith = (pages: readonly ConsoleSessionPage[]): Browser => sessions.get(pages.join())!

afterAll(async () => {
  const failures = server.logLines().filter((line) => (line.level as number) >= 50)
  expect(failures).toEqual([])
  await server.stop()
})

const hidden = () => OWNED.map((name) => foreign[name]!)

/** The pages of a user's own account, and the others that know who is signed in. */
const OWN_ROUTES: Address[] = [
  ...[accountRoutes, ownAddressRoutes, securityRoutes, sessionRoutes],
  ...[switchAccountRoutes, apiDocsRoutes],
]
  .flatMap((routesOf: (web: Web) => Router) => routesOf({} as Web).stack)
  .flatMap(({ path, methods }) =>
    methods
      .filter((method) => /GET|POST/.test(method))
      .map((method) => ({ method: method.toLowerCase(), path: String(path) })),
  )
const OTHER_PAGES: Address[] = ['/', '/signin', '/signin/confirm'].map((path) => ({
  method: 'get',
  path,
}))

const named = <One extends Address>(addresses: readonly One[]) => addresses.map((one) => [nameOf(one), one] as const)

describe('a console session', () => {
  let before: unknown
  beforeAll(async () => {
    before = [await stateOf(server, ownAccount), await stateOf(server, foreign.account_id!)]
  })

  it.each(named(CONSOLE_ROUTES))('with all areas but those of %s is refused', async (_, route) => {
    const { status, text } = await askPage(server, route, sessionWith(othersThan(route)), own)
    expect(status).toBe(403)
    expect(text).toContain('Back to Keywright')
    expect([await stateOf(server, ownAccount), await stateOf(server, foreign.account_id!)]).toEqual(before)
  })

  it.each(named([...OWN_ROUTES, ...OTHER_PAGES]))('is refused at %s', async (_, address) => {
    expect((await askPage(server, address, sessionWith(ALL), own)).status).toBe(403)
  })

  const ofObjects = CONSOLE_ROUTES.filter(({ path }) => parametersOf(path).some((name) => OWNED.includes(name)))

  it.each(named(ofObjects.filter(({ sessionPages = [] }) => sessionPages.length > 0)))(
    'does not find an object of another account at %s',
    async (_, route) => {
      const { status, text } = await askPage(server, route, sessionWith(ALL), foreign)
      expect(status).toBe(404)
      const secrets = hidden().filter((one) => !fillPath(route.path, foreign).includes(encodeURIComponent(one)))
      for (const one of secrets) expect(text).not.toContain(one)
      expect(await stateOf(server, foreign.account_id!)).toEqual((before as unknown[])[1])
    },
  )

  it.each(CONSOLE_SESSION_PAGES)('with %s offers only links and forms that it may follow', async (area) => {
    const browser = sessionWith([area])
    const seen = new Set<string>()
    const start = {
      keys: '/settings/api',
      applications: '/applications',
      usage: '/usage',
      activity: '/activity',
      webhooks: '/webhooks',
      inspect: '/inspect',
    }
    const next = [start[area]]
    while (next.length > 0 && seen.size < 60) {
      const path = next.pop()!
      if (seen.has(path)) continue
      seen.add(path)
      const page = await browser.visit(path)
      expect([path, page.status]).toEqual([path, expect.not.toBeOneOf([403, 404])])
      next.push(...linksOf(page))
    }
    expect(seen.size).toBeGreaterThan(0)
  })
})

const linksOf = ({ text }: Page): string[] =>
  [...text.matchAll(/<a [^>]*href="(\/[^"#]*)"/g)]
    .map(([, href]) => href!.replaceAll('&amp;', '&'))
    .filter((href) => !/^\/(logos|assets)\/|\/export|\.csv/.test(href))

it('is open nowhere by a route that nobody has assigned', () => {
  const assigned = CONSOLE_ROUTES.filter(({ sessionPages }) => sessionPages!.length > 0)
  const paths = assigned.map(({ path }) => path).filter((path) => /users|accounts|instance|signing|apis/.test(path))
  expect(paths).toEqual([])
})
