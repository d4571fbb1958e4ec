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
import { deleteIdentities, listIdentities, type UserIdentity } from '../identity-providers/user-identities.ts'
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
  readonly identities: readonly UserIdentity[]
  /** The names of applications that the user is connected to, each once. */
  readonly applications: readonly string[]
  /** The number of sessions in other browsers, at most 100. */
  readonly otherSessions: number
}

/** Undefined: no such user. @param sessionId of the session in this browser; null: it is not listed yet */
export async function listEarlierCredentials(
  knex: Knex,
  userId: string,
  sessionId: string | null,
): Promise<EarlierCredentials | undefined> {
  const person = await findCredentialsById(knex, userId)
  if (!person) return undefined
  const sessions = await listUserSessions(knex, userId)
  const connected = await listConnectedApplications(knex, userId)
  return {
    hasPassword: person.passwordHash !== null,
    ...(await listFactors(knex, userId)),
    identities: await listIdentities(knex, userId),
    applications: [...new Set(connected.map(({ name }) => name))],
    otherSessions: sessions.filter(({ id }) => id !== sessionId).length,
  }
}

/** What somebody decided about the earlier credentials of their user. */
export type EarlierAnswer =
  /** @param password a new one; ignored if the user has none */
  | { readonly earlier: 'end'; readonly password: string }
  /** They have set up everything themselves. */
  | { readonly earlier: 'keep' }

/** An answer with what takes time, to be done before the user is locked. */
export interface PreparedAnswer {
  readonly earlier: EarlierAnswer['earlier']
  /** The hash of the new password. */
  readonly hash: string | undefined
  readonly before: Credentials
  readonly unknown: StoredOneTimePassword | null
}

/** @throws KeywrightError `invalid_input` (the password is not accepted; a sentence for the user), `conflict`, `rate_limited` */
export async function prepareAnswer(knex: Knex, userId: string, answer: EarlierAnswer): Promise<PreparedAnswer> {
  const before = await findCredentialsById(knex, userId)
  if (!before) throw new KeywrightError('conflict', 'the user was deleted')
  const chooses = answer.earlier === 'end' && before.passwordHash !== null
  if (chooses) await takeWork(knex, userId)
  return {
    earlier: answer.earlier,
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

/** Does what the person decided; the caller has locked the user. A one-time password ends in any case. All links end. */
export async function applyAnswer(
  trx: Knex,
  person: Credentials,
  { earlier, hash, before, unknown }: PreparedAnswer,
  actor: Actor,
): Promise<User> {
  const { user } = person
  if (!isSamePassword(person, before)) throw new KeywrightError('conflict', 'the password was changed meanwhile')
  if (earlier === 'keep') {
    await endLinks(trx, user.id)
    await recordAudit(trx, actor, userEntry('user.earlier_credentials_kept', user))
    return (await endOneTimePassword(trx, person, unknown, actor)) ?? user
  }
  await recordAudit(trx, actor, ...(await endEarlierCredentials(trx, person, { factors: true })))
  if (hash === undefined) return await revokeSessionsOfUser(trx, user.id)
  await recordAudit(trx, actor, userEntry('user.password_changed', user))
  return await savePassword(trx, user.id, hash)
}
