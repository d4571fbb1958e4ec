/**
 * A session that is fixed to an account was opened by who answers for that account only: its identity provider, or the product at which the
 * person signed in. So in it, every page of the person's own asks them to sign in themselves, and applications act in that account alone,
 * without a choice.
 */
import type Router from '@koa/router'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addMembership } from '../../src/accounts/membership-changes.ts'
import { updateInstanceSettings } from '../../src/clients/instance-settings.ts'
import { CONSOLE_ROUTES } from '../../src/web/console/console-routes.ts'
import { accountRoutes } from '../../src/web/own-account-routes.ts'
import { ownAddressRoutes } from '../../src/web/own-address-routes.ts'
import { securityRoutes } from '../../src/web/security-routes.ts'
import { sessionRoutes } from '../../src/web/session-routes.ts'
import { switchAccountRoutes } from '../../src/web/switch-account-routes.ts'
import type { Web } from '../../src/web/web-services.ts'
import { type ScriptedProvider, startScriptedProvider } from '../identity-providers/scripted-provider.ts'
import { ALLOW, addProvider, signInThrough } from '../identity-providers/upstream-environment.ts'
import { type Application, createApplication, getCode, isAllow } from '../oidc/application-fixtures.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { claimsOf } from '../support/requests.ts'
import { type Browser, openBrowser, type Page } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { makeSamples, OWNED, parametersOf, type Samples, signedIn, stateOf } from './all-routes.ts'
import { type Address, askPage, nameOf } from './route-requests.ts'

const OPENERS = ['the identity provider of the account', 'the product'] as const

type Opener = (typeof OPENERS)[number]

const PRODUCT = 'https://product.example.com/sign-in'

let server: Keywright
let upstream: ScriptedProvider
let person: Person
let fixedTo: string
let other: string
/** By who opened the session. */
let browsers: Record<Opener, Browser>
/** The same person, who signed in with their password. */
let free: Browser
/** The person allowed each of them in both accounts. */
let applications: Record<Opener, Application>
let samples: Samples

beforeAll(async () => {
  server = await startKeywright({ env: ALLOW })
  upstream = await startScriptedProvider()
  const { knex, make } = server
  ;[fixedTo, other] = [await make.account(), await make.account()]
  person = await createTestUser(knex, other, 'admin')
  const membership = { userId: person.id, accountId: fixedTo, role: 'admin' } as const
  await knex.transaction((trx) => addMembership(trx, membership, ACTOR))
  const provider = await addProvider(server, upstream, { accountId: fixedTo } as never)
  await knex('user_identities').insert({
    id: crypto.randomUUID(),
    provider_id: provider,
    subject: 'fixed',
    user_id: person.id,
  })
  const { browser: byProvider } = await signInThrough({ server, provider: upstream }, provider, { sub: 'fixed' })
  free = await signedIn(server, person)
  applications = Object.fromEntries(
    await Promise.all(OPENERS.map(async (opener) => [opener, await createApplication(server, { consent: 'show' })])),
  )
  for (const application of Object.values(applications))
    for (const account of [fixedTo, other]) await getCode(free, application, person, { account_id: account })
  const colleague = await createTestUser(knex, other, 'admin')
  samples = { ...(await makeSamples(server, other, colleague)), id: crypto.randomUUID() }
  browsers = { 'the identity provider of the account': byProvider, 'the product': await signInAtProduct() }
})

/** Hands the sign-in over to the product, which answers with the account. Pages learn of its URL within three seconds. */
async function signInAtProduct(): Promise<Browser> {
  const { knex, url } = server
  await knex.transaction((trx) => updateInstanceSettings(trx, { signInUrl: PRODUCT }, ACTOR))
  const browser = openBrowser(url)
  let page: Page | undefined
  await until(async () => {
    page = await browser.visit('/signin')
    return page.left?.href.startsWith(PRODUCT) ?? false
  })
  await knex('users').where({ id: person.id }).update({ external_id: 'usr-fixed' })
  const service = await managementToken(server, await managingApplication(server, null))
  const challenge = page!.left!.searchParams.get('sign_in_challenge')!
  const answer = { user: { external_id: 'usr-fixed' }, account: fixedTo, account_fixed: true }
  const accepted = await rawManagement(url, service).json('PUT', `/sign-in-challenges/${challenge}/accept`, answer)
  expect([accepted.status, accepted.text]).toEqual([200, accepted.text])
  const { pathname, search } = new URL(accepted.body.redirect_to)
  expect((await browser.visit(pathname + search)).status).toBe(200)
  return browser
}

