import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import type { LanguageCode } from '../languages/languages.ts'
import { invalidInput, KeywrightError } from '../shared/errors.ts'
import { type Credentials, findCredentialsById, isSamePassword, lockCredentials, savePassword } from './credentials.ts'
import { checkNewPassword, hashPassword, verifyPassword } from './passwords.ts'
import { refundAttempts, takeAttempt, takeWork, userBudget, workBudget } from './sign-in-limits.ts'
import type { SignInProgress, SignInStep } from './sign-in-progress.ts'
import type { User } from './users.ts'

/** Through which request somebody acts. */
export interface From {
  readonly ip: string
  readonly requestId?: string
}

/** A request of a page. */
export interface FromPage extends From {
  /** Of the page. */
  readonly language: LanguageCode
}

export interface PasswordChanges {
  /**
   * Redeems a ticket: a password of the person's own in place of the one-time one. The sign-in continues with the next step.
   * @throws KeywrightError `invalid_input` (a sentence for the person), `conflict` (the ticket is over), `rate_limited`
   */
  choosePassword(ticket: string, password: string, actor: Actor): Promise<SignInStep>
  /**
   * For somebody who is signed in. Refused: the present password is another. `retryAfter` in seconds.
   * @throws KeywrightError `invalid_input` (a sentence for the person, about the next password)
   */
  changePassword(
    userId: string,
    present: string,
    next: string,
    from: From,
  ): Promise<'changed' | 'refused' | { retryAfter: number }>
}

const ticketOver = () =>
  new KeywrightError('conflict', 'This took too long, or was done already. Sign in again to go on.')

/** The hash of a password that is fit to come next. @throws KeywrightError `invalid_input` */
export async function hashOfNext(person: Credentials, next: string): Promise<string> {
  await checkNewPassword(next, person.user)
  if (await verifyPassword(person.passwordHash, next))
    throw invalidInput('Choose another password than the present one.')
  return await hashPassword(next)
}

export function createPasswordChanges(knex: Knex, progress: SignInProgress): PasswordChanges {
  const tickets = progress.passwordTickets
  const entry = (action: string, { id, accountId }: User) => ({ action, target: { type: 'user', id }, accountId })

  /** Undefined: meanwhile it was changed by somebody else, or the person may no longer act. */
  async function replace(person: Credentials, hash: string, actor: Actor): Promise<User | undefined> {
    return await knex.transaction(async (trx) => {
      const held = await lockCredentials(trx, person.user.id)
      if (!held?.mayAct || !isSamePassword(held, person)) return undefined
      const detail = person.passwordChangeRequired ? { one_time: true } : {}
      await recordAudit(trx, actor, { ...entry('user.password_changed', person.user), detail })
      return await savePassword(trx, person.user.id, hash)
    })
  }

  async function refuse(person: Credentials, actor: Actor): Promise<'refused'> {
    await recordAudit(knex, actor, entry('user.password_change_refused', person.user))
    return 'refused'
  }

  return {
    async choosePassword(sealed, password, actor) {
      const ticket = tickets.open(sealed)
      const person = ticket && (await findCredentialsById(knex, ticket.userId))
      if (!person || !tickets.isFor(ticket!, person)) throw ticketOver()
      await takeWork(knex, person.user.id)
      const hash = await hashOfNext(person, password)
      const user = await replace(person, hash, { ...actor, id: actor.id ?? person.user.id })
      if (!user) throw ticketOver()
      return progress.next({ ...person, user, passwordChangeRequired: false }, ticket!.proved)
    },

    async changePassword(userId, present, next, from) {
      const person = await findCredentialsById(knex, userId)
      if (!person) return 'refused'
      const budget = userBudget(person.user.id)
      const retryAfter = (await takeAttempt(knex, budget)) ?? (await takeAttempt(knex, workBudget(person.user.id)))
      if (retryAfter !== undefined) return { retryAfter }
      const actor: Actor = { type: 'user', id: person.user.id, ...from }
      if (!(await verifyPassword(person.passwordHash, present))) return await refuse(person, actor)
      await refundAttempts(knex, [budget])
      return (await replace(person, await hashOfNext(person, next), actor)) ? 'changed' : 'refused'
    },
  }
}
