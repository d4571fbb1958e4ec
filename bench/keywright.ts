import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { createAccount } from '../src/accounts/accounts.ts'
import { bootstrap } from '../src/bootstrap.ts'
import { parsePublicKeys } from '../src/clients/client-keys.ts'
import { DEFAULT_SETTINGS } from '../src/clients/client-settings.ts'
import { migrate } from '../src/database/migrations.ts'
import { type Database, openDatabase } from '../src/database/open-database.ts'
import { createApi } from '../src/management/api-changes.ts'
import { createClient } from '../src/management/client-registration.ts'
import { createEncryptionKeys } from '../src/shared/encryption-keys.ts'
import { generateIdentifier, generateSecret, hashSecret } from '../src/shared/secrets.ts'

export interface Credentials {
  readonly id: string
  readonly secret: string
}

/** A database with an API and so many clients of it, ready to serve. */
export interface Population {
  readonly database: Database
  readonly environment: Record<string, string>
  readonly api: Credentials
  readonly clients: readonly Credentials[]
}

const ACTOR = { type: 'system' as const, id: 'bench' }

/** Clients beyond the first are copies of its row: made through the feature one by one, 100,000 would take minutes. */
async function copyClient(database: Database, first: Credentials, count: number): Promise<Credentials[]> {
  const made: Credentials[] = []
  const { knex } = database
  const [{ id: pattern }] = await knex('clients').where({ client_id: first.id }).select('id')
  while (made.length < count) {
    const batch = Array.from({ length: Math.min(2000, count - made.length) }, () => ({
      id: generateIdentifier('kwc_'),
      secret: generateSecret('clientSecret'),
    }))
    const rows = batch.map(({ id, secret }) => ({ id, hash: hashSecret(secret).toString('hex') }))
    await knex.raw(
      `WITH given AS (SELECT * FROM json_to_recordset(?) AS g(id text, hash text)),
            client AS (
              INSERT INTO clients (client_id, kind, account_id, name, grants, policy)
              SELECT g.id, c.kind, c.account_id, c.name || ' ' || g.id, c.grants, c.policy FROM given g, clients c WHERE c.id = ?
              RETURNING id, client_id),
            access AS (
              INSERT INTO client_apis (client_id, api_id, position)
              SELECT c.id, a.api_id, a.position FROM client c, client_apis a WHERE a.client_id = ?)
       INSERT INTO client_secrets (client_id, kind, hash, last_four)
       SELECT c.id, 'secret', decode(g.hash, 'hex'), 'copy' FROM client c JOIN given g ON g.id = c.client_id`,
      [JSON.stringify(rows), pattern, pattern],
    )
    made.push(...batch)
  }
  await knex.raw('ANALYZE')
  return made
}

export async function populate(url: string, count: number, policy: 'none' | 'single'): Promise<Population> {
  const database = openDatabase(url)
  const encryptionKey = randomBytes(32)
  await migrate(database.knex)
  await bootstrap(database.knex, createEncryptionKeys([encryptionKey]))
  const declared = { identifier: 'https://api.bench.example', scopes: ['all'], tokenTtl: 3600, policy }
  const api = await createApi(database.knex, { ...declared, signingAlg: 'ES256', isDefault: true }, ACTOR)
  const account = await createAccount(database.knex, { name: 'Bench' })
  const settings = { ...DEFAULT_SETTINGS, name: 'Bench', grants: ['client_credentials'] }
  const request = { accountId: account.id, settings, apis: [], scopes: null }
  const { client, clientSecret } = await createClient(database.knex, request, ACTOR)
  const first = { id: client.clientId, secret: clientSecret! }
  return {
    database,
    environment: { DATABASE_URL: url, ENCRYPTION_KEY: encryptionKey.toString('base64') },
    api: { id: api.client.clientId, secret: api.clientSecret! },
    clients: [first, ...(await copyClient(database, first, count - 1))],
  }
}

/** A client that authenticates by its private key. */
export interface KeyClient {
  readonly id: string
  readonly privateKey: KeyObject
}

/** Registers so many clients, each with an ES256 key. */
export async function registerKeyClients({ knex }: Database, count: number): Promise<KeyClient[]> {
  const account = await createAccount(knex, { name: 'Bench of keys' })
  const settings = {
    ...{ ...DEFAULT_SETTINGS, name: 'Bench of keys', grants: ['client_credentials'] },
    authMethod: 'private_key_jwt' as const,
  }
  const made: KeyClient[] = []
  for (let n = 0; n < count; n++) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const keys = await parsePublicKeys(JSON.stringify(publicKey.export({ format: 'jwk' })))
    const { client } = await createClient(
      knex,
      { accountId: account.id, settings, apis: [], scopes: null, keys },
      ACTOR,
    )
    made.push({ id: client.clientId, privateKey })
  }
  return made
}

/** The size of `access_tokens` on disk with its indexes, in bytes. */
export async function accessTokenTableSize({ knex }: Database): Promise<{ tokens: number; bytes: number }> {
  const { rows } = await knex.raw(
    `SELECT (SELECT count(*) FROM access_tokens)::int AS tokens,
            (SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits
              WHERE inhparent = 'access_tokens'::regclass)::float8 AS bytes`,
  )
  return rows[0]
}
