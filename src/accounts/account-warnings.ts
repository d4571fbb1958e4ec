/** SQL. One probe of an index each; one condition with OR or `IS NOT DISTINCT FROM` would read all rows. */
const hasOwn = (table: string, condition: string): string => `
  CASE WHEN membership.account_id IS NULL THEN EXISTS (SELECT FROM ${table} o WHERE o.account_id IS NULL AND ${condition})
       ELSE EXISTS (SELECT FROM ${table} o WHERE o.account_id = membership.account_id AND ${condition}) END`

/** SQL: whether the account of the joined `membership`, or the instance for an operator, has a report of a leak. */
export const HAS_OPEN_LEAK = `${hasOwn('open_leaks', 'true')} AS has_open_leak`

/** SQL: as `HAS_OPEN_LEAK`, a webhook that was disabled because its receiver failed. */
export const HAS_FAILED_WEBHOOK = `${hasOwn('webhooks', `o.disabled_reason IN ('failing', 'gone')`)} AS has_failed_webhook`
