/** A count with an upper bound. */
export interface Bounded {
  readonly count: number
  /** There are more than `count`. */
  readonly isMore: boolean
}

/** At most so many rows are counted. */
export const MOST = 1000

export const toBounded = (count: number): Bounded => ({ count: Math.min(count, MOST), isMore: count > MOST })

/** SQL: the number of rows, at most one beyond the bound. @param source what follows FROM */
export const boundedCountOf = (source: string): string =>
  `SELECT count(*)::int FROM (SELECT 1 FROM ${source} LIMIT ${MOST + 1}) counted`

/**
 * SQL: the row belongs to the account. A range instead of an equality, because the planner assumes for an equality that
 * the account has an average number of rows. For a small account it would then scan the rows of all accounts.
 */
export const ofAccount = (column: string, account: string): string => `${column} BETWEEN ${account} AND ${account}`

/** SQL: the number of active access tokens `t` that applications hold for a user, at most one beyond the bound. @param user SQL of the ID */
export const delegatedTokensOf = (user: string, condition: string): string =>
  boundedCountOf(
    `client_access_tokens t
      WHERE t.expires_at > now() AND t.subject = CAST(${user} AS text) AND t.subject <> '' AND (${condition})`,
  )

/** SQL: the number of active access tokens `t`, at most one beyond the bound. */
export const activeTokensOf = (condition: string): string => boundedCountOf(`active_access_tokens t WHERE ${condition}`)
