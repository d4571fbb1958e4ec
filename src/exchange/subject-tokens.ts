import type { Knex } from 'knex'
import { lockAccountForToken } from '../accounts/accounts.ts'
import type { LockedUser } from '../accounts/user-locks.ts'
import { lockClientsShared } from '../clients/client-locks.ts'
import { lockActiveUserShared } from '../consents/consent-locks.ts'
import { KeywrightError } from '../shared/errors.ts'
import { lockTokensShared } from '../tokens/token-locks.ts'
import type { SubjectToken } from '../tokens/token-recording.ts'
import { type ExchangeSubject, namedSubjectRefused } from './named-subjects.ts'

/** A token, or one that it depends on. */
interface Source {
  readonly jti: string
  readonly expires_at: Date
  readonly client_id: number
  readonly api_id: number
  readonly subject: string
  readonly grant_id: string | null
}

/** A subject token that is active, and stays so until the transaction ends. */
export interface LockedSubjectToken {
  readonly user: LockedUser
  /** Of the subject token, or whom the client names. */
  readonly actsFor: ExchangeSubject
  /** The client ID of the client that the token was issued to. */
  readonly clientId: string
  /** The keys of the clients that the token came through, its own first. */
  readonly clientKeys: readonly number[]
  /** Space-separated. */
  readonly scope: string
  readonly audience: string
}

/** A subject token as its claims describe it. */
export interface PresentedSubjectToken extends SubjectToken {
  /** Of the claim `account_id`; null: the token acts for an operator. */
  readonly accountId: string | null
}

export const subjectTokenError = (message: string): KeywrightError =>
  new KeywrightError('invalid_input', message, { reason: 'subject_token_invalid' })

const inactive = () => subjectTokenError('the subject token is invalid, expired or revoked')

const SOURCES = `
  SELECT jti, expires_at, client_id, api_id, subject, grant_id
    FROM access_tokens WHERE jti = :jti AND expires_at = to_timestamp(:exp)
  UNION ALL
  SELECT source_jti, source_expires_at, client_id, api_id, subject,
         (SELECT t.grant_id FROM access_tokens t WHERE t.jti = x.source_jti AND t.expires_at = x.source_expires_at)
    FROM exchanged_tokens x WHERE jti = :jti`

/** The token and those that it depends on, itself first. Their rows exist before it, and never change in these columns. */
async function sourcesOf(trx: Knex, { jti, expiresAt }: SubjectToken): Promise<Source[]> {
  const { rows } = await trx.raw(SOURCES, { jti, exp: expiresAt })
  return rows.sort((a: Source, b: Source) => Number(b.jti === jti) - Number(a.jti === jti))
}

const LOCK_TOKENS = `
  SELECT count(*)
    FROM (SELECT * FROM json_to_recordset(?::json) AS s(jti uuid, expires_at timestamptz) ORDER BY expires_at, jti) source
   CROSS JOIN LATERAL (
     SELECT 1 FROM access_tokens t WHERE t.jti = source.jti AND t.expires_at = source.expires_at LIMIT 1 FOR SHARE) locked`

// Under the policy `single`, a newer token ends a token by its row here. A row is inserted where the policy has changed and none was
// needed yet. Without the version, the trigger that replaces the row publishes what it revoked by the sequence number, by
// which exchanged tokens are found too, and not by the status index alone.
const KEYS = 'json_to_recordset(?::json) AS s(client_id bigint, api_id int, subject text)'
const INSERT_SINGLE = `
  INSERT INTO single_tokens (client_id, api_id, subject, sequence, expires_at)
  SELECT DISTINCT s.client_id, s.api_id, s.subject, 0, now() + interval '31 days'
    FROM ${KEYS} JOIN clients c ON c.id = s.client_id JOIN apis p ON p.id = s.api_id
   WHERE coalesce(c.policy, p.policy) = 'single'
   ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING`
const LOCK_SINGLE = `
  WITH locked AS (
    SELECT g.client_id, g.api_id, g.subject FROM single_tokens g
     WHERE (g.client_id, g.api_id, g.subject) IN (SELECT s.client_id, s.api_id, s.subject FROM ${KEYS})
     ORDER BY 1, 2, 3 FOR UPDATE)
  UPDATE single_tokens g SET client_version = NULL FROM locked l
   WHERE g.client_id = l.client_id AND g.api_id = l.api_id AND g.subject = l.subject`

const ACTIVE = `
  SELECT client_id, scope, audience FROM active_access_tokens WHERE jti = :jti AND expires_at = to_timestamp(:exp)`

/** A client names a user or an account by a token of its own: by none that was exchanged, or acts for a user, or is of another client. */
function checkOwnToken(sources: readonly Source[], clientKey: number): void {
  const [own, ...others] = sources
  if (others.length > 0 || own?.subject !== '' || own.client_id !== clientKey)
    throw subjectTokenError(
      'only its own access token, which acts for no user, lets a client name a user or an account',
    )
}

/** For whom a subject token acts. The claim `sub` of a token for an account without a user is the account. */
function subjectOf({ subject }: Source, accountId: string | null): ExchangeSubject {
  if (subject === '') throw subjectTokenError('the subject token acts for no user and no account')
  return accountId === subject ? { userId: null, accountId } : { userId: subject, accountId }
}

/** @throws KeywrightError when the user, the membership or the account is not active */
const lockActing = (trx: Knex, subject: ExchangeSubject): Promise<LockedUser> =>
  subject.userId === null ? lockAccountForToken(trx, subject.accountId) : lockActiveUserShared(trx, subject)

/**
 * Locks everything that could end a token, and then checks that it is active: its user, the tokens that it depends on, their clients,
 * and their rows of `single_tokens`. So what revokes the token is either seen here, or waits and then finds the token that is
 * recorded in this transaction. The order is that of other transactions: users, tokens, clients, single tokens.
 * @param clientKey of the client that exchanges the token, locked with the others
 * @param named whom the client names, by a token of its own; undefined: for whom the token acts
 * @throws KeywrightError `invalid_input` when the token, the user or the account is not active, or the token acts for none of them
 */
export async function lockSubjectToken(
  trx: Knex,
  { accountId, ...token }: PresentedSubjectToken,
  clientKey: number,
  named?: ExchangeSubject,
): Promise<LockedSubjectToken> {
  const sources = await sourcesOf(trx, token)
  const [own] = sources
  if (!own) throw inactive()
  if (named) checkOwnToken(sources, clientKey)
  const actsFor = named ?? subjectOf(own, accountId)
  const user = await lockActing(trx, actsFor).catch((error) => {
    if (!(error instanceof KeywrightError)) throw error
    throw named ? namedSubjectRefused(named) : inactive()
  })
  await lockTokensShared(
    trx,
    sources.flatMap(({ jti, grant_id }) => (grant_id === null ? [jti] : [jti, grant_id])),
  )
  const all = JSON.stringify(sources)
  await trx.raw(LOCK_TOKENS, [all])
  const clientKeys = sources.map(({ client_id }) => client_id)
  await lockClientsShared(trx, [...new Set([...clientKeys, clientKey])])
  await trx.raw(INSERT_SINGLE, [all])
  await trx.raw(LOCK_SINGLE, [all])
  const { rows } = await trx.raw(ACTIVE, { jti: token.jti, exp: token.expiresAt })
  if (!rows[0]) throw inactive()
  const { client_id: clientId, scope, audience } = rows[0]
  return { user, actsFor, clientId, clientKeys, scope, audience }
}
