/** The console of users who may not do everything. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Principal } from '../../../src/management/principal.ts'
import { CONSOLE_ROUTES } from '../../../src/web/console/console-routes.ts'
import type { ConsoleRoute } from '../../../src/web/console/kit/console-route.ts'
import { createPageAccess } from '../../../src/web/console/kit/page-access.ts'
import { createCallers, fillPath, makeSamples, type Samples } from '../../guarantees/all-routes.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { formsOf, type Page } from '../../support/scriptless-browser.ts'

let server: Keywright
let callers: Awaited<ReturnType<typeof createCallers>>
let samples: Samples

beforeAll(async () => {
  server = await startKeywright()
  callers = await createCallers(server)
  samples = await makeSamples(server, callers.home, callers.colleague)
})
afterAll(() => server?.stop())

const access = createPageAccess(CONSOLE_ROUTES)
const ROLES = ['viewer', 'developer', 'admin'] as const
type Limited = (typeof ROLES)[number]

const principalWith = (role: Limited) => ({ role, scopes: null }) as unknown as Principal
const browserOf = (role: Limited) => callers.browsers[role]

/** Addresses within the page. */
const hrefsOf = ({ text }: Page): string[] =>
  [...text.matchAll(/href="(\/[^"]*)"/g)].map(([, href]) => href!.replaceAll('&amp;', '&'))

const labelsOf = (page: Page): string[] =>
  [.../<nav[\s\S]*?<\/nav>/.exec(page.text)![0].matchAll(/href="(\/[^"]*)"/g)].map(([, href]) => href!)

const pages = CONSOLE_ROUTES.filter(({ method }) => method === 'get').map(
  (route: ConsoleRoute) => [route.path, route] as const,
)

describe.each(ROLES)('as a %s', (role) => {
  it.each([['/', undefined] as const, ...pages])(
    '%s offers no link and no form that is refused',
    async (path, route) => {
      const who = principalWith(role)
      if (route && !access.mayOpen(who, fillPath(path, samples))) return
      const page = await browserOf(role).visit(fillPath(path, samples))
      const refused = hrefsOf(page).filter((href) => !access.mayOpen(who, href))
      expect(refused).toEqual([])
      const forms = formsOf(page).map(({ action }) => action)
      expect(forms.filter((action) => !access.maySend(who, action) && !access.mayOpen(who, action))).toEqual([])
    },
  )
})

it('the menu shows the pages that the role may open', async () => {
  const menuOf = async (role: Limited) => labelsOf(await browserOf(role).visit('/'))
  expect(await menuOf('viewer')).toEqual(expect.arrayContaining(['/applications', '/usage', '/activity', '/webhooks']))
  expect(await menuOf('viewer')).not.toContain('/settings/api')
  expect(await menuOf('developer')).toContain('/settings/api')
  expect(await menuOf('developer')).not.toContain('/users')
  expect(await menuOf('admin')).toContain('/users')
})

it('a viewer sees an application without its actions, and learns who may change it', async () => {
  const path = `/applications/${samples.client_id}`
  const seen = await browserOf('viewer').visit(path)
  expect(seen.status).toBe(200)
  expect(hrefsOf(seen).filter((href) => href.startsWith(`${path}/`) && /edit|archive|key$|revoke/.test(href))).toEqual(
    [],
  )
  expect(hrefsOf(await browserOf('developer').visit(path))).toContain(`${path}/edit`)
  const refused = await browserOf('viewer').visit(`${path}/edit`)
  expect(refused.status).toBe(403)
  expect(refused.text).toContain(
    'This page is for the developers and admins of an account, and you are signed in as a viewer.',
  )
})

it('a developer reads that only admins change an application that may call the management API', async () => {
  const { client_id } = await server
    .knex('clients')
    .where({ account_id: callers.home, name: 'Manager' })
    .first('client_id')
  const path = `/applications/${client_id}`
  const seen = await browserOf('developer').visit(path)
  expect(seen.text).toContain('so only admins can change it')
  expect(hrefsOf(seen)).not.toContain(`${path}/edit`)
  expect((await browserOf('developer').visit(`${path}/edit`)).status).toBe(403)
  expect(hrefsOf(await browserOf('admin').visit(path))).toContain(`${path}/edit`)
})
