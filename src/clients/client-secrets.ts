import type { JWK } from 'jose'
import type { Knex } from 'knex'
import type { Environment } from '../shared/environments.ts'
import { isReplaced, works } from '../shared/secret-lifetimes.ts'
import { generateSecret, hashSecret, lastFour } from '../shared/secrets.ts'
import type { ClientCertificate } from './client-certificates.ts'
import type { PublicKey } from './client-keys.ts'
import { expiryFor, type RequestedExpiry } from './secret-expiry.ts'

/** `key`: a public key, which stands in for a client secret. `certificate`: a certificate, or the name of certificates. `trust`: an issuer with conditions. */
export const STORED_SECRET_KINDS = ['secret', 'api_key', 'key', 'certificate', 'trust'] as const
export type StoredSecretKind = (typeof STORED_SECRET_KINDS)[number]

/** A client secret or API key without its value, which is shown once, or a public key. */
export interface SecretSummary {
  readonly id: number
  readonly kind: StoredSecretKind
  readonly lastFour: string
  readonly createdAt: Date
  readonly retiresAt: Date | null
  /** Written asynchronously: the first use at once, later ones with a precision of five minutes. */
  readonly lastUsedAt: Date | null
  readonly lastUsedIp: string | null
  /** The identifier of the API of the last token; null when the last use obtained none. */
  readonly lastUsedApi: string | null
}

interface SecretRow {
  id: number
  kind: StoredSecretKind
  last_four: string
  created_at: Date
  retires_at: Date | null
  last_used_at: Date | null
  last_used_ip: string | null
  last_used_api: string | null
}

/**
 * Generates a secret and stores its hash. Only the return value holds the secret.
 * @throws KeywrightError `invalid_input` (the expiry)
 */
export async function addSecret(
  trx: Knex,
  { key, environment }: { readonly key: number; readonly environment: Environment | null },
  kind: StoredSecretKind,
  requested: RequestedExpiry = { field: 'expiresAt' },
): Promise<string> {
  const expiry = await expiryFor(trx, key, requested)
  const value = generateSecret(kind === 'secret' ? 'clientSecret' : 'apiKey', [], environment)
  await trx('client_secrets').insert({
    client_id: key,
    kind,
    hash: hashSecret(value),
    last_four: lastFour(value),
    expires_at: expiry,
    retires_at: expiry,
  })
  return value
}

/**
 * Stores public keys of a client, by which it signs assertions. The first one counts as the newest.
 * @param set the set that they join; undefined: they are a new one
 * @throws KeywrightError `invalid_input` (the expiry)
 */
export async function addPublicKeys(
  trx: Knex,
  clientKey: number,
  keys: readonly PublicKey[],
  requested: RequestedExpiry = { field: 'expiresAt' },
  set?: string,
): Promise<void> {
  const expiry = await expiryFor(trx, clientKey, requested)
  for (const { jwk, thumbprint } of [...keys].reverse()) {
    await trx('client_secrets').insert({
      client_id: clientKey,
      kind: 'key',
      hash: thumbprint,
      last_four: lastFour(jwk.kid ?? thumbprint.toString('base64url')),
      public_key: JSON.stringify(jwk),
      ...(set && { key_set: trx.raw('?::timestamptz', [set]) }),
      expires_at: expiry,
      retires_at: expiry,
    })
  }
}

/**
 * Stores what a client authenticates by in TLS. A certificate retires at the latest when it expires. The first one counts as the newest.
 * @throws KeywrightError `invalid_input` (the expiry)
 */
export async function addCertificates(
  trx: Knex,
  clientKey: number,
  certificates: readonly ClientCertificate[],
  requested: RequestedExpiry = { field: 'expiresAt' },
): Promise<void> {
  const expiry = await expiryFor(trx, clientKey, requested)
  for (const { hash, subject, expiresAt } of [...certificates].reverse()) {
    const end = expiresAt && (!expiry || expiresAt < expiry) ? expiresAt : expiry
    await trx('client_secrets').insert({
      client_id: clientKey,
      kind: 'certificate',
      hash,
      last_four: lastFour(hash.toString('hex')),
      certificate_subject: subject,
      expires_at: end,
      retires_at: end,
    })
  }
}

