import type { JsonWebKey } from 'node:crypto'
import type { Knex } from 'knex'
import type { SigningAlg } from '../shared/algorithms.ts'
import { HAS_EXPIRED } from '../shared/secret-lifetimes.ts'
import { ALL_CLIENTS, CLIENT_COLUMNS, CLIENT_STOPPED_AT, clientJoins, MAY_SEE } from './client-columns.ts'
import { clientFinding } from './client-findings.ts'
import { type ClientColumns, type Finding, findingOf, type Verdict, verdictOnClient } from './findings.ts'
import { SECRET_STOPPED_AT } from './secret-findings.ts'

/** What a caller expects of a token. */
export interface TokenExpectation {
  /** Identifier of the API that refused the token. */
  readonly api?: string | undefined
  /** A scope that the API needs. */
  readonly scope?: string | undefined
}

/** What finds the signing key of a JWT, its token, and its client if the token is no longer recorded. Null: it is not looked up. */
export interface TokenClaims {
  readonly kid: string | null
  readonly jti: string | null
  readonly clientId: string | null
}

/** A signing key, without its private half. */
interface FoundKey {
  readonly alg: SigningAlg
  readonly public_jwk: JsonWebKey
}

interface TokenRow extends ClientColumns {
  jti: string
  issued_at: Date
  expires_at: Date
  scope: string
  subject: string
  /** The subject is an account. */
  of_account: boolean
  api: string
  expired: boolean
  revoked_at: Date | null
  secret_retired: boolean
  secret_retires_at: Date | null
  /** The secret stopped because its expiry came. */
  secret_expired: boolean
  epoch_raised: boolean
  key_revoked_at: Date | null
  /** When the newest token was issued; null: this is the newest one, or the API allows several. */
  replaced_at: Date | null
}

/** Audit events of a client, its owner, its account or the instance that revoke every token of the client. */
const REVOKING = `
  'client.archived', 'client.restored', 'client.tokens_revoked', 'client.secret_rotated', 'client.updated', 'key_pair.stopped',
  'user.disabled', 'user.tokens_revoked', 'account.disabled', 'account.enabled', 'account.api_disabled', 'account.api_enabled',
  'instance.api_disabled', 'instance.api_enabled', 'leak.reported'`

/** SQL: whether the event `l`, of an action that revokes only in some cases, revoked the tokens. */
const DID_REVOKE = `
  CASE l.action WHEN 'leak.reported' THEN l.detail->>'kind' = 'api_key' AND l.detail->>'revoked' = 'true'
                WHEN 'client.secret_rotated' THEN l.detail->>'overlap' = '0'
                WHEN 'client.updated' THEN l.detail#>>'{changes,apiKeyRequired,to}' = 'false' ELSE true END`

/** SQL: when the revocation epoch of the client was raised first after the token was issued. */
const EPOCH_RAISED_AT = `
  SELECT min(l.at) FROM audit_log l
   WHERE t.revocation_epoch <> c.revocation_epoch AND l.at >= t.issued_at AND l.action IN (${REVOKING})
     AND l.target_id IN (c.client_id, c.user_id::text, c.account_id::text, 'instance') AND ${DID_REVOKE}`

const STOPPED_AT = `coalesce(t.revoked_at, ${CLIENT_STOPPED_AT}, ${SECRET_STOPPED_AT}, (${EPOCH_RAISED_AT}))`

/** SQL: IDs of what was changed where a change revoked the token alone: also the API, or the account of its user. */
const TARGETS = [
  't.jti::text',
  't.grant_id::text',
  't.subject',
  'p.identifier',
  `(SELECT u.account_id::text FROM users u WHERE u.id = nullif(t.subject, '')::uuid)`,
]

const READ_TOKEN = `
  SELECT t.jti, t.issued_at, t.expires_at, t.scope, t.subject, coalesce(t.user_account_id::text = t.subject, false) AS of_account, t.revoked_at, p.identifier AS api, t.expires_at <= now() AS expired,
         t.secret_id IS NOT NULL AND (s.id IS NULL OR coalesce(s.retires_at <= now(), false)) AS secret_retired,
         s.retires_at AS secret_retires_at, coalesce(${HAS_EXPIRED}, false) AS secret_expired, k.revoked_at AS key_revoked_at, t.revocation_epoch <> c.revocation_epoch AS epoch_raised,
         CASE WHEN t.sequence < g.sequence THEN to_timestamp(g.sequence / 1e6) END AS replaced_at, ${CLIENT_COLUMNS}
    FROM access_tokens t
    JOIN ${ALL_CLIENTS} c ON c.id = t.client_id AND ${MAY_SEE}
    JOIN apis p ON p.id = t.api_id
    LEFT JOIN client_secrets s ON s.id = t.secret_id
    LEFT JOIN revoked_signing_keys k ON k.id = t.signing_key
    LEFT JOIN single_tokens g ON g.client_id = t.client_id AND g.api_id = t.api_id AND g.subject = t.subject
    ${clientJoins(STOPPED_AT, ...TARGETS)}
   WHERE t.jti = :jti
   LIMIT 1`

