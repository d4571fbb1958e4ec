import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { createAccount } from '../../src/accounts/accounts.ts'
import { savePassword } from '../../src/accounts/credentials.ts'
import { hashPassword } from '../../src/accounts/passwords.ts'
import { createSignIn, type SignIn, type SignInAttempt, type SignInResult } from '../../src/accounts/sign-in.ts'
import { createSignInProgress } from '../../src/accounts/sign-in-progress.ts'
import { createUser, type User } from '../../src/accounts/users.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { createEncryptionKeys, type EncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { until } from '../support/load.ts'
import { createTestDatabase } from '../support/postgres.ts'

export const PASSWORD = 'plum orbit canvas 7'
export const OTHER_PASSWORD = 'nine teal bicycles 4'

export interface Person {
  readonly user: User
  readonly password: string
}

/** People of one account, on a database of their own; each has chosen `PASSWORD`, unless it says otherwise. */
export type People = Awaited<ReturnType<typeof gatherPeople>>

export async function gatherPeople() {
  const created = await createTestDatabase()
  const database = openDatabase(created.url, { poolMax: 10 })
  const { knex } = database
  const keys = createEncryptionKeys([randomBytes(32)])
  const { id: accountId } = await createAccount(knex, { name: 'ACME Corp' })
  const hash = await hashPassword(PASSWORD)
  let made = 0
  const nextEmail = () => `p${++made}@example.com`

  /** With a one-time password. */
  const invite = (account: string | null = accountId, role: User['role'] = 'admin'): Promise<Person> =>
    createUser(knex, { email: nextEmail(), role, accountId: account })

  async function isWaiting(): Promise<boolean> {
    const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    return (await knex.raw(waiting)).rows.length > 0
  }

  return {
    url: created.url,
    database,
    knex,
    keys,
    accountId,
    signIn: createSignIn(knex, createSignInProgress(keys, database.clock)),
    /** Another node. */
    otherNode: (ownKeys = keys): SignIn => createSignIn(knex, createSignInProgress(ownKeys, database.clock)),
    nextEmail,
    invite,
    async person(account: string = accountId): Promise<Person> {
      const { user } = await invite(account)
      return { user: await savePassword(knex, user.id, hash), password: PASSWORD }
    },
    account: async () => (await createAccount(knex, { name: 'Other Corp' })).id,
    row: (id: string) => knex('users').where({ id }).first(),
    actionsOn: (id: string): Promise<string[]> =>
      knex('audit_log').where('target_id', id).orderBy('at').orderBy('id').pluck('action'),
    /** Begins `second` while the transaction of `first` is open, and commits that when `second` waits for it. */
    async whileOpen<T>(first: (trx: Knex) => Promise<unknown>, second: () => Promise<T>): Promise<T> {
      const trx = await knex.transaction()
      await first(trx)
      const outcome = second()
      outcome.catch(() => {})
      await until(isWaiting)
      await trx.commit()
      return await outcome
    },
    async stop() {
      await database.close()
      await created.drop()
    },
  }
}

let networks = 0

/** Another network at each call, so that tests do not slow one another. */
export const freshIp = (): string => {
  networks++
  return `10.${networks >> 16}.${(networks >> 8) & 255}.${networks & 255}`
}

export const attemptOf = (email: string, password: string, more: Partial<SignInAttempt> = {}): SignInAttempt => ({
  email,
  password,
  ip: freshIp(),
  ...more,
})

export const outcomesOf = (results: SignInResult[]): string[] => results.map(({ outcome }) => outcome).sort()

/** The list that an operator makes to rotate its first key. */
export const withNewerKey = (keys: EncryptionKeys) =>
  createEncryptionKeys([randomBytes(32), ...keys.all.map(({ secret }) => secret)])