/** The public keys or trusts of the newest set that work, in the order in which they were given. A Date would lose the microseconds of the set. */
export async function currentSet(
  trx: Knex,
  clientKey: number,
  kind: 'key' | 'trust',
): Promise<{ hash: Buffer; jwk: JWK | null; key_set: string }[]> {
  return await trx('client_secrets')
    .where({ client_id: clientKey, kind })
    .whereRaw(`${works('client_secrets')} AND NOT ${isReplaced()}`)
    .orderBy('id', 'desc')
    .select('hash', 'public_key as jwk', trx.raw('key_set::text'))
}

/** The newest client secret, public key, certificate or trust that works. Undefined: none works. */
export async function newestSecretId(db: Knex, clientKey: number): Promise<number | undefined> {
  const row = await db('client_secrets')
    .where({ client_id: clientKey })
    .whereIn('kind', ['secret', 'key', 'certificate', 'trust'])
    .whereRaw('(retires_at IS NULL OR retires_at > now())')
    .orderBy('id', 'desc')
    .first('id')
  return row?.id
}

/** A secret of a client, also a retired one that is not deleted yet. */
export async function findSecretOf(
  db: Knex,
  clientKey: number,
  id: number,
): Promise<{ kind: StoredSecretKind; lastFour: string; isRetired: boolean } | undefined> {
  const isRetired = db.raw('coalesce(retires_at <= clock_timestamp(), false) AS is_retired')
  const row = await db('client_secrets').where({ client_id: clientKey, id }).first('kind', 'last_four', isRetired)
  return row && { kind: row.kind, lastFour: row.last_four, isRetired: row.is_retired }
}

/** Whether this is a client secret of the client that works. */
export async function isSecretOf(db: Knex, clientKey: number, value: string): Promise<boolean> {
  const own = { client_id: clientKey, kind: 'secret', hash: hashSecret(value) }
  const row = await db('client_secrets').where(own).whereRaw(works('client_secrets')).first('id')
  return row !== undefined
}

export async function listSecrets(db: Knex, clientKey: number): Promise<SecretSummary[]> {
  const rows: SecretRow[] = await db('client_secrets as s')
    .leftJoin('apis as a', 'a.id', 's.last_used_api_id')
    .where('s.client_id', clientKey)
    .where((valid) => valid.whereNull('s.retires_at').orWhereRaw('s.retires_at > now()'))
    .orderBy('s.created_at', 'desc')
    .select('s.*', 'a.identifier as last_used_api')
  return rows.map((row) => ({
    id: row.id,
    kind: row.kind,
    lastFour: row.last_four,
    createdAt: row.created_at,
    retiresAt: row.retires_at,
    lastUsedAt: row.last_used_at,
    lastUsedIp: row.last_used_ip,
    lastUsedApi: row.last_used_api,
  }))
}

/** A use of a secret. */
export interface SecretUse {
  readonly id: number
  readonly at: Date
  readonly ip: string
  readonly apiId: number | null
}

/**
 * Records the last use of secrets; an earlier use changes nothing. Rows are locked in one order. Rows that another transaction
 * has locked are skipped: returns the ids of their secrets.
 */
export async function recordSecretUses(db: Knex, uses: readonly SecretUse[]): Promise<number[]> {
  if (uses.length === 0) return []
  const { rows } = await db.raw(
    `WITH used AS MATERIALIZED (
       SELECT * FROM json_to_recordset(?) AS u(id bigint, at timestamptz, ip text, api_id integer)),
     locked AS MATERIALIZED (
       SELECT id FROM client_secrets WHERE id = ANY (?) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED),
     recorded AS (
       UPDATE client_secrets s SET last_used_at = u.at, last_used_ip = u.ip, last_used_api_id = u.api_id
         FROM used u
        WHERE s.id = u.id AND s.id IN (SELECT id FROM locked) AND (s.last_used_at IS NULL OR s.last_used_at <= u.at))
     SELECT u.id FROM used u JOIN client_secrets s ON s.id = u.id WHERE u.id NOT IN (SELECT id FROM locked)`,
    [JSON.stringify(uses.map(({ apiId, ...use }) => ({ ...use, api_id: apiId }))), uses.map((use) => use.id)],
  )
  return rows.map(({ id }: { id: number }) => id)
}
