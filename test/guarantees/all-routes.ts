import { z } from 'zod'
import { createUser } from '../../src/accounts/users.ts'
import type { ApiRoute } from '../../src/api/route.ts'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { createClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { MANAGEMENT_API, MANAGEMENT_SCOPES } from '../../src/management/management-scopes.ts'
import { createApplication, getTokens } from '../oidc/application-fixtures.ts'
import { ACTOR, CALLBACK } from '../support/factory.ts'
import type { Keywright } from '../support/keywright.ts'
import { claimsOf } from '../support/requests.ts'
import { type Browser, openBrowser, signIn } from '../support/scriptless-browser.ts'
import { choosePassword, createTestUser, PASSWORD, type Person } from '../support/test-users.ts'

/** What may stand in a path, by the parameter's name in snake_case. */
export type Samples = Record<string, string>

/** Parameters that name something of an account's: of another account, it must not be there. */
export const OWNED = ['client_id', 'user_id', 'account_id', 'jti', 'grant_id']

/** Something of everything that an account can have, of the account that the others are strangers to. */
export async function makeSamples(server: Keywright, account: string, person: Person): Promise<Samples> {
  const settings = { grants: ['client_credentials'], clientCredentialsRefresh: true }
  const { make } = server
  const client = await make.register({ settings: { ...settings, name: `Walled ${Math.random()}` }, account })
  const { body } = await server.machineToken(client)
  const [{ grant_id }] = await server.knex('refresh_tokens').where({ client_id: client.key }).select('grant_id')
  await rotateSecret(server.knex, client.clientId, 3600, ACTOR)
  const replaced = await server.knex('client_secrets').where('client_id', client.key).whereNotNull('retires_at').first()
  const api = await make.api()
  return {
    client_id: client.clientId,
    user_id: person.id,
    account_id: account,
    jti: String(claimsOf(body.access_token).jti),
    grant_id,
    secret_id: String(replaced.id),
    identifier: api.identifier,
    api_client_id: api.clientId,
    api_id: String((await server.knex('apis').where({ identifier: api.identifier }).first('id')).id),
  }
}

export async function createOperator(server: Keywright): Promise<Person> {
  const email = `operator-${Math.random()}@example.com`
  const { user } = await createUser(server.knex, { email, role: 'operator', accountId: null })
  await choosePassword(server.knex, user.id)
  return { ...user, password: PASSWORD }
}

export async function signedIn(server: Keywright, person: Person): Promise<Browser> {
  const browser = openBrowser(server.url)
  const page = await signIn(browser, await browser.visit('/signin'), person.email, person.password)
  if (page.status !== 200) throw new Error(`${person.email} could not sign in: ${page.status}`)
  return browser
}

/** A management token of a program that acts for itself; `account` null: the instance's own. */
async function machineToken(server: Keywright, account: string | null): Promise<string> {
  const settings = { ...DEFAULT_SETTINGS, name: 'Manager', grants: ['client_credentials'] }
  const request = { accountId: account, settings, apis: [MANAGEMENT_API], scopes: null }
  const { client, clientSecret } = await createClient(server.knex, request, ACTOR)
  const { body } = await server.machineToken({ clientId: client.clientId, clientSecret: clientSecret! })
  return body.access_token
}

/** A management token of a program that acts for a person. */
async function userToken(server: Keywright, account: string, person: Person): Promise<string> {
  const settings = { consent: 'skip', redirectUris: [CALLBACK] } as const
  const application = await createApplication(server, settings, { apis: [MANAGEMENT_API] })
  await server.knex('clients').where({ client_id: application.clientId }).update({ account_id: account })
  const params = { scope: Object.keys(MANAGEMENT_SCOPES).join(' ') }
  return (await getTokens(server, application, person, { params })).access_token
}

/** Everybody who may stand before a wall, with a token and a browser. */
export async function createCallers(server: Keywright) {
  const { make, knex } = server
  const [home, foreign, off] = [await make.account(), await make.account(), await make.account()]
  const admin = await createTestUser(knex, home, 'admin')
  const colleague = await createTestUser(knex, home, 'admin')
  await make.keyPair(admin.id)
  const member = await createTestUser(knex, home, 'member')
  const stranger = await createTestUser(knex, foreign, 'admin')
  const former = await createTestUser(knex, off, 'admin')
  const operator = await createOperator(server)
  const visitors = {
    home,
    colleague,
    tokens: {
      nobody: undefined,
      member: await userToken(server, home, member),
      stranger: await machineToken(server, foreign),
      off: await machineToken(server, off),
      admin: await machineToken(server, home),
      operator: await machineToken(server, null),
    },
    browsers: {
      nobody: openBrowser(server.url),
      member: await signedIn(server, member),
      stranger: await signedIn(server, stranger),
      off: await signedIn(server, former),
      admin: await signedIn(server, admin),
      operator: await signedIn(server, operator),
    },
  }
  await changeAccountStatus(knex, off, 'disabled', ACTOR)
  return visitors
}

export type CallerRole = keyof Awaited<ReturnType<typeof createCallers>>['tokens']

interface JsonSchema {
  readonly type?: string | string[]
  readonly properties?: Record<string, JsonSchema>
  readonly required?: string[]
  readonly items?: JsonSchema
  readonly enum?: unknown[]
  readonly const?: unknown
  readonly anyOf?: JsonSchema[]
  readonly format?: string
  readonly minimum?: number
  readonly minItems?: number
  readonly examples?: unknown[]
  readonly $ref?: string
  readonly $defs?: Record<string, JsonSchema>
}

const STRINGS: Record<string, string> = {
  email: `walker-${Math.random()}@example.com`,
  uri: 'https://walker.example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
}

/** The least that a schema takes. */
function sampleOf(schema: JsonSchema, defs = schema.$defs ?? {}): unknown {
  if (schema.$ref) return sampleOf(defs[schema.$ref.split('/').at(-1)!]!, defs)
  if (schema.examples?.length) return schema.examples[0]
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.anyOf) return sampleOf(schema.anyOf[0]!, defs)
  const [type] = [schema.type].flat()
  if (type === 'object') {
    const required = Object.entries(schema.properties ?? {}).filter(([name]) => schema.required?.includes(name))
    return Object.fromEntries(required.map(([name, one]) => [name, sampleOf(one, defs)]))
  }
  if (type === 'array') return schema.minItems ? [sampleOf(schema.items ?? {}, defs)] : []
  if (type === 'integer' || type === 'number') return Math.max(schema.minimum ?? 0, 0)
  if (type === 'boolean') return true
  if (type === 'null') return null
  return STRINGS[schema.format ?? ''] ?? 'walker'
}

