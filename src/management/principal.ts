import type { Role } from '../accounts/users.ts'
import type { Actor } from '../audit/audit-log.ts'

/** Who manages: somebody in the console, or a program with a token. */
export interface Principal {
  readonly role: Role
  /** The only account within reach; null for an operator, whom no wall stops. */
  readonly accountId: string | null
  /** The person who acts, whose own key pair is meant by "own"; null for a program that acts for itself. */
  readonly userId: string | null
  /** What its token allows; null in the console, where a person may do whatever their role may. */
  readonly scopes: ReadonlySet<string> | null
  /** When the person signed in to the console; null for a program, which can prove no sign-in. */
  readonly signedInAt: Date | null
  readonly actor: Actor
}
