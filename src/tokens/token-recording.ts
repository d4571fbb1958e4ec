import type { RecordedUse } from '../clients/assertion-uses.ts'
import { type CountedQuotas, ownersOf, type QuotaDecision, usesByOwner } from '../clients/quotas.ts'
import { createBatches } from '../database/batches.ts'
import type { Database } from '../database/open-database.ts'
import type { ServerWatch } from '../database/server-watch.ts'
import {
  RECORD,
  RECORD_UNCONTENDED,
  RECORD_WITH_USES,
  RECORD_WITH_USES_UNCONTENDED,
  RECORD_WITHIN_QUOTAS,
  RECORD_WITHIN_QUOTAS_UNCONTENDED,
} from './record-statement.ts'

/** An access token that another one is exchanged for (RFC 8693). */
export interface SubjectToken {
  readonly jti: string
  /** Seconds since 1970, as in the JWT. */
  readonly expiresAt: number
}

/** An access token to be recorded. Keys and versions come from the registration by which the client was authenticated. */
export interface TokenRecord {
  readonly jti: string
  readonly clientKey: number
  readonly clientVersion: number
  readonly apiId: number
  readonly apiVersion: number
  /** Null when the client did not authenticate with a secret. */
  readonly secretId: number | null
  /** Milliseconds since 1970. Null unless the secret is about to retire. */
  readonly secretRetiresAt: number | null
  /** The user's id. Empty when the client acts for itself. */
  readonly subject: string
  /** The account for which the token acts; undefined: the client acts for itself, or for an operator. */
  readonly userAccountId?: string | undefined
  readonly scope: string
  /** Seconds since 1970, as in the JWT. */
  readonly issuedAt: number
  /** Seconds since 1970, as in the JWT. */
  readonly expiresAt: number
  /** Token policy `single`: recording this token revokes the earlier tokens of the same client, subject and API. */
  readonly single: boolean
  readonly grantId: string | null
  /** The key of the token's status list. */
  readonly statusList: number
  /** The token's index in that list. */
  readonly statusIndex: number
  /** What the token is counted for (`quotaKeyOf`); null: its client has no quota. */
  readonly quotaKey: string | number | null
  /** The id of the key that signs the token. Revoking the key revokes the token. */
  readonly signingKey: number
  /** Absent: the token is not exchanged. Only `planInTransaction` records a token that is. */
  readonly subjectToken?: SubjectToken | undefined
  /** The use of a client assertion that is recorded with the token, or, where an earlier one is, prevents it. Only of clients without a quota. */
  readonly assertionUse?: RecordedUse | undefined
}

export interface RecordResult {
  /**
   * False when the client is stale: its registration, its API, the status list or the signing key changed. Then nothing was
   * recorded.
   */
  readonly recorded: boolean
  readonly keyRingVersion: number
  /** Undefined: the client has no quota, or is stale. `refused`: nothing was recorded. */
  readonly quota: QuotaDecision | undefined
  /** Of `assertionUse`. Undefined: there is none, or it was neither recorded nor found because the client is not active. */
  readonly isFirstUse: boolean | undefined
}

const toJson = (record: TokenRecord, n: number) => ({
  n,
  jti: record.jti,
  client: record.clientKey,
  client_version: record.clientVersion,
  api: record.apiId,
  api_version: record.apiVersion,
  secret: record.secretId,
  retires: record.secretRetiresAt === null ? null : new Date(record.secretRetiresAt).toISOString(),
  subject: record.subject,
  account: record.userAccountId,
  scope: record.scope,
  iat: record.issuedAt,
  exp: record.expiresAt,
  single: record.single,
  grant_id: record.grantId,
  list: record.statusList,
  idx: record.statusIndex,
  key: record.signingKey,
  ...(record.subjectToken && { subject_token: record.subjectToken.jti, subject_exp: record.subjectToken.expiresAt }),
  ...(record.assertionUse && { use_hash: record.assertionUse.hash, use_until: record.assertionUse.rememberUntil }),
})

/** The parameters of `RECORD`. */
export const recordValues = (records: readonly TokenRecord[]): [string, number[]] => [
  JSON.stringify(records.map(toJson)),
  [...new Set(records.map((record) => record.clientKey))],
]