/** The columns of `READ_TOKEN` that are not of the client. */
const NO_TOKEN = Array(15).fill('NULL').join(', ')

// A revoked key still tells whose a token is.
const READ_KEY = `
  SELECT alg, public_jwk FROM signing_keys WHERE kid = :kid
   UNION ALL SELECT alg, public_jwk FROM revoked_signing_keys WHERE kid = :kid`

const READ_TOKEN_OR_CLIENT = `
  WITH token AS MATERIALIZED (${READ_TOKEN})
  SELECT * FROM token
   UNION ALL
  SELECT ${NO_TOKEN}, ${CLIENT_COLUMNS}
    FROM (SELECT c.* FROM ${ALL_CLIENTS} c
           WHERE c.client_id = :clientId AND ${MAY_SEE} AND NOT EXISTS (SELECT 1 FROM token)) c
    ${clientJoins(CLIENT_STOPPED_AT)}`

const READ_ALL = `
  SELECT k.alg, k.public_jwk, f.*
    FROM (SELECT 1) one LEFT JOIN (${READ_KEY}) k ON true LEFT JOIN (${READ_TOKEN_OR_CLIENT}) f ON true`

type FoundRow = Partial<FoundKey> & ((TokenRow & ClientColumns) | (ClientColumns & { jti: null }) | { client_id: null })

/** What revoked the token itself, or the grants of its client. */
function verdictOnRevocation(row: TokenRow): Verdict | undefined {
  if (row.revoked_at) return { reason: 'token_revoked', since: row.revoked_at }
  const client = verdictOnClient(row)
  if (client.reason) return client
  if (row.secret_retired)
    return { reason: row.secret_expired ? 'secret_expired' : 'secret_retired', since: row.secret_retires_at }
  if (row.key_revoked_at) return { reason: 'signing_key_revoked', since: row.key_revoked_at }
  if (row.epoch_raised) return { reason: 'token_revoked', since: row.stopped_at }
  return row.replaced_at ? { reason: 'token_replaced', since: row.replaced_at } : undefined
}

function verdictOn(row: TokenRow, { api, scope }: TokenExpectation): Verdict {
  if (row.expired) return { reason: 'token_expired', since: row.expires_at }
  const revoked = verdictOnRevocation(row)
  if (revoked) return revoked
  if (api !== undefined && api !== row.api) return { reason: 'wrong_audience' }
  if (scope !== undefined && !row.scope.split(' ').includes(scope)) return { reason: 'insufficient_scope' }
  return { reason: null }
}

function toFinding(row: TokenRow, expected: TokenExpectation): Finding {
  const { jti, scope, subject, of_account, issued_at, expires_at, api } = row
  const times = { issuedAt: issued_at.toISOString(), expiresAt: expires_at.toISOString() }
  const ofWhom = of_account ? { userId: null, accountId: subject } : { userId: subject || null, accountId: null }
  const token = { jti, scope, ...ofWhom, ...times }
  return findingOf(row, verdictOn(row, expected), { kind: 'access_token', api, token })
}

function findingOfRow(row: FoundRow, expected: TokenExpectation): Finding | undefined {
  if (row.client_id === null) return undefined
  return row.jti === null ? clientFinding(row) : toFinding(row, expected)
}

export interface FoundToken {
  readonly key: FoundKey | undefined
  /** The access token; if it is not recorded, the client. Undefined if neither is found. */
  readonly finding: Finding | undefined
}

/**
 * Finds the parts of an access token in one statement. The claims of a JWT may not be verified yet: then the finding is only used
 * after its signature was verified with the key.
 * @param account the only account that is searched; null: every account
 */
export async function findToken(
  knex: Knex,
  account: string | null,
  claims: TokenClaims,
  expected: TokenExpectation,
): Promise<FoundToken> {
  const row: FoundRow = (await knex.raw(READ_ALL, { account, ...claims } as never)).rows[0]
  const { alg, public_jwk } = row
  return { key: alg && public_jwk && { alg, public_jwk }, finding: findingOfRow(row, expected) }
}