afterAll(async () => {
  const failures = server.logLines().filter((line) => (line.level as number) >= 50)
  expect(failures).toEqual([])
  upstream.stop()
  await server.stop()
})

const OWN_ROUTES: Address[] = [accountRoutes, ownAddressRoutes, securityRoutes, sessionRoutes, switchAccountRoutes]
  .flatMap((routesOf: (web: Web) => Router) => routesOf({} as Web).stack)
  .flatMap(({ path, methods }) =>
    methods
      .filter((method) => /GET|POST/.test(method))
      .map((method) => ({ method: method.toLowerCase(), path: String(path) })),
  )

const isOfApplications = ({ path }: Address) => path.startsWith('/account/applications')

const named = <One extends Address>(all: readonly One[]) => all.map((one) => [nameOf(one), one] as const)

/** What the person has in all accounts. */
const stateOfPerson = async () => {
  const user = await server.knex('users').where({ id: person.id }).first()
  const consents = await server.knex('consents').where({ given_by: person.id, account_id: other }).pluck('id')
  return { user, consents }
}

describe.each(OPENERS)('a session by %s', (opener) => {
  let browser: Browser
  let application: Application
  let before: readonly unknown[]
  beforeAll(async () => {
    browser = browsers[opener]
    application = applications[opener]
    before = [await stateOfPerson(), await stateOf(server, other)]
  })

  it.each(named(OWN_ROUTES.filter((one) => !isOfApplications(one))))(
    'is asked to sign in again at %s',
    async (_, address) => {
      const { status, headers, text } = await askPage(server, address, browser, samples, { account: other })
      if (address.method === 'get')
        expect([status, headers.get('location')]).toEqual([303, expect.stringMatching(/^\/signin\/confirm\?/)])
      else expect([status, /name="return_to"/.test(text)]).toEqual([401, true])
      if (address.method !== 'get') expect(await stateOfPerson()).toEqual(before[0])
    },
  )

  it.each(named(OWN_ROUTES.filter(isOfApplications)))(
    'sees and changes nothing that the person allowed for another account at %s',
    async (_, address) => {
      const filled = { ...samples, client_id: application.clientId }
      const { status, text } = await askPage(server, address, browser, filled, { account: other })
      expect(status).toBeLessThan(404)
      expect(text).not.toContain(other)
      if (address.method !== 'get') expect(await stateOfPerson()).toEqual(before[0])
    },
  )

  it.each(named(CONSOLE_ROUTES.filter(({ path }) => parametersOf(path).some((name) => OWNED.includes(name)))))(
    "does not find at %s what the person's other account has",
    async (_, route) => {
      expect((await askPage(server, route, browser, samples)).status).toBeOneOf([403, 404])
      if (route.method !== 'get') expect(await stateOf(server, other)).toEqual(before[1])
    },
  )

  it('has changed nothing by reading', async () => {
    expect([await stateOfPerson(), await stateOf(server, other)]).toEqual(before)
  })

  it('leaves no choice of the account on the consent page', async () => {
    const wanting = await createApplication(server, { consent: 'show' })
    const choice = await free.visit(wanting.link())
    expect([isAllow(choice), /name="account"/.test(choice.text)]).toEqual([true, true])
    const page = await browser.visit(wanting.link({ prompt: 'consent' }))
    expect([isAllow(page), /name="account"/.test(page.text)]).toEqual([true, false])
    // A choice that the page did not offer does not count.
    const { left } = await browser.submit(page, /allow$/, { account: other })
    const { body } = await wanting.redeem(left!.searchParams.get('code')!)
    expect(claimsOf(body.access_token).account_id).toBe(fixedTo)
  })

  it('acts for applications in the account alone, whatever they request', async () => {
    const refused = await browser.visit(application.link({ account_id: other }))
    expect(refused.left?.searchParams.get('error')).toBe('access_denied')
    const skipping = await createApplication(server, { consent: 'skip' })
    await server.knex('clients').where({ client_id: skipping.clientId }).update({ account_id: fixedTo })
    const { left } = await browser.visit(skipping.link())
    const { body } = await skipping.redeem(left!.searchParams.get('code')!)
    expect(claimsOf(body.access_token).account_id).toBe(fixedTo)
  })
})
