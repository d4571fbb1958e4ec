import type { Knex } from 'knex'
import { KeywrightError } from '../shared/errors.ts'
import type { QuotaMode } from '../shared/quota-attributes.ts'
import type { Registration } from './registration.ts'

/** How much of one quota is used in its present window. */
export interface QuotaUse {
  readonly owner: 'client' | 'account'
  readonly window: 'hour' | 'day'
  readonly limit: number
  /** More than `limit` if the quota is only observed, or was lowered. */
  readonly used: number
  readonly mode: QuotaMode
  /** Seconds until the window ends, at least 1. */
  readonly resetsIn: number
}

/** What the quotas of a client and its account mean for one token request. */
export interface QuotaDecision {
  readonly uses: readonly QuotaUse[]
  /** `exceeded`: the token is issued, because the quotas that it exceeds are only observed. */
  readonly outcome: 'within' | 'exceeded' | 'refused'
}

const isUsedUp = ({ used, limit, mode }: QuotaUse): boolean => mode === 'enforce' && used >= limit

/** An enforced quota is used up until the latest of the used-up windows ends. */
const retryAfterOf = (uses: readonly QuotaUse[]): number =>
  Math.max(1, ...uses.filter(isUsedUp).map(({ resetsIn }) => resetsIn))

function textOf(uses: readonly QuotaUse[]): string {
  const [first] = uses.filter(isUsedUp).sort((one, other) => other.resetsIn - one.resetsIn)
  return first ? `the quota of ${first.limit} tokens per ${first.window} is used up` : 'the quota is used up'
}

/** A token request beyond an enforced quota. */
export class QuotaExceededError extends KeywrightError {
  readonly uses: readonly QuotaUse[]
  /** Seconds. */
  readonly retryAfter: number

  constructor(uses: readonly QuotaUse[]) {
    const retryAfter = retryAfterOf(uses)
    super('rate_limited', `${textOf(uses)}; try again in ${retryAfter} s`, { reason: 'quota_exceeded' })
    this.uses = uses
    this.retryAfter = retryAfter
  }
}

/**
 * What the tokens of a client are counted for together, at least: the ID of its account or its own key. Null: neither has a quota,
 * and its tokens are not counted.
 */
export function quotaKeyOf(registration: Registration): string | number | null {
  const { key, accountId, accountHasQuota, quotaPerHour, quotaPerDay } = registration
  if (accountHasQuota) return accountId
  return quotaPerHour === null && quotaPerDay === null ? null : key
}

// The windows of a row `u` of `quota_uses` at the time `m.at`. A later window than the present one stays for a while: the clock of
// a new primary may be behind, and the previous window would begin again.
const present = (window: QuotaUse['window']): string => `date_trunc('${window}', m.at, 'UTC')`
const lasts = { hour: `interval '1 hour'`, day: `interval '24 hours'` }
const isCurrent = (window: QuotaUse['window']): string =>
  `u.${window} BETWEEN ${present(window)} AND ${present(window)} + ${lasts[window]}`

/** SQL: the beginning of the window in which tokens count now. */
const windowStart = (window: QuotaUse['window']): string =>
  `CASE WHEN ${isCurrent(window)} THEN u.${window} ELSE ${present(window)} END`

/** SQL: the tokens that were issued in that window. */
const windowCount = (window: QuotaUse['window']): string =>
  `CASE WHEN ${isCurrent(window)} THEN u.${window}_count ELSE 0 END`

export interface OwnerUse {
  /** The key of a client, or the ID of an account. */
  readonly owner: string
  readonly mode: QuotaMode
  readonly hourLimit: number | null
  readonly hourUsed: number
  /** Seconds. */
  readonly hourEnds: number
  readonly dayLimit: number | null
  readonly dayUsed: number
  /** Seconds. */
  readonly dayEnds: number
}

/** What the function `count_tokens` returns: each array has an element for each owner. */
export interface CountedQuotas extends OwnerColumns {
  /** The tokens that were counted just now. The counts are those before. */
  readonly added: readonly number[]
  /** The numbers of the requests beyond an enforced quota. */
  readonly refused: readonly number[]
  /** The numbers of the requests that get a token beyond a quota that is only observed. */
  readonly exceeded: readonly number[]
}

type OwnerColumns = { readonly [Name in keyof OwnerUse]: readonly OwnerUse[Name][] }

