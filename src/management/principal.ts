import type { Role } from '../accounts/user-attributes.ts'
import type { Actor } from '../audit/audit-log.ts'
import type { SubjectToken } from '../tokens/token-recording.ts'

/** Who calls an operation: a user in the console, a program with an access token, or the command line. */
export interface Principal {
  readonly role: Role
  /** The only account that the principal may manage; null for an operator, who may manage all. */
  readonly accountId: string | null
  /** The user who acts; null for a program that acts for itself, and for the command line. */
  readonly userId: string | null
  /** The scopes of the access token; null in the console and on the command line, where the role alone decides. */
  readonly scopes: ReadonlySet<string> | null
  /** The access token that a program presented; absent in the console and on the command line. */
  readonly accessToken?: SubjectToken
  /** When the user signed in to the console; null for a program and for the command line. */
  readonly signedInAt: Date | null
  /** The user's session is valid in one account only, and does not change what the user has outside it. */
  readonly isAccountFixed?: boolean
  readonly actor: Actor
}

/** The principal of the command line: an operator of the instance. Access to its shell and database replaces a sign-in. */
export const commandLinePrincipal = (systemUser: string | undefined): Principal => ({
  role: 'operator',
  accountId: null,
  userId: null,
  scopes: null,
  signedInAt: null,
  actor: { type: 'cli', ...(systemUser !== undefined && { id: systemUser }) },
})

export const isCommandLine = ({ actor }: Principal): boolean => actor.type === 'cli'
