import { afterAll, beforeAll, expect, it } from 'vitest'
import { CONSOLE_ROUTES } from '../../src/web/console/console-routes.ts'
import type { ConsoleRoute } from '../../src/web/console/kit/console-route.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { statementsDuring } from '../support/statements.ts'
import { createCallers, fillPath, makeSamples, type Samples } from './all-routes.ts'

let server: Keywright
let visitors: Awaited<ReturnType<typeof createCallers>>
let samples: Samples

beforeAll(async () => {
  server = await startKeywright()
  visitors = await createCallers(server)
  samples = await makeSamples(server, visitors.home, visitors.colleague)
})
afterAll(() => server.stop())

const MOST = 3

/** A page that only its owner has leads others to the page that they have, after a look whether they have it. */
const MAX_BEFORE_REDIRECT = 4

/** The statements of the quietest of a few visits: the server's own jobs, which go on beside, only add some. */
async function statementsOf(who: 'admin' | 'operator', path: string) {
  let fewest: string[] | undefined
  let most = MOST
  for (let n = 0; n < 30 && (!fewest || fewest.length > most); n++) {
    const statements = await statementsDuring(async () => {
      const status = await visitors.browsers[who].statusOf(path)
      expect([200, 303]).toContain(status)
      most = status === 303 ? MAX_BEFORE_REDIRECT : MOST
    })
    if (!fewest || statements.length < fewest.length) fewest = statements
  }
  return { statements: fewest!, most }
}

/** Not a page: the file with everything about one user, read by one statement per kind of data. */
const EXPORT_OF_USER = '/users/:userId/export'

const pages = CONSOLE_ROUTES.filter(({ method, path }) => method === 'get' && path !== EXPORT_OF_USER)
const visits = (route: Pick<ConsoleRoute, 'path' | 'permission'>) =>
  (route.permission.role === 'operator' ? ['operator'] : ['admin', 'operator']).map((who) => [who, route.path] as const)

it.each([
  ...visits({ path: '/', permission: { role: 'admin', scope: 'applications:read' } }),
  ...pages.flatMap(visits).filter(([who, path]) => who === 'admin' || !path.startsWith('/settings/api')),
])('to %s, %s is answered in at most three statements', async (who, path) => {
  const { statements, most } = await statementsOf(who as 'admin' | 'operator', fillPath(path, samples))
  expect(statements.length, statements.join('\n\n')).toBeLessThanOrEqual(most)
  expect(statements.length).toBeGreaterThan(0)
})