/** The uses of the quotas after a statement that counted tokens. */
export const ownersOf = (counted: CountedQuotas): OwnerUse[] =>
  counted.owner.map((owner, n) => ({
    owner,
    mode: counted.mode[n]!,
    hourLimit: counted.hourLimit[n]!,
    hourUsed: counted.hourUsed[n]! + counted.added[n]!,
    hourEnds: counted.hourEnds[n]!,
    dayLimit: counted.dayLimit[n]!,
    dayUsed: counted.dayUsed[n]! + counted.added[n]!,
    dayEnds: counted.dayEnds[n]!,
  }))

function usesOf(kind: QuotaUse['owner'], owner: OwnerUse): QuotaUse[] {
  const { mode, hourLimit, hourUsed, hourEnds, dayLimit, dayUsed, dayEnds } = owner
  const use = (window: QuotaUse['window'], limit: number | null, used: number, ends: number): QuotaUse[] =>
    limit === null ? [] : [{ owner: kind, window, limit, used, mode, resetsIn: Math.max(1, ends) }]
  return [...use('hour', hourLimit, hourUsed, hourEnds), ...use('day', dayLimit, dayUsed, dayEnds)]
}

/**
 * Answers the uses of the quotas of a client, then those of its account, from what `QUOTA_USES_OF_CLIENT` or a recording statement
 * returned.
 */
export function usesByOwner(
  owners: readonly OwnerUse[],
): (clientKey: number, accountId: string | number | null) => QuotaUse[] {
  const byOwner = new Map(owners.map((one) => [one.owner, one]))
  return (clientKey, accountId) => {
    const [client, account] = [byOwner.get(String(clientKey)), byOwner.get(String(accountId))]
    const own = client ? usesOf('client', client) : []
    return account && account !== client ? [...own, ...usesOf('account', account)] : own
  }
}

/** SQL: the uses of the quotas of some owners as JSON. @param owners SQL of rows with the ID of an owner and its quotas */
const quotaUses = (owners: string): string => `
  SELECT json_agg(json_build_object(
           'owner', q.owner, 'mode', q.quota_mode, 'hourLimit', q.quota_per_hour, 'dayLimit', q.quota_per_day,
           'hourUsed', q.hour_count, 'dayUsed', q.day_count,
           'hourEnds', ceil(extract(epoch FROM q.hour + ${lasts.hour} - q.at)),
           'dayEnds', ceil(extract(epoch FROM q.day + ${lasts.day} - q.at))))
    FROM (SELECT now() AS at) m,
         LATERAL (
           SELECT o.*, m.at, ${windowStart('hour')} AS hour, ${windowCount('hour')} AS hour_count,
                  ${windowStart('day')} AS day, ${windowCount('day')} AS day_count
             FROM (${owners}) o
             JOIN quota_uses u ON u.owner = o.owner
            WHERE o.quota_per_hour IS NOT NULL OR o.quota_per_day IS NOT NULL) q`

const quotasOf = (alias: string): string =>
  `SELECT ${alias}.id::text AS owner, ${alias}.quota_per_hour, ${alias}.quota_per_day, ${alias}.quota_mode`

/** SQL: the uses of the quotas of client `c` and of its account, as JSON. */
export const QUOTA_USES_OF_CLIENT = quotaUses(
  `${quotasOf('c')} UNION ALL ${quotasOf('a')} FROM accounts a WHERE a.id = c.account_id`,
)

/** SQL: the uses of the quotas of a row of `accounts`, as JSON. */
export const QUOTA_USES_OF_ACCOUNT = quotaUses(quotasOf('accounts'))

/** The uses of the quotas of an account. @param owners what `QUOTA_USES_OF_ACCOUNT` returned */
export const usesOfAccount = (owners: readonly OwnerUse[] | null): QuotaUse[] =>
  (owners ?? []).flatMap((owner) => usesOf('account', owner))

/** Counts the tokens of the former key pair for the new one: otherwise a new key pair would renew the quota. */
export async function continueQuotaUse(trx: Knex, clientKey: number, formerKey: number): Promise<void> {
  await trx.raw(
    `UPDATE quota_uses u SET hour = f.hour, hour_count = f.hour_count, day = f.day, day_count = f.day_count
       FROM quota_uses f
      WHERE u.client_id = :clientKey AND f.client_id = :formerKey`,
    { clientKey, formerKey },
  )
}
