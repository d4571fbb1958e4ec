import type { Knex } from 'knex'
import { addAccount, hasAccounts } from './accounts/accounts.ts'
import { addUser } from './accounts/user-administration.ts'
import { ensureAuditChain } from './audit/audit-chain.ts'
import type { Actor } from './audit/audit-log.ts'
import { DEFAULT_SETTINGS } from './clients/client-settings.ts'
import { AUTHORIZATION_CODE_GRANT, CLIENT_CREDENTIALS_GRANT, REFRESH_TOKEN_GRANT } from './clients/grant-types.ts'
import { ensureSigningKeys } from './keys/signing-keys.ts'
import { createApi, describeScopes } from './management/api-changes.ts'
import { ensureBuiltInApi } from './management/built-in-api.ts'
import { createClient } from './management/client-registration.ts'
import { generateKeyPair } from './management/key-pair-generation.ts'
import { MANAGEMENT_API, MANAGEMENT_SCOPES } from './management/management-scopes.ts'
import { ID_TOKEN_ALGS } from './shared/algorithms.ts'
import type { EncryptionKeys } from './shared/encryption-keys.ts'
import { ensurePartitions } from './tokens/partitions.ts'

/** What the first start created, with the secrets, which are shown once and not stored. */
export interface FirstStart {
  readonly operator: { readonly email: string; readonly password: string }
  readonly admin: { readonly email: string; readonly password: string }
  readonly accountId: string
  readonly api: { readonly identifier: string; readonly clientId: string; readonly clientSecret: string }
  readonly keyPair: { readonly clientId: string; readonly clientSecret: string }
  /** The client of `/demo`, which shows a sign-in with consent. */
  readonly demo: { readonly clientId: string }
}

const ACTOR: Actor = { type: 'system', id: 'bootstrap' }

/**
 * The demo application's redirect URIs are on this server. Without a configured issuer they are loopback addresses, which
 * match any port (RFC 8252, section 7.3).
 */
function demoRedirectUris(issuer: string | undefined): string[] {
  const origins = issuer ? [issuer] : ['http://127.0.0.1', 'http://localhost', 'http://[::1]']
  return origins.map((origin) => `${origin}/demo/callback`)
}

async function createDemo(trx: Knex, accountId: string, issuer: string | undefined): Promise<FirstStart['demo']> {
  const settings = {
    ...DEFAULT_SETTINGS,
    name: 'Demo application',
    grants: [AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT],
    redirectUris: demoRedirectUris(issuer),
    isPublic: true,
  }
  const { client } = await createClient(trx, { accountId, settings, apis: [], scopes: null }, ACTOR)
  return { clientId: client.clientId }
}

async function createFirst(trx: Knex, issuer: string | undefined): Promise<FirstStart> {
  const operator = await addUser(trx, { email: 'operator@keywright.example', role: 'operator', accountId: null }, ACTOR)
  const account = await addAccount(trx, { name: 'Example' }, ACTOR)
  const admin = await addUser(trx, { email: 'admin@keywright.example', role: 'admin', accountId: account.id }, ACTOR)
  const declared = {
    identifier: 'https://api.keywright.example',
    scopes: ['all'],
    tokenTtl: 36_000,
    policy: 'single' as const,
    signingAlg: 'ES256' as const,
    isDefault: true,
  }
  const api = await createApi(trx, declared, ACTOR)
  const all = {
    title: 'Full access to the API',
    description: 'Read and change everything that the API offers in your name.',
  }
  await describeScopes(trx, declared.identifier, { all }, ACTOR)
  // The key pair may also call the management API, to try everything that the console does.
  const apis = [declared.identifier, MANAGEMENT_API]
  const pair = await generateKeyPair(trx, { user: admin.user.id, apis }, ACTOR)
  return {
    operator: { email: operator.user.email, password: operator.password },
    admin: { email: admin.user.email, password: admin.password },
    accountId: account.id,
    api: { identifier: declared.identifier, clientId: api.client.clientId, clientSecret: api.clientSecret! },
    keyPair: { clientId: pair.client.clientId, clientSecret: pair.clientSecret! },
    demo: await createDemo(trx, account.id, issuer),
  }
}

/** Declares the management API with the scopes of this version. */
export async function ensureManagementApi(knex: Knex): Promise<void> {
  const texts = Object.entries(MANAGEMENT_SCOPES).map(([scope, title]) => [scope, { title, description: '' }])
  await ensureBuiltInApi(knex, MANAGEMENT_API, Object.fromEntries(texts), ACTOR)
}

/**
 * Creates what a server needs, such as signing keys, and on an empty database what a new installation needs: an operator, an
 * account with an admin, an API, a key pair and a demo application. Undefined when they exist already. Any number of nodes
 * may call it at once; one of them creates them.
 * @param issuer absent: the listening address
 */
export async function bootstrap(
  knex: Knex,
  encryptionKeys: EncryptionKeys,
  issuer?: string,
): Promise<FirstStart | undefined> {
  for (const alg of ID_TOKEN_ALGS) await ensureSigningKeys(knex, alg, encryptionKeys)
  await ensureAuditChain(knex, encryptionKeys, { isNew: !(await hasAccounts(knex)) })
  await ensurePartitions(knex)
  await ensureManagementApi(knex)
  if (await hasAccounts(knex)) return undefined
  return await knex.transaction(async (trx) => {
    await trx.raw('SELECT pg_advisory_xact_lock(hashtext(?))', ['keywright bootstrap'])
    return (await hasAccounts(trx)) ? undefined : await createFirst(trx, issuer)
  })
}

/** A command that gets a token. */
export function tokenCommand(issuer: string, keyPair: FirstStart['keyPair']): string {
  const { clientId, clientSecret } = keyPair
  const form = `grant_type=${CLIENT_CREDENTIALS_GRANT}&client_id=${clientId}&client_secret=${clientSecret}`
  return `curl --silent --data "${form}" ${issuer}/oauth2/token`
}

export const demoLink = (issuer: string, demo: FirstStart['demo']): string =>
  `${issuer}/demo?client_id=${demo.clientId}`

/** The message of the first start. */
export function describeFirstStart(issuer: string, created: FirstStart): string {
  return `
Keywright is set up. These credentials are shown only once:

  Console    ${issuer}/  (its API: ${issuer}/api/v1/docs)
  Operator   ${created.operator.email}  one-time password ${created.operator.password}
  Admin      ${created.admin.email}  one-time password ${created.admin.password}

  API        ${created.api.identifier}
             introspection as ${created.api.clientId} with secret ${created.api.clientSecret}

  Get a token with the admin's key pair:

${tokenCommand(issuer, created.keyPair)}

  Try what a user sees: sign in as the admin, allow or deny access, and inspect the tokens:

${demoLink(issuer, created.demo)}

`
}

/** The message of each later start. */
export function describeLaterStart(issuer: string): string {
  return `
Keywright serves ${issuer}/. To give a user a new one-time password, run:

  npm run -s keywright -- user reset-password operator@keywright.example

`
}
