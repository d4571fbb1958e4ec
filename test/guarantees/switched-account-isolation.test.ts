/**
 * A user of two accounts acts in one of them: in a session that was switched, with a token of an application, with a key pair, and by a
 * service that acts for them. Every route is asked for what both accounts have. Only the role in the account in which they act counts.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addMembership } from '../../src/accounts/membership-changes.ts'
import { includesRole, mayOwnKeyPairs } from '../../src/accounts/permissions.ts'
import type { AccountRole } from '../../src/accounts/user-attributes.ts'
import { API_ROUTES } from '../../src/api/api-routes.ts'
import type { ApiRoute } from '../../src/api/route.ts'
import { DELEGATED_SCOPES } from '../../src/management/console-session-operations.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import { MANAGEMENT_API, MANAGEMENT_SCOPES } from '../../src/management/management-scopes.ts'
import { CONSOLE_ROUTES } from '../../src/web/console/console-routes.ts'
import type { ConsoleRoute } from '../../src/web/console/kit/console-route.ts'
import { createApplication, getTokens } from '../oidc/application-fixtures.ts'
import { ACTOR, CALLBACK } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import type { Browser } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import {
  fillPath,
  makeSamples,
  OWNED,
  parametersOf,
  type Samples,
  sampleBody,
  signedIn,
  stateOf,
} from './all-routes.ts'
import { askApi, askPage, nameOf } from './route-requests.ts'

type Place = 'first' | 'switched to'

/** The role where the user acts, the one elsewhere, and whether they act in their first account or in one that they switched to. */
const CASES = [
  ['admin', 'member', 'switched to'],
  ['admin', 'viewer', 'first'],
  ['developer', 'admin', 'switched to'],
  ['viewer', 'admin', 'switched to'],
  ['member', 'admin', 'first'],
] as const satisfies [AccountRole, AccountRole, Place][]

let server: Keywright
/** Of the account in which the users act, and of the other one. */
let here: Samples
let elsewhere: Samples
let hidden: string[]

beforeAll(async () => {
  server = await startKeywright()
  const { make, knex } = server
  const ours = await createTestUser(knex, await make.account(), 'admin')
  const theirs = await createTestUser(knex, await make.account(), 'admin')
  here = await makeSamples(server, ours.accountId!, ours)
  elsewhere = await makeSamples(server, theirs.accountId!, theirs)
  hidden = [...OWNED.filter((name) => name !== 'account_id').map((name) => elsewhere[name]!), theirs.email]
})

afterAll(async () => {
  const failures = server.logLines().filter((line) => (line.level as number) >= 50)
  expect(failures).toEqual([])
  await server.stop()
})

async function createUser(role: AccountRole, otherRole: AccountRole, place: Place): Promise<Person> {
  const memberships = [
    { accountId: here.account_id!, role },
    { accountId: elsewhere.account_id!, role: otherRole },
  ]
  const [first, second] = place === 'first' ? memberships : memberships.reverse()
  const person = await createTestUser(server.knex, first!.accountId, first!.role)
  await server.knex.transaction((trx) => addMembership(trx, { userId: person.id, ...second! }, ACTOR))
  return person
}

async function enter(person: Person, place: Place): Promise<Browser> {
  const browser = await signedIn(server, person)
  if (place === 'first') return browser
  const page = await browser.visit('/account/switch')
  const { status } = await browser.submit(page, /\/account\/switch$/, { account: here.account_id! })
  expect(status).toBe(200)
  return browser
}

/** A token of an application of the account that acts for the user here. */
async function applicationToken(person: Person): Promise<string> {
  const settings = { consent: 'show', redirectUris: [CALLBACK] } as const
  const application = await createApplication(server, settings, { apis: [MANAGEMENT_API] })
  await server.knex('clients').where({ client_id: application.clientId }).update({ account_id: here.account_id! })
  const params = { scope: Object.keys(MANAGEMENT_SCOPES).join(' '), account_id: here.account_id! }
  return (await getTokens(server, application, person, { params })).access_token
}

/** A token of the management API, with which a service of the company acts for the user here. */
async function delegatedToken(person: Person): Promise<string> {
  const externalId = `usr-${person.id}`
  await server.knex('users').where({ id: person.id }).update({ external_id: externalId })
  const service = await managementToken(server, await managingApplication(server, null))
  const user = { external_id: externalId, email: person.email }
  const request = { account: here.account_id, user, scopes: DELEGATED_SCOPES }
  const answer = await rawManagement(server.url, service).json('POST', '/console-sessions/tokens', request)
  expect([answer.status, answer.text]).toEqual([201, answer.text])
  return answer.body.access_token
}

async function keyPairToken(person: Person): Promise<string> {
  const request = { user: person.id, accountId: here.account_id!, apis: [MANAGEMENT_API] }
  const { client, clientSecret } = await generateKeyPair(server.knex, request, ACTOR)
  return await managementToken(server, { clientId: client.clientId, clientSecret: clientSecret! })
}

