import type { Knex } from 'knex'
import { hashSecret } from '../shared/secrets.ts'
import type { LeakKind } from './leak-patterns.ts'
import type { RecognizedLeak } from './recognized-leaks.ts'

/** A recognized credential that exists, and whose it is. */
export interface LeakedCredential {
  readonly kind: LeakKind
  readonly hash: Buffer
  readonly clientKey: number
  readonly clientId: string
  /** Null: the client of an API or of the instance. */
  readonly accountId: string | null
  /** What the account wants. Without an account: `revoke`. */
  readonly policy: 'revoke' | 'report'
  readonly isActive: boolean
  readonly secretId: number | null
  readonly lastFour: string | null
  readonly grantId: string | null
  readonly jti: string | null
}

interface CredentialRow {
  kind: LeakKind
  hash: Buffer | null
  client_key: string | number
  client_id: string
  account_id: string | null
  policy: LeakedCredential['policy']
  active: boolean
  secret_id: string | number | null
  last_four: string | null
  grant_id: string | null
  jti: string | null
}

const OWNER = `c.id AS client_key, c.client_id, c.account_id, coalesce(a.leaked_credentials, 'revoke') AS policy`

/** SQL: only credentials of the account. `:account` is null for an operator. */
const VISIBLE = '(CAST(:account AS uuid) IS NULL OR c.account_id = CAST(:account AS uuid))'

/** The secret of an archived client can work again when the client is restored. */
const SECRETS = `
  SELECT CASE s.kind WHEN 'api_key' THEN 'api_key' ELSE 'client_secret' END AS kind, s.hash, ${OWNER},
         c.status <> 'replaced' AND (s.retires_at IS NULL OR s.retires_at > now()) AS active,
         s.id AS secret_id, s.last_four, NULL AS grant_id, NULL AS jti
    FROM client_secrets s
    JOIN clients c ON c.id = s.client_id
    LEFT JOIN accounts a ON a.id = c.account_id
   WHERE s.hash = ANY (:keys) AND ${VISIBLE}`

const REFRESH_TOKENS = `
  SELECT 'refresh_token' AS kind, r.family_hash AS hash, ${OWNER},
         EXISTS (SELECT FROM active_refresh_tokens v WHERE v.grant_id = r.grant_id) AS active,
         NULL AS secret_id, NULL AS last_four, r.grant_id, NULL AS jti
    FROM refresh_tokens r
    JOIN clients c ON c.id = r.client_id
    LEFT JOIN accounts a ON a.id = c.account_id
   WHERE r.family_hash = ANY (:keys) AND ${VISIBLE}`

const ACCESS_TOKENS = `
  SELECT 'access_token' AS kind, NULL AS hash, ${OWNER},
         EXISTS (SELECT FROM active_access_tokens v WHERE v.jti = t.jti AND v.expires_at = t.expires_at) AS active,
         NULL AS secret_id, NULL AS last_four, NULL AS grant_id, t.jti
    FROM access_tokens t
    JOIN clients c ON c.id = t.client_id
    LEFT JOIN accounts a ON a.id = c.account_id
   WHERE t.jti = ANY (:keys) AND ${VISIBLE}`

const numberOrNull = (value: string | number | null): number | null => (value === null ? null : Number(value))

const toCredential = (row: CredentialRow): LeakedCredential => ({
  kind: row.kind,
  hash: row.hash ?? hashSecret(row.jti!),
  clientKey: Number(row.client_key),
  clientId: row.client_id,
  accountId: row.account_id,
  policy: row.policy,
  isActive: row.active,
  secretId: numberOrNull(row.secret_id),
  lastFour: row.last_four,
  grantId: row.grant_id,
  jti: row.jti,
})

/** A text under which hashes can be keys of a map. */
export const hashKey = (hash: Buffer): string => hash.toString('hex')

/**
 * The credentials that exist, by `hashKey`, in at most one statement per table.
 * @param account the only account that is searched; null: every account
 */
export async function findLeakedCredentials(
  knex: Knex,
  account: string | null,
  recognized: readonly RecognizedLeak[],
): Promise<ReadonlyMap<string, LeakedCredential>> {
  const ofKinds = (...kinds: LeakKind[]) => recognized.filter(({ kind }) => kinds.includes(kind))
  const searches: [string, readonly (Buffer | string)[]][] = [
    [SECRETS, ofKinds('client_secret', 'api_key').map(({ hash }) => hash)],
    [REFRESH_TOKENS, ofKinds('refresh_token').map(({ hash }) => hash)],
    [ACCESS_TOKENS, ofKinds('access_token').map(({ jti }) => jti!)],
  ]
  const found: CredentialRow[] = []
  for (const [statement, keys] of searches) {
    if (keys.length > 0) found.push(...(await knex.raw(statement, { account, keys } as never)).rows)
  }
  return new Map(found.map(toCredential).map((one) => [hashKey(one.hash), one]))
}
