/*
 * `users.email_key` is the key of an address, so that one user has it. That of a pending user is followed by a mark and the ID of the
 * user (`accounts/pending-users.ts`).
 */

/** No key of an address has it, because keys are in lower case. */
const MARK = ' PENDING '

/** The value of `users.email_key` of a pending user. @param key of the address */
export const pendingKey = (key: string, id: string): string => `${key}${MARK}${id}`

/** Whether a user with this `email_key` is pending. */
export const isPendingKey = (key: string): boolean => key.includes(MARK)

/** SQL: the key of the address of `u`, a row of `users`, also of a pending user. */
export const addressKeyOf = (u: string): string => `split_part(${u}.email_key, ' ', 1)`

/**
 * SQL: the ID of the user whom an address means in the account `:account`: that of the account, also a pending one, before the user who
 * signs in with the address. `:account` null: the latter.
 */
export const USER_WITH_ADDRESS = `(
  SELECT o.id FROM users o WHERE ${addressKeyOf('o')} = :key AND (o.email_key = :key OR o.account_id = CAST(:account AS uuid))
   ORDER BY o.account_id IS NOT DISTINCT FROM CAST(:account AS uuid) DESC LIMIT 1)`
