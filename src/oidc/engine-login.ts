import type { SessionAccount } from '../accounts/memberships.ts'
import type { SessionIdentity } from '../accounts/sign-in-tickets.ts'

/** A sign-in: `sessionsValidFrom` of its user, ISO 8601, and the account in which it lets the user act. */
export interface SessionValidity {
  readonly since: string
  /** Absent: the first account. */
  readonly account?: SessionAccount | undefined
  /** `memberSince` of the user, ISO 8601, for a fixed account. */
  readonly memberSince?: string | undefined
  /** The identity at a provider without which the session is over. */
  readonly identity?: SessionIdentity | undefined
}

/** The result of the sign-in of an interaction, which the engine stores. */
export interface EngineLogin extends SessionValidity {
  /** The ID of the user. */
  readonly accountId: string
}

/** The result of an interaction, which the engine stores. */
export interface InteractionResult {
  readonly login?: EngineLogin
  readonly consent?: unknown
  /** The account that the user chose. */
  readonly actingFor?: { readonly id: string }
}
