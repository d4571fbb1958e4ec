import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { LanguageCode } from '../languages/languages.ts'
import { createLink } from '../mail/mail-links.ts'
import { addMessage } from '../mail/outbox.ts'
import { emailKey } from '../shared/email-addresses.ts'
import { newId } from '../shared/ids.ts'
import { type Credentials, findCredentials, findCredentialsOf } from './credentials.ts'
import type { FromPage } from './password-changes.ts'
import { findPendingUsers, type PendingUser } from './pending-users.ts'
import { messageBudget, messageNetworkBudget, takeAttempt } from './sign-in-limits.ts'

/**
 * Requests a message with a link for a new password. The statements are the same whether or not a user has the address, and so
 * is the result: undefined, or the seconds to wait after too many requests.
 */
export async function requestPasswordReset(knex: Knex, email: string, from: FromPage): Promise<number | undefined> {
  for (const budget of [messageNetworkBudget(from.ip), messageBudget(email)]) {
    const wait = await takeAttempt(knex, budget)
    if (wait !== undefined) return wait
  }
  const { ip, requestId = null, language } = from
  const row = { id: newId(), email_key: emailKey(email), ip, request_id: requestId, language }
  await knex('password_reset_requests').insert(row)
  return undefined
}

interface RequestRow {
  email_key: string
  ip: string
  request_id: string | null
  language: LanguageCode
}

const TAKE = `
  DELETE FROM password_reset_requests
   WHERE id IN (SELECT id FROM password_reset_requests ORDER BY id LIMIT ? FOR UPDATE SKIP LOCKED)
  RETURNING email_key, ip, request_id, language`

/**
 * Whether a link may give the user a new password. Not to an address that a program set, and not to a user without a password:
 * a program that manages users must not get a way to sign in as one of them.
 */
export const mayReplacePassword = ({ mayAct, passwordHash, emailSetByProgram }: Credentials): boolean =>
  mayAct && passwordHash !== null && !emailSetByProgram

/** Whether an invitation may give the user a first password. */
export const mayChooseFirstPassword = ({ mayAct, passwordHash, passwordChangedAt }: Credentials): boolean =>
  mayAct && passwordHash === null && passwordChangedAt === null

interface Concerned {
  /** Receives the message. Undefined: nobody may. */
  readonly person: Credentials | undefined
  /** Pending users with the address, whose accounts read of the request as if the users were invited ones. */
  readonly pending: readonly PendingUser[]
}

/** While nobody has the address, the first pending user with it receives the message. */
async function findConcerned(trx: Knex, email: string): Promise<Concerned> {
  const owner = await findCredentials(trx, email)
  const ids = (await findPendingUsers(trx, email)).map(({ id }) => id)
  const pending = (await findCredentialsOf(trx, ids)).filter(mayReplacePassword)
  const person = owner ?? pending[0]
  const others = pending
    .filter((one) => one !== person)
    .map(({ user }) => ({ id: user.id, accountId: user.accountId! }))
  return { person: person && mayReplacePassword(person) ? person : undefined, pending: others }
}

async function addResetMessage(trx: Knex, { email_key, ip, request_id, language }: RequestRow): Promise<void> {
  const { person, pending } = await findConcerned(trx, email_key)
  if (person) {
    const { user } = person
    const linkId = await createLink(trx, { purpose: 'password_reset', userId: user.id, email: user.email })
    await addMessage(trx, { kind: 'password_reset', to: user, parameters: {}, linkId, pageLanguage: language })
  }
  const users = [...(person ? [person.user] : []), ...pending]
  if (users.length === 0) return
  const actor: Actor = { type: 'user', ip, ...(request_id !== null && { requestId: request_id }) }
  const action = 'user.password_reset_requested'
  const entries = users.map(({ id, accountId }) => ({ action, target: { type: 'user', id }, accountId, detail: {} }))
  await recordAudit(trx, actor, ...entries)
}

/** Makes messages of at most `limit` requests, each once over all nodes. Returns how many requests there were. */
export async function processResetRequests(knex: Knex, limit: number): Promise<number> {
  return await knex.transaction(async (trx) => {
    const rows: RequestRow[] = (await trx.raw(TAKE, [limit])).rows
    for (const row of rows) await addResetMessage(trx, row)
    return rows.length
  })
}
