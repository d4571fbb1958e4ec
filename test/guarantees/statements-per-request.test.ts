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

/** The statements of the quietest of a few visits: the server's own jobs, which go on beside, only add some. */
async function statementsOf(who: 'admin' | 'operator', path: string): Promise<string[]> {
  let fewest: string[] | undefined
  for (let n = 0; n < 30 && (!fewest || fewest.length > MOST); n++) {
    const statements = await statementsDuring(async () => {
      const page = await visitors.browsers[who].visit(path)
      expect([path, page.status]).toEqual([path, 200])
    })
    if (!fewest || statements.length < fewest.length) fewest = statements
  }
  return fewest!
}

const pages = CONSOLE_ROUTES.filter(({ method }) => method === 'get')
const visits = (route: Pick<ConsoleRoute, 'path' | 'permission'>) =>
  (route.permission.role === 'operator' ? ['operator'] : ['admin', 'operator']).map((who) => [who, route.path] as const)

it.each([
  ...visits({ path: '/', permission: { role: 'admin', scope: 'applications:read' } }),
  ...pages.flatMap(visits).filter(([who, path]) => who === 'admin' || !path.startsWith('/settings/api')),
])('to %s, %s is answered in at most three statements', async (who, path) => {
  const made = await statementsOf(who as 'admin' | 'operator', fillPath(path, samples))
  expect(made.length, made.join('\n\n')).toBeLessThanOrEqual(MOST)
  expect(made.length).toBeGreaterThan(0)
})
