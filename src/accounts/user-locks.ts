import type { Knex } from 'knex'
import type { ClaimSources } from '../shared/declared-claims.ts'

// Advisory locks are granted in order. Shared row locks starve a waiting exclusive lock, so that an application which
// redeems codes without pause could keep its user from withdrawing consent or signing in.
const ACCOUNTS = 0x4b58
const USERS = 0x4b59

const keyOf = (value: string) => `hashtext((${value})::text)`

/** What tokens contain of the user, or the account without a user, for whom they act and who is locked. */
export interface LockedUser {
  /** For which the tokens act; null: the user is an operator. */
  readonly accountId: string | null
  readonly metadata: Pick<ClaimSources, 'account' | 'user'>
}

const sharedLocks = (userId: string, accountId: string): string => `
  pg_advisory_xact_lock_shared(${ACCOUNTS}, ${keyOf(accountId)}), pg_advisory_xact_lock_shared(${USERS}, ${keyOf(userId)})`

/**
 * Taken before a consent is given for a user and an account: shared with other issuers, and queued behind a waiting change of one of
 * them. @param userId null: the account alone @param accountId null: an operator
 */
export async function lockUserShared(trx: Knex, userId: string | null, accountId: string | null): Promise<void> {
  await trx.raw(`SELECT ${sharedLocks('?::uuid', '?::uuid')}`, [accountId, userId])
}

/**
 * Taken before a token is issued, as `lockUserShared`, for the user and the account of a consent. Returns the account, null for an
 * operator; undefined: the user has no such consent.
 */
export async function lockUserOfConsentShared(
  trx: Knex,
  { userId, consentId }: { readonly userId: string; readonly consentId: string },
): Promise<string | null | undefined> {
  const { rows } = await trx.raw(
    `SELECT account_id, ${sharedLocks('given_by', 'account_id')} FROM consents WHERE id = ? AND given_by = ?`,
    [consentId, userId],
  )
  return rows[0]?.account_id
}

/** Taken before changing a user, before the first lock on their row. */
export async function lockUserExclusive(trx: Knex, userId: string): Promise<void> {
  await trx.raw(`SELECT pg_advisory_xact_lock(${USERS}, ${keyOf('?')})`, [userId])
}

/** Taken before changing an account with all its users, before the first lock on its row. */
export async function lockAccountExclusive(trx: Knex, accountId: string): Promise<void> {
  await trx.raw(`SELECT pg_advisory_xact_lock(${ACCOUNTS}, ${keyOf('?')})`, [accountId])
}
