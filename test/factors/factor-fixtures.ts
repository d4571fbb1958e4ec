import { generate } from 'otplib'
import { createSignIn, type SignInAttempt } from '../../src/accounts/sign-in.ts'
import { createSignInProgress } from '../../src/accounts/sign-in-progress.ts'
import { createFactors } from '../../src/factors/factors.ts'
import type { CodeAttempt } from '../../src/factors/second-factor-sign-in.ts'
import { epochSeconds } from '../../src/shared/clock.ts'
import { attemptOf, freshIp, gatherPeople, PASSWORD, type Person } from '../accounts/user-fixtures.ts'
import { createMemoryLog } from '../support/memory-log.ts'

const STEP = 30_000

export const ISSUER = 'https://keywright.test'

/** A person with an authenticator app. */
export interface PersonWithApp extends Person {
  /** Base32. */
  readonly secret: string
  readonly recoveryCodes: readonly string[]
}

/** People with second factors, on a database of their own, at a time that only the tests change. */
export type PeopleWithFactors = Awaited<ReturnType<typeof gatherPeopleWithFactors>>

export async function gatherPeopleWithFactors() {
  const people = await gatherPeople()
  let now = Date.UTC(2026, 10, 29, 12)
  const clock = { now: () => now }
  const { lines, log } = createMemoryLog('trace')

  /** Another node. */
  function node(keys = people.keys) {
    const progress = createSignInProgress(keys, clock)
    return {
      signIn: createSignIn(people.knex, progress),
      factors: createFactors({ knex: people.knex, encryptionKeys: keys, clock, progress, issuerUrl: ISSUER, log }),
    }
  }

  const here = node()

  const pass = (milliseconds: number): void => {
    now += milliseconds
  }

  const codeOf = (secret: string, at = now): Promise<string> => generate({ secret, epoch: epochSeconds(at) })

  /** Adds an authenticator app as the Security page does. */
  async function addApp({ user }: Person, name = 'Phone') {
    const offer = await here.factors.own.offer(user)
    const sent = { offer: offer.sealed, name, code: await codeOf(offer.secret) }
    const result = await here.factors.own.add(user, sent, { type: 'user', id: user.id })
    if (result.outcome !== 'added') throw new Error(`not added: ${result.outcome}`)
    return { secret: offer.secret, recoveryCodes: result.codes }
  }

  return {
    ...people,
    ...here,
    logLines: () => lines,
    node,
    pass,
    codeOf,
    addApp,
    /** The code of the next step: the one that added the app is used. */
    nextCode: (secret: string) => codeOf(secret, now + STEP),
    async personWithApp(account?: string): Promise<PersonWithApp> {
      const person = await people.person(account)
      return { ...person, ...(await addApp(person)) }
    },
    /** The ticket of somebody who has just proved the password. */
    async ticketOf({ user }: Person, more: Partial<SignInAttempt> = {}): Promise<string> {
      const step = await here.signIn.attempt(attemptOf(user.email, PASSWORD, more))
      if (!('ticket' in step)) throw new Error(`no ticket, but ${step.outcome}`)
      return step.ticket
    },
  }
}

export const codeAttempt = (ticket: string, code: string, more: Partial<CodeAttempt> = {}): CodeAttempt => ({
  ticket,
  code,
  kind: 'totp',
  ip: freshIp(),
  ...more,
})
