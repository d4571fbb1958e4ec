/** SQL: what the quotas need of the locked rows of the clients. */
export const QUOTA_COLUMNS = ', c.account_id'

// `count_tokens` decides which of the `candidate` requests get a token, and counts them.
//
// The limits of an account are read without a lock: a change of them also changes the registration version of each client of the
// account, whose row is locked. The counts are locked before they are read, so that the statements of all nodes decide one after
// another. The windows are those of the time after the locks: the statement may have waited across the end of an hour.
//
// Of the requests of one client the first ones get what its quota leaves, and of these the first ones what the quota of the account
// leaves. So a request that one quota refuses uses up no other one. What a quota leaves may be negative: a quota can be lowered.
//
// The decision is a function because PostgreSQL sets up each node of a plan for each execution: as a part of the statement, the
// decision doubled the processor time of PostgreSQL per token.
export const QUOTA_DECISIONS = `
  decision AS MATERIALIZED (
    SELECT d.refused, d.quotas
      FROM (SELECT array_agg(r.n) AS requests, array_agg(r.client) AS clients, array_agg(r.account_id) AS accounts
              FROM (SELECT n, client, account_id FROM candidate ORDER BY n) r) batch,
           count_tokens(batch.requests, batch.clients, batch.accounts) d
  ), valid AS MATERIALIZED (
    SELECT r.*, r.n = max(r.n) OVER (PARTITION BY r.client, r.api, r.subject) AS last
      FROM candidate r, decision d WHERE r.n <> ALL (d.refused)
  )`

/** SQL: what the statement returns about quotas. */
export const QUOTA_RESULTS = ', (SELECT d.quotas FROM decision d) AS quotas'
