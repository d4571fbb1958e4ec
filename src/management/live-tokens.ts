/** A count that stops where nobody counts any more. */
export interface Bounded {
  readonly count: number
  /** There are more than `count`. */
  readonly isMore: boolean
}

/** So many are counted at most. */
export const MOST = 1000

export const toBounded = (count: number): Bounded => ({ count: Math.min(count, MOST), isMore: count > MOST })

/** SQL: how many rows that is, one beyond the bound at most. @param source what follows FROM */
export const boundedCountOf = (source: string): string =>
  `SELECT count(*)::int FROM (SELECT 1 FROM ${source} LIMIT ${MOST + 1}) counted`

/**
 * SQL: that something is of an account. As a range, because the planner takes an account for an average one, of which there
 * are few: it would read through everybody's to find the few things of a small account.
 */
export const ofAccount = (column: string, account: string): string => `${column} BETWEEN ${account} AND ${account}`

/** SQL: how many live tokens `t` there are, one beyond the bound at most. */
export const liveTokensOf = (condition: string): string => boundedCountOf(`active_access_tokens t WHERE ${condition}`)
