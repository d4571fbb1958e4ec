import { randomBytes, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { sealChallenge } from '../../src/accounts/sign-in-challenges.ts'
import { createUser } from '../../src/accounts/users.ts'
import type { ApiRoute } from '../../src/api/route.ts'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { parseTrust } from '../../src/clients/workload-trusts.ts'
import { sealUpstreamSecret } from '../../src/identity-providers/identity-provider-secrets.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { createClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { MANAGEMENT_API, MANAGEMENT_SCOPES } from '../../src/management/management-scopes.ts'
import { createApplication, getTokens } from '../oidc/application-fixtures.ts'
import { newClientKey } from '../support/client-assertions.ts'
import { ACTOR, CALLBACK } from '../support/factory.ts'
import type { Keywright } from '../support/keywright.ts'
import { claimsOf } from '../support/requests.ts'
import { type Browser, openBrowser, signIn } from '../support/scriptless-browser.ts'
import { choosePassword, createTestUser, PASSWORD, type Person } from '../support/test-users.ts'

/** What may stand in a path, by the parameter's name in snake_case. */
export type Samples = Record<string, string>

/** Parameters that name something of an account's: of another account, it must not be there. */
export const OWNED = [
  'client_id',
  'key_pair_id',
  'user_id',
  'account_id',
  'jti',
  'grant_id',
  'leak_id',
  'webhook_id',
  'delivery_id',
  'provider_id',
  'identity_id',
  'token_id',
  'initial_access_token_id',
]

const previousSecretOf = async ({ knex }: Keywright, clientId: string): Promise<number> =>
  (await knex('client_secrets')
    .whereIn('client_id', knex('clients').where({ client_id: clientId }).select('id'))
    .min('id')
    .first())!.min

/** Something of everything that an account can have, of the account that the others are strangers to. */
export async function makeSamples(server: Keywright, account: string, person: Person): Promise<Samples> {
  const settings = { grants: ['client_credentials'], clientCredentialsRefresh: true }
  const { make, instance } = server
  const { encryptionKeys } = instance
  const client = await make.register({ settings: { ...settings, name: `Walled ${Math.random()}` }, account })
  const key = await newClientKey()
  const withKeys = await make.register({
    settings: { grants: ['client_credentials'], authMethod: 'private_key_jwt' },
    account,
    keys: key.parsed,
  })
  const withTrusts = await make.register({
    settings: { grants: ['client_credentials'], authMethod: 'workload_identity' },
    account,
    trusts: [
      await parseTrust({ issuer: 'https://issuer.example.com', conditions: [{ claim: 'sub', anyOf: ['workload'] }] }),
    ],
  })
  const trust = await server.knex('client_secrets').where({ client_id: withTrusts.key }).first('id')
  const { body } = await server.machineToken(client)
  const [{ grant_id }] = await server.knex('refresh_tokens').where({ client_id: client.key }).select('grant_id')
  await rotateSecret(server.knex, client.clientId, 3600, ACTOR)
  const [api, apiWithKeys] = [await make.api(), await make.api({}, key.parsed)]
  await rotateSecret(server.knex, api.clientId, 3600, ACTOR)
  const idOfApi = async (identifier: string) => String((await server.knex('apis').where({ identifier }).first('id')).id)
  const email = `owner-${Math.random()}@example.com`
  const { user: owner } = await createUser(server.knex, { email, role: 'admin', accountId: account })
  const pair = await make.keyPair(owner.id)
  const leak = { id: randomUUID(), credential_hash: randomBytes(32), kind: 'access_token', client_id: client.key }
  await server.knex('leaks').insert({ ...leak, account_id: account, revoked: true, reporter: 'api' })
  const message = { id: randomUUID(), kind: 'test', recipient: person.email, user_id: person.id, status: 'failed' }
  const times = { finished_at: server.knex.fn.now(), give_up_at: server.knex.fn.now(), next_attempt_at: null }
  await server.knex('mail_messages').insert({ ...message, ...times, parameters: '{}' })
  const webhook = { id: randomUUID(), account_id: account, name: 'Hidden', url: 'https://hidden.example.com/' }
  await server
    .knex('webhooks')
    .insert({ ...webhook, from_seq: 0, sealed_secret: randomBytes(64), actions: ['api.created'] })
  const delivery = { id: randomUUID(), webhook_id: webhook.id, seq: 0, action: 'webhook.test', state: 'delivered' }
  await server.knex('webhook_deliveries').insert({ ...delivery, queue: randomUUID() })
  const provider = { id: randomUUID(), account_id: account, name: 'Hidden', issuer: 'https://hidden.example.com' }
  const sealed = sealUpstreamSecret(server.instance.encryptionKeys, provider.id, 'hidden')
  const atProvider = { client_id: 'hidden', sealed_client_secret: sealed, scopes: ['openid'] }
  await server.knex('identity_providers').insert({ ...provider, ...atProvider })
  await server.knex('identity_provider_domains').insert({ provider_id: provider.id, domain: 'hidden.example.com' })
  const identity = { id: randomUUID(), provider_id: provider.id, subject: 'hidden', user_id: person.id }
  await server.knex('user_identities').insert(identity)
  const scim = { id: randomUUID(), account_id: account, hash: randomBytes(32), last_four: 'aaaa', role: 'member' }
  await server.knex('scim_tokens').insert({ ...scim, expires_at: server.knex.raw(`now() + interval '1 day'`) })
  const initial = { id: randomUUID(), account_id: account, hash: randomBytes(32), last_four: 'aaaa', max_uses: 1 }
  const permitted = { grants: ['authorization_code'], apis: [] }
  const inADay = server.knex.raw(`now() + interval '1 day'`)
  await server.knex('initial_access_tokens').insert({ ...initial, ...permitted, expires_at: inADay })
  const issuer = { id: randomUUID(), issuer: `https://${randomUUID()}.example.com`, jwks: '[]', account_id: account }
  await server.knex('software_statement_issuers').insert({ ...issuer, ...permitted })
  const externalId = `walled-${randomUUID()}`
  await server.knex('accounts').where({ id: account }).update({ external_id: externalId })
  // An earlier request may have made the person a member of another account.
  await server.knex('users').where({ id: person.id }).update({ external_id: externalId, account_id: account })
  await server.knex('memberships').where({ user_id: person.id }).whereNot({ account_id: account }).delete()
  return {
    external_id: externalId,
    webhook_id: webhook.id,
    token_id: scim.id,
    initial_access_token_id: initial.id,
    issuer_id: issuer.id,
    delivery_id: delivery.id,
    provider_id: provider.id,
    identity_id: identity.id,
    domain: 'hidden.example.com',
    client_id: client.clientId,
    client_with_keys_id: withKeys.clientId,
    client_with_trusts_id: withTrusts.clientId,
    key_pair_id: pair.clientId,
    user_id: person.id,
    account_id: account,
    further_account_id: await make.account(),
    jti: String(claimsOf(body.access_token).jti),
    grant_id,
    kid: (await server.knex('signing_keys').where({ alg: 'RS256' }).whereNull('signs_from').first()).kid,
    secret_id: String(await previousSecretOf(server, client.clientId)),
    api_secret_id: String(await previousSecretOf(server, api.clientId)),
    trust_id: trust.id,
    leak_id: leak.id,
    message_id: message.id,
    identifier: api.identifier,
    api_client_id: api.clientId,
    language: 'de',
    challenge: sealChallenge(encryptionKeys, { isForced: true, userId: person.id }, 'browser', Date.now()),
    api_id: await idOfApi(api.identifier),
    api_with_keys_id: await idOfApi(apiWithKeys.identifier),
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
  const viewer = await createTestUser(knex, home, 'viewer')
  const developer = await createTestUser(knex, home, 'developer')
  const stranger = await createTestUser(knex, foreign, 'admin')
  const former = await createTestUser(knex, off, 'admin')
  const operator = await createOperator(server)
  const visitors = {
    home,
    colleague,
    tokens: {
      nobody: undefined,
      member: await userToken(server, home, member),
      viewer: await userToken(server, home, viewer),
      developer: await userToken(server, home, developer),
      stranger: await machineToken(server, foreign),
      off: await machineToken(server, off),
      admin: await machineToken(server, home),
      operator: await machineToken(server, null),
    },
    browsers: {
      nobody: openBrowser(server.url),
      member: await signedIn(server, member),
      viewer: await signedIn(server, viewer),
      developer: await signedIn(server, developer),
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

/** A body that the route takes, or none. Clients that it names are those of the samples. */
export function sampleBody({ body, path }: ApiRoute, samples: Samples): unknown {
  const sample = body && sampleOf(z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' }) as JsonSchema)
  if (body && path.endsWith('/memberships')) return { account_id: samples.further_account_id, role: 'viewer' }
  if (body && path.startsWith('/console-sessions')) return { ...(sample as object), account: samples.account_id }
  const namesClients = typeof sample === 'object' && sample !== null && 'client_ids' in sample
  return namesClients ? { ...sample, client_ids: [samples.client_id] } : sample
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const PARAMETERS = /\{(\w+)\}|:(\w+)/g

export const parametersOf = (path: string): string[] =>
  [...path.matchAll(PARAMETERS)].map(([, braced, colon]) => snake((braced ?? colon)!))

const OF_TRUSTS = /^\/applications\/[^/]+\/trusts(\/|$)/
const OF_API_KEYS = /^\/apis\/[^/]+\/keys(\/|$)/
const OF_KEYS = /^\/applications\/[^/]+\/keys(\/|$)/

/** The name of the sample for a parameter: what a name means may depend on the route. */
function sampleIn(path: string, name: string): string {
  if (name === 'client_id' && path.startsWith('/key-pairs/')) return 'key_pair_id'
  if (name === 'client_id' && OF_KEYS.test(path)) return 'client_with_keys_id'
  if (name === 'api_id' && OF_API_KEYS.test(path)) return 'api_with_keys_id'
  if (name === 'client_id' && OF_TRUSTS.test(path)) return 'client_with_trusts_id'
  if (name === 'secret_id' && OF_TRUSTS.test(path)) return 'trust_id'
  return name === 'secret_id' && path.startsWith('/apis/') ? 'api_secret_id' : name
}

/** A route's path with something in the place of each parameter; a parameter that nobody foresaw fails the test. */
export const fillPath = (path: string, samples: Samples): string =>
  path.replace(PARAMETERS, (_, braced, colon) => {
    const name = snake(braced ?? colon)
    const value = samples[sampleIn(path, name)]
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
    // The day of the last use is written after the request, by a job.
    clients: knex('clients').where({ account_id: account }).orderBy('id').select('*', knex.raw('NULL AS last_used_on')),
    secrets: knex('client_secrets').whereIn('client_id', ofClients).orderBy('id').select('id', 'hash', 'retires_at'),
    tokens: knex('active_access_tokens').where({ account_id: account }).orderBy('jti').select('jti'),
    grants: knex('active_refresh_tokens').whereIn('client_id', ofClients).orderBy('grant_id').select('grant_id'),
    leaks: knex('leaks').where({ account_id: account }).orderBy('id'),
    identity_providers: knex('identity_providers').where({ account_id: account }).orderBy('id'),
    email_domains: knex('identity_provider_domains AS d')
      .join('identity_providers AS p', 'p.id', 'd.provider_id')
      .where({ 'p.account_id': account })
      .orderBy(['d.provider_id', 'd.domain'])
      .select('d.*'),
    webhooks: knex('webhooks').where({ account_id: account }).orderBy('id'),
    scim_tokens: knex('scim_tokens').where({ account_id: account }).orderBy('id'),
    initial_access_tokens: knex('initial_access_tokens').where({ account_id: account }).orderBy('id'),
    software_statement_issuers: knex('software_statement_issuers').where({ account_id: account }).orderBy('id'),
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