/** The row that a recording statement returns. `quotas` only from statements within quotas. */
export interface RecordRow {
  key_ring_version: number
  server: number
  recorded: string[] | null
  /** Clients that are not active or whose locks were not free. */
  skipped: number[] | null
  quotas?: CountedQuotas | null
  /** Only from statements with uses: the requests whose assertion is used for the first time. */
  first_uses?: number[] | null
}

/** Answers what the quotas mean for each of the records. Undefined: the record's client has no quota, or is stale. */
export function quotaDecisions({
  quotas,
  recorded,
}: RecordRow): (record: TokenRecord, n: number) => QuotaDecision | undefined {
  if (!quotas) return () => undefined
  const usesOf = usesByOwner(ownersOf(quotas))
  const known = new Set(recorded)
  return ({ jti, clientKey, quotaKey }, n) => {
    const isRefused = quotas.refused.includes(n)
    if (!isRefused && !known.has(jti)) return undefined
    const outcome = isRefused ? 'refused' : quotas.exceeded.includes(n) ? 'exceeded' : 'within'
    return { uses: usesOf(clientKey, quotaKey), outcome }
  }
}

interface RecordStatement {
  readonly name: string
  readonly text: string
  readonly share: 'changes' | 'recording'
  /** Whether it waits for no client, and may skip some. */
  readonly skips: boolean
}

interface RecordStatements {
  readonly trying: RecordStatement
  readonly waiting: RecordStatement
}

export const WITHOUT_QUOTAS: RecordStatements = {
  trying: { name: 'access-token-record-uncontended', text: RECORD_UNCONTENDED, share: 'recording', skips: true },
  waiting: { name: 'access-token-record', text: RECORD, share: 'changes', skips: false },
}

/** They wait for counts, so they leave the connections for recording to clients without a quota. */
export const WITHIN_QUOTAS: RecordStatements = {
  trying: {
    name: 'access-token-record-within-quotas-uncontended',
    text: RECORD_WITHIN_QUOTAS_UNCONTENDED,
    share: 'changes',
    skips: true,
  },
  waiting: { name: 'access-token-record-within-quotas', text: RECORD_WITHIN_QUOTAS, share: 'changes', skips: false },
}

/** They record the uses of client assertions, too. */
export const WITH_USES: RecordStatements = {
  trying: {
    name: 'access-token-record-with-uses-uncontended',
    text: RECORD_WITH_USES_UNCONTENDED,
    share: 'recording',
    skips: true,
  },
  waiting: { name: 'access-token-record-with-uses', text: RECORD_WITH_USES, share: 'changes', skips: false },
}

/** Undefined for the tokens of clients that the statement skipped. */
async function recordAll(
  db: Database,
  server: ServerWatch,
  { skips, ...statement }: RecordStatement,
  records: TokenRecord[],
): Promise<(RecordResult | undefined)[]> {
  const [row] = (await db.query<RecordRow>({ ...statement, values: recordValues(records) })) as [RecordRow]
  server.notice(row.server)
  const recorded = new Set(row.recorded)
  const skipped = new Set(row.skipped)
  const firstUses = new Set(row.first_uses)
  const quotaOf = quotaDecisions(row)
  return records.map((record, n) =>
    skips && skipped.has(record.clientKey)
      ? undefined
      : {
          recorded: recorded.has(record.jti),
          keyRingVersion: row.key_ring_version,
          quota: quotaOf(record, n),
          isFirstUse: record.assertionUse && !skipped.has(record.clientKey) ? firstUses.has(n) : undefined,
        },
  )
}

/** Records tokens in batches; those that wait for the same locks one batch after another. */
export const recordInBatches = (db: Database, server: ServerWatch, { trying, waiting }: RecordStatements) =>
  createBatches({
    run: (records: TokenRecord[]) => recordAll(db, server, trying, records),
    contended: {
      keyOf: ({ quotaKey, clientKey }) => quotaKey ?? clientKey,
      run: async (records) => (await recordAll(db, server, waiting, records)) as RecordResult[],
      maxInFlight: 2,
    },
    maxInFlight: 2,
    maxSize: 200,
  })
