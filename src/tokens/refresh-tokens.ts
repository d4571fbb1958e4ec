import { hkdfSync } from 'node:crypto'
import type { Knex } from 'knex'
import { recordAudit } from '../audit/audit-log.ts'
import type { AuthenticatedClient } from '../clients/authentication.ts'
import { resolveScope } from '../clients/scopes.ts'
import { seal, unseal } from '../shared/envelope.ts'
import { KeywrightError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { generateSecret, hashSecret, secretParts } from '../shared/secrets.ts'
import { type IssuedToken, type Issuer, type PlannedToken, type TokenRequest, withFreshClient } from './issuance.ts'
import { RECORD, recordValues } from './ledger.ts'
import { RETRY_GRACE, revokeGrant } from './refresh-families.ts'

/** The life of a refresh token whose client sets none: 30 days, in seconds. */
export const DEFAULT_REFRESH_TOKEN_TTL = 2_592_000

export interface IssuedTokens extends IssuedToken {
  readonly refreshToken: string
  /** Seconds. */
  readonly refreshTokenExpiresIn: number
}

/** A refresh token that is live. */
export interface ActiveRefreshToken {
  readonly grantId: string
  readonly clientId: string
  readonly audience: string
  readonly subject: string
  readonly scope: string
  readonly issuedAt: Date
  readonly expiresAt: Date
}

interface RefreshRow {
  grant_id: string
  turn_hash: Buffer
  previous_hash: Buffer | null
  turned_at: Date | null
  just_turned: boolean | null
  answer: Buffer | null
  client_id: number
  client_identifier: string
  audience: string
  subject: string
  scope: string
  created_at: Date
  expires_at: Date
}

const lifetimeOf = (client: AuthenticatedClient) => client.registration.refreshTokenTtl ?? DEFAULT_REFRESH_TOKEN_TTL

const hashesOf = (token: string) => {
  const parts = secretParts('refreshToken', token)
  return parts && { family: hashSecret(parts[0]!), turn: hashSecret(parts[1]!), familyPart: parts[0]! }
}

/** knex takes named parameters by a colon. */
const RECORD_IN_TRANSACTION = RECORD.replaceAll('$1', ':records').replaceAll('$2', ':clients')

/** Records one token inside a transaction. False: the client's registration is no longer what it was. */
async function recordWithin(trx: Knex, planned: PlannedToken): Promise<boolean> {
  const [records, clients] = recordValues([planned.record])
  const { rows } = await trx.raw(RECORD_IN_TRANSACTION, { records, clients } as never)
  return rows[0].recorded !== null
}

/** Signals that a transaction found a stale registration and took back what it had done. */
class StaleRegistration extends Error {}

async function unlessStale<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof StaleRegistration) return undefined
    throw error
  }
}

const answerKey = (token: string): Buffer => Buffer.from(hkdfSync('sha256', token, '', 'keywright refresh answer', 32))

function sealAnswer(token: string, grantId: string, answer: IssuedTokens): Buffer {
  return seal([answerKey(token)], Buffer.from(JSON.stringify(answer)), grantId)
}

function openAnswer(token: string, row: RefreshRow): IssuedTokens {
  return JSON.parse(unseal([answerKey(token)], row.answer!, row.grant_id).toString())
}

async function endReused(trx: Knex, { registration }: AuthenticatedClient, row: RefreshRow): Promise<void> {
  const revoked = await revokeGrant(trx, row.grant_id)
  await recordAudit(
    trx,
    { type: 'client', id: registration.clientId },
    {
      action: 'refresh_token.reused',
      target: { type: 'grant', id: row.grant_id },
      accountId: registration.accountId,
      detail: { revoked },
    },
  )
}

const invalidGrant = () => new KeywrightError('invalid_grant', 'the refresh token is invalid, expired or revoked')

export interface RefreshTokens {
  /** An access token with a refresh token beside it, recorded together. */
  begin(request: TokenRequest): Promise<IssuedTokens>
  /**
   * Redeems a refresh token, once. Shown again within the grace by its client it is answered the same; later it is
   * taken for stolen, and everything that came of it ends (RFC 9700, section 4.14.2).
   * @throws KeywrightError `invalid_grant`, `invalid_scope`
   */
  redeem(client: AuthenticatedClient, token: string, scope: string | undefined): Promise<IssuedTokens>
  find(token: string): Promise<ActiveRefreshToken | undefined>
}

