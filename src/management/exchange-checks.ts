import type { Knex } from 'knex'
import type { ClientSettings } from '../clients/client-settings.ts'
import { invalidInput } from '../shared/errors.ts'
import type { Principal } from './principal.ts'

/**
 * Checks the clients whose tokens an application shall exchange. A user of an account names clients of that account only; an
 * unknown client gets the same error as one of another account. Operators may name any client.
 * @param before the client IDs that the application has, which may stay
 * @throws KeywrightError `invalid_input` at `exchangeFrom`
 */
export async function checkExchangeSources(
  db: Knex,
  { role, accountId }: Principal,
  { exchangeFrom }: Partial<ClientSettings>,
  before: readonly string[] | null = null,
): Promise<void> {
  const added = (exchangeFrom ?? []).filter((id) => !before?.includes(id))
  if (role === 'operator' || added.length === 0) return
  const own: string[] = await db('clients')
    .where({ account_id: accountId })
    .whereIn('client_id', added)
    .pluck('client_id')
  const other = added.find((id) => !own.includes(id))
  if (other !== undefined)
    throw invalidInput(`there is no application ${other.slice(0, 60)} in this account`, 'exchangeFrom')
}
