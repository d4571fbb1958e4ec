import type { Knex } from 'knex'
import { findUserById, mayAct } from '../accounts/users.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'
import { getClient } from './clients.ts'

/** The areas of the console that a console session may have. Users and their credentials are none: the company's own product has them. */
export const CONSOLE_SESSION_PAGES = ['keys', 'applications', 'usage', 'activity', 'webhooks', 'inspect'] as const

export type ConsoleSessionPage = (typeof CONSOLE_SESSION_PAGES)[number]

/** The service that answers for a console session. */
export interface ConsoleSessionService {
  readonly clientId: string
  /** The client's `revocationEpoch` when the session was created: revoking its tokens ends its sessions. */
  readonly clientEpoch: number
}

/** What a session in the console that a service of the company opened is limited to. */
export interface ConsoleSession extends ConsoleSessionService {
  /** The ID of the URL that opened it. */
  readonly id: string
  readonly pages: readonly ConsoleSessionPage[]
  /** A page of the company's product. */
  readonly returnUrl: string
  /** The only origin that may frame the pages; null: none may. */
  readonly embedOrigin: string | null
}

/** A URL that opens a console session, before it is opened. */
export interface ConsoleSessionTicket extends ConsoleSession {
  readonly userId: string
  readonly accountId: string
  /** The user's `sessionsValidFrom`, in milliseconds: with another value the URL does not work. */
  readonly since: number
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** In milliseconds. */
const LIFETIME = 5 * 60_000

const ticketsOf = (keys: EncryptionKeys) => createSealedTickets<ConsoleSessionTicket>(keys, 'console session')

/** @param now milliseconds since 1970 */
export function sealConsoleSession(
  keys: EncryptionKeys,
  session: Omit<ConsoleSessionTicket, 'expiresAt'>,
  now: number,
): { ticket: string; expiresAt: Date } {
  const expiresAt = now + LIFETIME
  return { ticket: ticketsOf(keys).seal({ ...session, expiresAt }), expiresAt: new Date(expiresAt) }
}

/** Also an expired one, for the page that says so. Undefined: it was never sealed here. */
export const readConsoleSessionTicket = (keys: EncryptionKeys, ticket: string): ConsoleSessionTicket | undefined =>
  ticketsOf(keys).open(ticket, 0)

/** Whether the service may still answer for sessions: it is active, and its tokens were not revoked since. */
export async function isServiceActive(db: Knex, { clientId, clientEpoch }: ConsoleSessionService): Promise<boolean> {
  const client = await getClient(db, clientId).catch((error: unknown) => {
    if (error instanceof KeywrightError && error.code === 'not_found') return undefined
    throw error
  })
  return client?.status === 'active' && client.accountId === null && client.revocationEpoch === clientEpoch
}

/** Whether the URL of the ticket may be opened, if it was not opened before. @param now milliseconds since 1970 */
export async function mayOpen(db: Knex, ticket: ConsoleSessionTicket, now: number): Promise<boolean> {
  if (ticket.expiresAt <= now) return false
  const user = await findUserById(db, ticket.userId, ticket.accountId)
  if (!user || !mayAct(user) || Number(user.sessionsValidFrom) !== ticket.since) return false
  return await isServiceActive(db, ticket)
}
