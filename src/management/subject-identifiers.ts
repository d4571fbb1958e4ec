import type { Knex } from 'knex'
import { userNameKey } from '../accounts/scim-names.ts'
import { addressKeyOf } from '../database/address-keys.ts'
import { MAX_IDENTITY_PROVIDERS } from '../identity-providers/identity-providers.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { KeywrightError } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import type { Principal } from './principal.ts'

/** A subject identifier (RFC 9493) of a format that this server knows. */
export type SubjectIdentifier =
  | { readonly format: 'email'; readonly email: string }
  /** Of this issuer, or of an identity provider through which users sign in. */
  | { readonly format: 'iss_sub'; readonly iss: string; readonly sub: string }
  /** The ID of a user, or the external ID that the identity provider of the account gave them (SCIM `externalId`). */
  | { readonly format: 'opaque'; readonly id: string }

/** SQL: the ID of a user, by the identifier in `:value` and its key in `:key`. Of several users, the one with the least rank is meant. */
const BY_ID = 'SELECT CAST(:value AS uuid) AS id, 1 AS rank'
/** A SCIM user name means that user, even where another user has the address, as in a list of SCIM users. */
const BY_EMAIL = `
  SELECT user_id AS id, 1 AS rank FROM scim_users WHERE account_id = CAST(:account AS uuid) AND user_name_key = :nameKey
  UNION ALL
  SELECT o.id, CASE WHEN o.account_id = CAST(:account AS uuid) THEN 2 ELSE 3 END FROM users o
   WHERE ${addressKeyOf('o')} = :key AND (o.email_key = :key OR o.account_id = CAST(:account AS uuid))`
const BY_EXTERNAL_ID = `
  SELECT user_id AS id, 2 AS rank FROM scim_users WHERE account_id = CAST(:account AS uuid) AND external_id = :value`
/** At a provider of the account, or else at one of the instance; for an operator at the latter. There is one identity of a subject at each. */
const BY_IDENTITY = `
  SELECT i.user_id AS id, CASE WHEN p.account_id IS NULL THEN 2 ELSE 1 END AS rank
    FROM (SELECT id, account_id FROM identity_providers
           WHERE issuer = :iss AND (account_id IS NULL OR account_id = CAST(:account AS uuid)) LIMIT ${2 * MAX_IDENTITY_PROVIDERS}) p
   CROSS JOIN LATERAL (SELECT user_id FROM user_identities WHERE provider_id = p.id AND subject = :value LIMIT 1) i`

/** SQL: whether the user `u` belongs to the account. */
const MEMBER = 'EXISTS (SELECT FROM memberships m WHERE m.user_id = u.id AND m.account_id = CAST(:account AS uuid))'

interface Selection {
  readonly sql: string
  readonly value: string
  readonly iss?: string
}

function selectionOf(subject: SubjectIdentifier, issuer: string): Selection | undefined {
  if (subject.format === 'email') return { sql: BY_EMAIL, value: subject.email }
  if (subject.format === 'opaque')
    return { sql: isId(subject.id) ? `${BY_ID} UNION ALL ${BY_EXTERNAL_ID}` : BY_EXTERNAL_ID, value: subject.id }
  const { iss, sub } = subject
  if (iss !== issuer) return { sql: BY_IDENTITY, value: sub, iss }
  return isId(sub) ? { sql: BY_ID, value: sub } : undefined
}

/**
 * The user whom an identifier names, among those of the principal's account; for an operator among all.
 * @throws KeywrightError `not_found`, also for a user of another account (guarantee 6)
 */
export async function findSubject(
  db: Knex,
  principal: Principal,
  subject: SubjectIdentifier,
  issuer: string,
): Promise<string> {
  const selection = selectionOf(subject, issuer)
  const unknown = () => new KeywrightError('not_found', 'there is no such user')
  if (!selection) throw unknown()
  const { sql, value, iss = '' } = selection
  const values = { value, iss, key: emailKey(value), nameKey: userNameKey(value), account: principal.accountId }
  const isOwn = principal.role === 'operator' ? 'true' : MEMBER
  const { rows } = await db.raw(
    `SELECT u.id FROM users u JOIN (${sql}) found ON found.id = u.id WHERE ${isOwn} AND u.status <> 'deleting'
      ORDER BY found.rank, u.id LIMIT 1`,
    values,
  )
  if (rows.length === 0) throw unknown()
  return rows[0].id
}
