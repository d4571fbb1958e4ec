import type { Knex } from 'knex'
import { type Credentials, findCredentialsById } from './credentials.ts'
import { continues, type SignInTicket, type SignInTickets } from './sign-in-tickets.ts'

/** A sign-in that waits for its next step, with its user as they are now. */
export interface ContinuedSignIn {
  readonly ticket: SignInTicket
  readonly person: Credentials
}

/** @param sealed a ticket. Undefined: it does not continue a sign-in (any more) */
export async function findContinuedSignIn(
  db: Knex,
  tickets: SignInTickets,
  sealed: string,
): Promise<ContinuedSignIn | undefined> {
  const ticket = tickets.open(sealed)
  const person = ticket && (await findCredentialsById(db, ticket.userId))
  return ticket && continues(ticket, person) ? { ticket, person } : undefined
}
