import type { Knex } from 'knex'
import { isClientIdUrl } from '../clients/client-id-urls.ts'
import { unusedSinceOf } from '../clients/client-last-uses.ts'
import { USER_WITH_ADDRESS } from '../database/address-keys.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { invalidInput } from '../shared/errors.ts'
import { lastUseOf } from './client-parts.ts'
import type { Principal } from './principal.ts'
import { narrowBySearch, narrowByWordsOrExternalId } from './search.ts'

/** The largest number of days of a filter. */
export const MAX_DAYS = 3650

export type ListedKind = 'application' | 'key_pair'

/** What narrows a list of clients. */
export interface ClientFilters {
  /** Prefixes of words of the name, a whole client ID, for operators a whole external ID, or the email address of the owner of key pairs. */
  readonly search?: string | undefined
  /** Only for operators. */
  readonly externalId?: string | undefined
  readonly status?: 'active' | 'archived' | undefined
  /** A grant type that the client may use. */
  readonly grant?: string | undefined
  /** Only active clients that were not used for so many days, those unused for longest first. */
  readonly unusedDays?: number | undefined
  /** Only active clients whose client secret or API key expires within so many days, those that expire first first. */
  readonly expiringDays?: number | undefined
  /** The email address of the user who owns the key pair, or who registered the application. */
  readonly owner?: string | undefined
  /** ID of the user who registered the applications. */
  readonly createdBy?: string | undefined
}

/** Which order a list has that its filters decide; undefined: any. */
export function filteredOrder({ unusedDays, expiringDays }: ClientFilters): 'unused' | 'expiring' | undefined {
  if (unusedDays !== undefined) return 'unused'
  return expiringDays === undefined ? undefined : 'expiring'
}

/** The conditions repeat those of the partial indexes. */
export function ofKind(knex: Knex, kind: ListedKind | undefined, filters: ClientFilters): Knex.QueryBuilder {
  const base = knex('clients')
  if (filteredOrder(filters)) {
    base.whereRaw(`clients.kind <> 'api' AND clients.status = 'active'`)
    return kind ? base.where('clients.kind', kind) : base
  }
  if (kind === 'application') return base.whereRaw(`clients.kind = 'application'`)
  if (kind === 'key_pair') return base.whereRaw(`clients.kind = 'key_pair' AND clients.status <> 'replaced'`)
  return base.whereRaw(`clients.kind <> 'api' AND clients.status <> 'replaced'`)
}

/** Applies the search term by an index. Admins do not search external IDs, which they do not see. */
function narrowByText(query: Knex.QueryBuilder, { role, accountId }: Principal, typed: string | undefined): void {
  if (typed && (typed.startsWith('kwc_') || isClientIdUrl(typed))) query.where('clients.client_id', typed)
  else if (typed?.includes('@'))
    query.where((either) => {
      either.whereRaw(`clients.user_id = ${USER_WITH_ADDRESS}`, { key: emailKey(typed), account: accountId } as never)
      either.orWhere((words) => narrowBySearch(words, 'clients.name', typed))
    })
  else if (role === 'operator') narrowByWordsOrExternalId(query, 'clients.name', typed, { table: 'clients' })
  else narrowBySearch(query, 'clients.name', typed)
}

/** @throws KeywrightError `invalid_input` */
function checkDays(filters: ClientFilters, field: 'unusedDays' | 'expiringDays'): void {
  const days = filters[field]
  const isDays = days === undefined || (Number.isInteger(days) && days >= 1 && days <= MAX_DAYS)
  if (!isDays) throw invalidInput(`use a number of days from 1 to ${MAX_DAYS}`, field)
}

const UNUSED = `${unusedSinceOf('clients')} <= (now() AT TIME ZONE 'UTC')::date - ?::int`

const EXPIRING = 'clients.secret_expires_at > now() AND clients.secret_expires_at <= now() + make_interval(days => ?)'

/** Applies the filters that indexes serve. @throws KeywrightError `invalid_input` */
export function narrowByIndex(query: Knex.QueryBuilder, principal: Principal, filters: ClientFilters): void {
  const { search, externalId, grant, unusedDays, expiringDays, owner, createdBy } = filters
  checkDays(filters, 'unusedDays')
  checkDays(filters, 'expiringDays')
  narrowByText(query, principal, search?.trim() || undefined)
  if (externalId !== undefined) query.where('clients.external_id', externalId)
  if (createdBy !== undefined) query.where('clients.created_by', createdBy)
  if (grant !== undefined) query.whereRaw(`clients.grants @> ARRAY[?]::text[] AND clients.kind <> 'api'`, [grant])
  if (owner !== undefined) {
    const named = { key: emailKey(owner), account: principal.accountId }
    query.whereRaw(
      `(clients.user_id = ${USER_WITH_ADDRESS} OR clients.created_by = ${USER_WITH_ADDRESS})`,
      named as never,
    )
  }
  if (unusedDays !== undefined) query.whereRaw(UNUSED, [unusedDays])
  if (expiringDays !== undefined) query.whereRaw(EXPIRING, [expiringDays])
}

/** The conditions that no index serves. The day of the last use has a precision of a week; this compares the exact time. */
export function conditionsOf(knex: Knex, { status, unusedDays }: ClientFilters): Knex.Raw[] {
  const lastUse = lastUseOf('clients')
  return [
    ...(status ? [knex.raw('clients.status = ?', [status])] : []),
    ...(unusedDays === undefined
      ? []
      : [knex.raw(`coalesce(${lastUse} < now() - make_interval(days => ?), true)`, [unusedDays])]),
  ]
}