/** A body that the route takes, or none. */
export const sampleBody = ({ body }: ApiRoute): unknown =>
  body && sampleOf(z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' }) as JsonSchema)

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const PARAMETERS = /\{(\w+)\}|:(\w+)/g

export const parametersOf = (path: string): string[] =>
  [...path.matchAll(PARAMETERS)].map(([, braced, colon]) => snake((braced ?? colon)!))

/** A route's path with something in the place of each parameter; a parameter that nobody foresaw fails the test. */
export const fillPath = (path: string, samples: Samples): string =>
  path.replace(PARAMETERS, (_, braced, colon) => {
    const value = samples[snake(braced ?? colon)]
    if (value === undefined) throw new Error(`all-routes.ts has no sample of the parameter ${braced ?? colon}`)
    return encodeURIComponent(value)
  })

/** The parts of what an account has and what all accounts share, as a query of the rows each. */
const partsOf = (knex: Keywright['knex'], account: string) => {
  const ofClients = knex('clients').where({ account_id: account }).select('id')
  return {
    account: knex('accounts').where({ id: account }),
    users: knex('users')
      .where({ account_id: account })
      .orderBy('id')
      .select('*', knex.raw('NULL AS last_signed_in_at')),
    clients: knex('clients').where({ account_id: account }).orderBy('id'),
    secrets: knex('client_secrets').whereIn('client_id', ofClients).orderBy('id').select('id', 'hash', 'retires_at'),
    tokens: knex('active_access_tokens').where({ account_id: account }).orderBy('jti').select('jti'),
    grants: knex('active_refresh_tokens').whereIn('client_id', ofClients).orderBy('grant_id').select('grant_id'),
    instance: knex('instance_settings'),
    apis: knex('apis').orderBy('id'),
    keys: knex('signing_keys').orderBy('kid').select('kid', 'signs_from'),
  }
}

/** All that an account has, and all that hangs on it, as it stands: by one statement. */
export async function stateOf({ knex }: Keywright, account: string): Promise<Record<string, unknown>> {
  const parts = Object.entries(partsOf(knex, account)).map(([name, rows]) =>
    knex.select(knex.raw('json_agg(part)')).from(rows.as('part')).as(name),
  )
  return (await knex.select(parts).first())!
}