const isOwned = (path: string): boolean => parametersOf(path).some((name) => OWNED.includes(name))

/** What of the other account a text shows that the request did not name. */
const shown = (text: string, asked: string): string[] =>
  hidden.filter((one) => text.includes(one) && !asked.includes(one) && !asked.includes(encodeURIComponent(one)))

interface HeldToken {
  readonly token: string
  /** Undefined: every scope. */
  readonly scopes?: readonly string[]
}

/** One of an application; for those who act in their second account, one of each further kind that their role can have. */
async function tokensOf(person: Person, role: AccountRole, place: Place): Promise<HeldToken[]> {
  const tokens: HeldToken[] = [{ token: await applicationToken(person) }]
  // Pages show the key pair.
  const pairs = mayOwnKeyPairs(role) ? [{ token: await keyPairToken(person) }] : []
  if (place === 'first') return tokens
  tokens.push(...pairs)
  if (role === 'admin') tokens.push({ token: await delegatedToken(person), scopes: DELEGATED_SCOPES })
  return tokens
}

describe.each(CASES)(
  'a user who acts as %s, and is %s elsewhere, in the account that is %s',
  (role, otherRole, place) => {
    let browser: Browser
    let tokens: HeldToken[]
    let before: unknown
    const state = async () => [await stateOf(server, here.account_id!), await stateOf(server, elsewhere.account_id!)]

    beforeAll(async () => {
      const person = await createUser(role, otherRole, place)
      browser = await enter(person, place)
      tokens = await tokensOf(person, role, place)
      before = await state()
    })

    const isPermitted = (required: ConsoleRoute['permission']['role']) => includesRole(role, required)

    /** What is permitted without an object of the other account changes the account of the user. */
    const isOwnChange = ({ method, path }: { method: string; path: string }) => method !== 'get' && !isOwned(path)

    it.each(CONSOLE_ROUTES.map((route) => [nameOf(route), route] as const))(
      'the console route %s finds and changes nothing of the other account, and lets in by the role here',
      async (_, route) => {
        const mayEnter = isPermitted(route.permission.role)
        if (mayEnter && isOwnChange(route)) return
        const foreign = await askPage(server, route, browser, elsewhere)
        if (!mayEnter || isOwned(route.path)) expect(foreign.status).toBe(mayEnter ? 404 : 403)
        expect(shown(foreign.text, fillPath(route.path, elsewhere))).toEqual([])
        const isSame = fillPath(route.path, here) === fillPath(route.path, elsewhere)
        if (!isSame && (!mayEnter || route.method === 'get')) {
          const own = await askPage(server, route, browser, here)
          if (mayEnter) expect(own.status).not.toBeOneOf([404, 500])
          else expect(own.status).toBe(403)
          expect(shown(own.text, '')).toEqual([])
        } else if (mayEnter && isSame) expect(foreign.status).not.toBeOneOf([404, 500])
        if (route.method !== 'get') expect(await state()).toEqual(before)
      },
    )

    const askedOf = (route: ApiRoute, filled: Samples) =>
      `${fillPath(route.path, filled)} ${JSON.stringify(sampleBody(route, filled))}`

    it.each(API_ROUTES.map((route) => [nameOf(route), route] as const))(
      'the operation %s finds and changes nothing of the other account, and lets in by the role here',
      async (_, route) => {
        const { role: required, scope } = route.operation.permission
        const isHighEnough = isPermitted(required)
        // Such a request may name clients of the other account.
        if (isHighEnough && isOwnChange(route) && !askedOf(route, elsewhere).includes(elsewhere.client_id!)) return
        const isSame = askedOf(route, here) === askedOf(route, elsewhere)
        for (const { token, scopes } of tokens) {
          const mayEnter = isHighEnough && (scope === null || (scopes?.includes(scope) ?? true))
          const foreign = await askApi(server, route, token, elsewhere)
          const answer = [foreign.status, foreign.text]
          if (!mayEnter) expect(answer).toEqual([403, foreign.text])
          // Users export their own data, and only admins that of others, so the role decides first.
          else if (isOwned(route.path))
            expect(answer).toEqual([route.path.endsWith('/export') && role !== 'admin' ? 403 : 404, foreign.text])
          expect(shown(foreign.text, askedOf(route, elsewhere))).toEqual([])
          if (isSame) continue
          if (!mayEnter) expect((await askApi(server, route, token, here)).status).toBe(403)
          else if (route.method === 'get')
            expect(shown((await askApi(server, route, token, here)).text, '')).toEqual([])
        }
        if (route.method !== 'get') expect(await state()).toEqual(before)
      },
    )

    it('has changed nothing by reading', async () => {
      expect(await state()).toEqual(before)
    })
  },
)
