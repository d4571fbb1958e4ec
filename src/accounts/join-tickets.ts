import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'
import type { User } from './users.ts'

/** Seconds in which a person who entered the one-time password of a pending user signs in with their own user. */
const LIFETIME = 60 * 60

interface JoinTicket {
  /** The pending user. */
  readonly userId: string
  /** Their `sessionsValidFrom`, in milliseconds: with another value the ticket is over. */
  readonly since: number
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Proves the one-time password of a pending user. It signs nobody in. */
export interface JoinTickets {
  issue(user: Pick<User, 'id' | 'sessionsValidFrom'>): string
  /** Undefined: it has expired, or was never a ticket. */
  open(ticket: string): JoinTicket | undefined
}

export function createJoinTickets(encryptionKeys: EncryptionKeys, clock: Clock): JoinTickets {
  const tickets = createSealedTickets<JoinTicket>(encryptionKeys, 'join ticket')
  return {
    issue({ id, sessionsValidFrom }) {
      const expiresAt = clock.now() + LIFETIME * 1000
      return tickets.seal({ userId: id, since: Number(sessionsValidFrom), expiresAt })
    },
    open: (ticket) => tickets.open(ticket, clock.now()),
  }
}
