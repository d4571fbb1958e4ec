import type { Knex } from 'knex'
import { createAccount } from '../../src/accounts/accounts.ts'
import type { Role } from '../../src/accounts/user-attributes.ts'
import { createUser } from '../../src/accounts/users.ts'
import { DEFAULT_API_SETTINGS, type NewApi } from '../../src/apis/api-settings.ts'
import type { Actor } from '../../src/audit/audit-log.ts'
import type { ClientCertificate } from '../../src/clients/client-certificates.ts'
import type { PublicKey } from '../../src/clients/client-keys.ts'
import { type ClientSettings, DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import type { WorkloadTrust } from '../../src/clients/workload-trusts.ts'
import type { Database } from '../../src/database/open-database.ts'
import { ensureSigningKeys } from '../../src/keys/signing-keys.ts'
import { createApi } from '../../src/management/api-changes.ts'
import { createClient } from '../../src/management/client-registration.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import type { EncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { createTestUser } from './test-users.ts'

export const ACTOR: Actor = { type: 'system', id: 'tests' }

/** Where applications that are made here get their codes. */
export const CALLBACK = 'https://app.example.com/callback'

export interface NewClient {
  readonly settings?: Partial<ClientSettings>
  readonly apis?: readonly string[]
  readonly scopes?: readonly string[] | null
  readonly account?: string | undefined
  readonly keys?: readonly PublicKey[] | undefined
  readonly certificates?: readonly ClientCertificate[] | undefined
  readonly trusts?: readonly WorkloadTrust[] | undefined
}

/** Makes what tests need by the features themselves, without a process for each. `home`: the account that is meant. */
export function createCommonFactory(
  knex: Knex,
  encryptionKeys: EncryptionKeys,
  home: (name: string) => Promise<string>,
) {
  let made = 0
  const nextName = (what: string) => `${what}-${++made}`
  let first: Promise<string> | undefined
  async function accountOf(id?: string): Promise<string> {
    first ??= home(nextName('account'))
    return id ?? (await first)
  }

  /** A confidential client for client_credentials, unless the settings say otherwise. */
  async function register({ settings, apis = [], scopes = null, account, ...credentials }: NewClient) {
    const all = { ...DEFAULT_SETTINGS, name: nextName('client'), grants: ['client_credentials'], ...settings }
    const request = { accountId: await accountOf(account), settings: all, apis, scopes, ...credentials }
    const { client, clientSecret, apiKey } = await createClient(knex, request, ACTOR)
    return { key: client.key, clientId: client.clientId, clientSecret: clientSecret!, apiKey: apiKey! }
  }

  return {
    account: async () => (await createAccount(knex, { name: nextName('account') })).id,
    accountId: () => accountOf(),

    async api(settings: Partial<NewApi> = {}, keys?: readonly PublicKey[]) {
      const api = {
        ...DEFAULT_API_SETTINGS,
        identifier: `https://${nextName('api')}.example.com`,
        scopes: ['read', 'write'],
        ...settings,
      }
      await ensureSigningKeys(knex, api.signingAlg, encryptionKeys)
      const { client, clientSecret } = await createApi(knex, api, ACTOR, { keys })
      return { identifier: api.identifier, clientId: client.clientId, clientSecret: clientSecret! }
    },

    register,

    /** Asks people, whom it spares the allow/deny page. */
    application: (apis: readonly string[], settings: Partial<ClientSettings> = {}, account?: string) =>
      register({
        settings: {
          grants: ['authorization_code', 'refresh_token'],
          redirectUris: [CALLBACK],
          consent: 'skip',
          ...settings,
        },
        apis,
        account,
      }),

    async user(account?: string, role: Role = 'admin') {
      const email = `${nextName('user')}@example.com`
      return (await createUser(knex, { email, role, accountId: await accountOf(account) })).user
    },

    /** Somebody with a password of their own. */
    person: async (account?: string) => await createTestUser(knex, await accountOf(account)),

    async keyPair(user: string, apis: string[] = []) {
      const { client, clientSecret, revoked } = await generateKeyPair(knex, { user, apis }, ACTOR)
      return { key: client.key, clientId: client.clientId, clientSecret: clientSecret!, revoked }
    },
  }
}

/** For a database without a first start: clients are of some account of their own. */
export function createMaker({ knex }: Database, encryptionKeys: EncryptionKeys) {
  const maker = createCommonFactory(knex, encryptionKeys, async (name) => (await createAccount(knex, { name })).id)
  return {
    ...maker,
    client: (apis: string[], settings: Partial<ClientSettings> = {}, account?: string) =>
      maker.register({ apis, settings, account }),
  }
}
