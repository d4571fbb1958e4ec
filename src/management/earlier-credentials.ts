import { createHash } from 'node:crypto'
import type { Knex } from 'knex'
import { type Credentials, findCredentialsById, isSamePassword, savePassword } from '../accounts/credentials.ts'
import { endOneTimePassword, unknownPassword } from '../accounts/one-time-password-end.ts'
import type { StoredOneTimePassword } from '../accounts/one-time-passwords.ts'
import { hashOfNext } from '../accounts/password-changes.ts'
import { takeWork } from '../accounts/sign-in-limits.ts'
import { revokeSessionsOfUser } from '../accounts/user-access.ts'
import { listUserSessions } from '../accounts/user-sessions.ts'
import { type User, userEntry } from '../accounts/users.ts'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { listConnectedApplications } from '../consents/connected-applications.ts'
import { removeAllFactors } from '../factors/factor-changes.ts'
import { listFactors, type RegisteredFactors } from '../factors/user-factors.ts'
import {
  deleteIdentities,
  digestOfIdentities,
  listIdentities,
  type UserIdentity,
} from '../identity-providers/user-identities.ts'
import { endLinks } from '../mail/mail-links.ts'
import { KeywrightError } from '../shared/errors.ts'
import { endConnections } from './membership-end.ts'

/*
 * While the mailbox of a user is not proven, somebody else may have set up how the user signs in: an admin who redeemed the one-time
 * password that they gave. These credentials end, or the person accepts them, before the mailbox counts as proven (ADR 45). Key pairs
 * stay: each acts in its own account only.
 */

/** By what somebody can sign in or act as a user. */
export interface EarlierCredentials extends RegisteredFactors {
  readonly hasPassword: boolean
  /** To end all, the user chooses a password: nothing else would be left by which they sign in. */
  readonly choosesPassword: boolean
  readonly identities: readonly UserIdentity[]
  /** The names of applications that the user is connected to, each once. */
  readonly applications: readonly string[]
  /** The number of sessions in other browsers, at most 100. */
  readonly otherSessions: number
  /** Names exactly these; it differs when one has been added, removed or replaced. */
  readonly seen: string
}

/** A user who signs in only at the product of the operator needs no password. */
const choosesPassword = ({ passwordHash, maySignInHere }: Credentials): boolean =>
  passwordHash !== null || maySignInHere

/** Undefined: no such user. @param sessionId of the session in this browser; null: it is not listed yet */
export async function listEarlierCredentials(
  knex: Knex,
  userId: string,
  sessionId: string | null,
): Promise<EarlierCredentials | undefined> {
  const person = await findCredentialsById(knex, userId)
  if (!person) return undefined
  const sessions = await listUserSessions(knex, userId)
  const others = sessions.map(({ id }) => id).filter((id) => id !== sessionId)
  const connected = await listConnectedApplications(knex, userId)
  const factors = await listFactors(knex, userId)
  const identities = await listIdentities(knex, userId)
  const consents = connected.map(({ clientId, actingFor }) => `${clientId} ${actingFor?.id}`)
  const ids = [...factors.apps, ...factors.passkeys].map(({ id }) => id)
  const allIdentities = await digestOfIdentities(knex, userId)
  const seen = JSON.stringify([person.passwordChangedAt, allIdentities, [...ids, ...consents, ...others].sort()])
  return {
    hasPassword: person.passwordHash !== null,
    choosesPassword: choosesPassword(person),
    ...factors,
    identities,
    applications: [...new Set(connected.map(({ name }) => name))],
    otherSessions: others.length,
    seen: createHash('sha256').update(seen).digest('base64url'),
  }
}

/** Something was set up after the person had seen what there is, so they cannot have accepted it. */
export class EarlierCredentialsChangedError extends KeywrightError {
  constructor() {
    super('conflict', 'what lets somebody sign in as the user has changed meanwhile')
    this.name = 'EarlierCredentialsChangedError'
  }
}

/** What somebody decided about the earlier credentials of their user. */
export type EarlierAnswer =
  /** @param password a new one; ignored of a user who chooses none (`choosesPassword`) */
  | { readonly earlier: 'end'; readonly password: string }
  /** They have set up everything themselves. @param seen of what they were shown, in the browser with this session */
  | { readonly earlier: 'keep'; readonly seen: string; readonly sessionId: string | null }

/** An answer with what takes time, to be done before the user is locked. */
export interface PreparedAnswer {
  readonly answer: EarlierAnswer
  /** The hash of the new password. */
  readonly hash: string | undefined
  readonly before: Credentials
  readonly unknown: StoredOneTimePassword | null
}

/** @throws KeywrightError `invalid_input` (the password is not accepted; a sentence for the user), `conflict`, `rate_limited` */
export async function prepareAnswer(knex: Knex, userId: string, answer: EarlierAnswer): Promise<PreparedAnswer> {
  const before = await findCredentialsById(knex, userId)
  if (!before) throw new KeywrightError('conflict', 'the user was deleted')
  const chooses = answer.earlier === 'end' && choosesPassword(before)
  if (chooses) await takeWork(knex, userId)
  return {
    answer,
    hash: chooses ? await hashOfNext(before, answer.password) : undefined,
    before,
    unknown: answer.earlier === 'keep' ? await unknownPassword(knex, userId) : null,
  }
}

/**
 * Ends connections, identities and links of a user who is locked; with `factors`, their second factors and passkeys as well. Returns the
 * audit events. The caller ends sessions and password.
 */
export async function endEarlierCredentials(
  trx: Knex,
  { user }: Pick<Credentials, 'user'>,
  { factors = false } = {},
): Promise<AuditEntry[]> {
  const connections = await endConnections(trx, user.id)
  const identities = await deleteIdentities(trx, user.id)
  const removed = factors ? await removeAllFactors(trx, user.id) : 0
  await endLinks(trx, user.id)
  const detail = { identities, factors: removed, applications: connections.length }
  return [...connections, userEntry('user.earlier_credentials_ended', user, detail)]
}

/**
 * Does what the person decided; the caller has locked the user. A one-time password ends in any case. All links end.
 * @throws EarlierCredentialsChangedError
 */
export async function applyAnswer(
  trx: Knex,
  person: Credentials,
  { answer, hash, before, unknown }: PreparedAnswer,
  actor: Actor,
): Promise<User> {
  const { user } = person
  if (!isSamePassword(person, before)) throw new KeywrightError('conflict', 'the password was changed meanwhile')
  if (answer.earlier === 'keep') {
    const present = await listEarlierCredentials(trx, user.id, answer.sessionId)
    if (present?.seen !== answer.seen) throw new EarlierCredentialsChangedError()
    await endLinks(trx, user.id)
    await recordAudit(trx, actor, userEntry('user.earlier_credentials_kept', user))
    return (await endOneTimePassword(trx, person, unknown, actor)) ?? user
  }
  await recordAudit(trx, actor, ...(await endEarlierCredentials(trx, person, { factors: true })))
  if (hash === undefined) return await revokeSessionsOfUser(trx, user.id)
  await recordAudit(trx, actor, userEntry('user.password_changed', user))
  return await savePassword(trx, user.id, hash)
}
