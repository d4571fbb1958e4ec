import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { invalidInput } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'

/** Milliseconds in which the provider can be added. */
const LIFETIME = 24 * 3_600_000

/** The ID of a provider that is not added yet, so that a page shows its redirect URI first. Nothing is stored. */
interface ReservedId {
  readonly id: string
  /** Null: of the instance. */
  readonly accountId: string | null
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

const ticketsOf = (keys: EncryptionKeys) => createSealedTickets<ReservedId>(keys, 'identity provider ID')

/** A new ID, and the ticket with which the account, or the instance, adds a provider that has it. */
export function reserveProviderId(keys: EncryptionKeys, accountId: string | null): { id: string; ticket: string } {
  const id = newId()
  return { id, ticket: ticketsOf(keys).seal({ id, accountId, expiresAt: Date.now() + LIFETIME }) }
}

/** The ID of a ticket. Undefined: it has expired, is of another account, or was never sealed here. */
export function openReservedId(keys: EncryptionKeys, ticket: string, accountId: string | null): string | undefined {
  const reserved = ticketsOf(keys).open(ticket, Date.now())
  return reserved?.accountId === accountId ? reserved.id : undefined
}

/** @throws KeywrightError `invalid_input` as `openReservedId` */
export function requireReservedId(keys: EncryptionKeys, ticket: string, accountId: string | null): string {
  const id = openReservedId(keys, ticket, accountId)
  if (id === undefined)
    throw invalidInput('the redirect URI of this form has expired: enter the new one at the provider', 'reservation')
  return id
}
