import type { Knex } from 'knex'
import { addAccount } from './accounts/accounts.ts'
import { addUser } from './accounts/user-administration.ts'
import type { Actor } from './audit/audit-log.ts'
import { DEFAULT_SETTINGS } from './clients/client-settings.ts'
import { AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT } from './clients/grant-types.ts'
import { createApi, describeScopes } from './management/api-changes.ts'
import { createClient } from './management/client-registration.ts'
import { generateKeyPair } from './management/key-pair-generation.ts'
import { MANAGEMENT_API } from './management/management-scopes.ts'

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

/**
 * The demo application's redirect URIs are on this server. Without a configured issuer they are loopback addresses, which
 * match any port (RFC 8252, section 7.3).
 */
function demoRedirectUris(issuer: string | undefined): string[] {
  const origins = issuer ? [issuer] : ['http://127.0.0.1', 'http://localhost', 'http://[::1]']
  return origins.map((origin) => `${origin}/demo/callback`)
}

async function createDemo(
  trx: Knex,
  accountId: string,
  issuer: string | undefined,
  actor: Actor,
): Promise<FirstStart['demo']> {
  const settings = {
    ...DEFAULT_SETTINGS,
    name: 'Demo application',
    grants: [AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT],
    redirectUris: demoRedirectUris(issuer),
    isPublic: true,
  }
  const { client } = await createClient(trx, { accountId, settings, apis: [], scopes: null }, actor)
  return { clientId: client.clientId }
}

/** What `bootstrap` creates in an empty database. @param issuer absent: the listening address */
export async function createFirst(trx: Knex, issuer: string | undefined, actor: Actor): Promise<FirstStart> {
  const operator = await addUser(trx, { email: 'operator@keywright.example', role: 'operator', accountId: null }, actor)
  const account = await addAccount(trx, { name: 'Example' }, actor)
  const admin = await addUser(trx, { email: 'admin@keywright.example', role: 'admin', accountId: account.id }, actor)
  const declared = {
    identifier: 'https://api.keywright.example',
    scopes: ['all'],
    tokenTtl: 36_000,
    policy: 'single' as const,
    signingAlg: 'ES256' as const,
    isDefault: true,
  }
  const api = await createApi(trx, declared, actor)
  const all = {
    title: 'Full access to the API',
    description: 'Read and change everything that the API offers in your name.',
  }
  await describeScopes(trx, declared.identifier, { all }, actor)
  // The key pair may also call the management API, to try everything that the console does.
  const apis = [declared.identifier, MANAGEMENT_API]
  const pair = await generateKeyPair(trx, { user: admin.user.id, apis }, actor)
  return {
    operator: { email: operator.user.email, password: operator.password },
    admin: { email: admin.user.email, password: admin.password },
    accountId: account.id,
    api: { identifier: declared.identifier, clientId: api.client.clientId, clientSecret: api.clientSecret! },
    keyPair: { clientId: pair.client.clientId, clientSecret: pair.clientSecret! },
    demo: await createDemo(trx, account.id, issuer, actor),
  }
}