export function createRefreshTokens(knex: Knex, issuer: Issuer): RefreshTokens {
  async function beginOnce(request: TokenRequest): Promise<IssuedTokens> {
    const { client } = request
    const grantId = newId()
    const planned = issuer.plan({ ...request, grantId })
    const refreshToken = generateSecret('refreshToken')
    const hashes = hashesOf(refreshToken)!
    await issuer.follow()
    await knex.transaction(async (trx) => {
      if (!(await recordWithin(trx, planned))) throw new StaleRegistration()
      await trx('refresh_tokens').insert({
        grant_id: grantId,
        family_hash: hashes.family,
        turn_hash: hashes.turn,
        client_id: client.registration.key,
        secret_id: client.authentication?.secretId ?? null,
        api_id: planned.api.id,
        epoch: client.registration.epoch,
        subject: planned.record.subject,
        scope: planned.record.scope,
        expires_at: trx.raw('now() + make_interval(secs => ?)', [lifetimeOf(client)]),
      })
    })
    return { ...(await issuer.sign(planned)), refreshToken, refreshTokenExpiresIn: lifetimeOf(client) }
  }

  /** The row of a live token of this client, locked: whoever comes second waits, and then sees what the first did. */
  async function lockRow(trx: Knex, client: AuthenticatedClient, family: Buffer): Promise<RefreshRow> {
    await trx('refresh_tokens').where({ family_hash: family }).forUpdate().first('grant_id')
    const row: RefreshRow | undefined = await trx('active_refresh_tokens')
      .where({ family_hash: family, client_id: client.registration.key })
      // By the database's clock, which has set turned_at: a node's own may differ by more than the grace.
      .first('*', trx.raw('turned_at > clock_timestamp() - make_interval(secs => ?) AS just_turned', [RETRY_GRACE]))
    if (!row) throw invalidGrant()
    return row
  }

  /** The same answer to a retry; undefined when the token must be taken for stolen. */
  function replay(row: RefreshRow, token: string, turn: Buffer): IssuedTokens | undefined {
    return row.just_turned && row.answer && row.previous_hash?.equals(turn) ? openAnswer(token, row) : undefined
  }

  async function turn(
    trx: Knex,
    client: AuthenticatedClient,
    row: RefreshRow,
    presented: { token: string; familyPart: string; turn: Buffer },
    scope: string | undefined,
  ): Promise<IssuedTokens> {
    const planned = issuer.plan({
      client,
      resource: row.audience,
      // The scope of the refresh token itself is what may be asked for (RFC 6749, section 6).
      scope: resolveScope(scope, row.scope.split(' ')),
      subject: row.subject,
      grantId: row.grant_id,
    })
    if (!(await recordWithin(trx, planned))) throw new StaleRegistration()
    const refreshToken = generateSecret('refreshToken', [presented.familyPart])
    const issued = await issuer.sign(planned)
    const answer = { ...issued, refreshToken, refreshTokenExpiresIn: lifetimeOf(client) }
    await trx('refresh_tokens')
      .where({ grant_id: row.grant_id })
      .update({
        turn_hash: hashesOf(refreshToken)!.turn,
        previous_hash: presented.turn,
        turned_at: trx.raw('clock_timestamp()'),
        answer: sealAnswer(presented.token, row.grant_id, answer),
        secret_id: client.authentication?.secretId ?? null,
        expires_at: trx.raw('now() + make_interval(secs => ?)', [lifetimeOf(client)]),
      })
    return answer
  }

  async function redeemOnce(client: AuthenticatedClient, token: string, scope: string | undefined) {
    const hashes = hashesOf(token)
    if (!hashes) throw invalidGrant()
    // Before the transaction: asked inside, on a second connection, a full pool would wait for itself.
    await issuer.follow()
    const outcome = await knex.transaction(async (trx) => {
      const row = await lockRow(trx, client, hashes.family)
      if (row.turn_hash.equals(hashes.turn)) return await turn(trx, client, row, { token, ...hashes }, scope)
      const same = replay(row, token, hashes.turn)
      if (same) return same
      await endReused(trx, client, row)
      return 'reused' as const
    })
    // Thrown out here, because inside it would have taken the revocation back.
    if (outcome === 'reused') throw invalidGrant()
    return outcome
  }

  return {
    begin: (request) => withFreshClient(request.client, (client) => unlessStale(beginOnce({ ...request, client }))),
    redeem: (client, token, scope) => withFreshClient(client, (fresh) => unlessStale(redeemOnce(fresh, token, scope))),
    find: (token) => findActive(knex, token),
  }
}

/** A live refresh token; a turn that has passed is none. */
async function findActive(knex: Knex, token: string): Promise<ActiveRefreshToken | undefined> {
  const hashes = hashesOf(token)
  if (!hashes) return undefined
  const row = await knex<RefreshRow & { family_hash: Buffer }>('active_refresh_tokens')
    .where({ family_hash: hashes.family, turn_hash: hashes.turn })
    .first()
  return (
    row && {
      grantId: row.grant_id,
      clientId: row.client_identifier,
      audience: row.audience,
      subject: row.subject,
      scope: row.scope,
      issuedAt: row.turned_at ?? row.created_at,
      expiresAt: row.expires_at,
    }
  )
}
