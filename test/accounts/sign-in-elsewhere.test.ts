/** How a sign-in goes on that the operator's product or an OpenID provider has begun. */
import { expect, test } from 'vitest'
import type { Credentials } from '../../src/accounts/credentials.ts'
import { createSignInProgress } from '../../src/accounts/sign-in-progress.ts'
import type { Proved } from '../../src/accounts/sign-in-tickets.ts'
import { newId } from '../../src/shared/ids.ts'
import { keysOf, newEncryptionKey } from '../support/encryption-key.ts'

const progress = createSignInProgress(keysOf(newEncryptionKey()), { now: Date.now })

const ELSEWHERE = { acr: 'urn:acme:gold', authenticatedAt: 1, account: { id: newId(), isFixed: true } }

const personWith = (more: Partial<Credentials> = {}): Credentials =>
  ({
    user: { id: newId(), sessionsValidFrom: new Date(0) },
    mayAct: true,
    passwordChangeRequired: false,
    hasSecondFactor: false,
    mustHaveSecondFactor: false,
    ...more,
  }) as Credentials

const by = (amr: readonly string[], more: Partial<Proved> = {}): Proved => ({
  amr,
  demandsSecondFactor: false,
  elsewhere: ELSEWHERE,
  ...more,
})

test('a user who signed in elsewhere needs no password here', () => {
  const step = progress.next(personWith({ passwordChangeRequired: true }), by(['pwd']))
  expect(step).toMatchObject({ outcome: 'signed_in', elsewhere: ELSEWHERE })
})

test('a second factor is asked for here unless both factors were proved elsewhere', () => {
  const withFactor = personWith({ hasSecondFactor: true })
  expect(progress.next(withFactor, by(['pwd'])).outcome).toBe('second_factor')
  expect(progress.next(withFactor, by(['pwd', 'mfa'])).outcome).toBe('signed_in')
  for (const required of [by(['pwd'], { demandsSecondFactor: true }), by(['pwd'])]) {
    const person = personWith({ mustHaveSecondFactor: !required.demandsSecondFactor })
    expect(progress.next(person, required).outcome).toBe('set_up_factor')
    expect(progress.next(person, { ...required, amr: ['pwd', 'mfa'] }).outcome).toBe('signed_in')
  }
})

test('what was stated elsewhere stays with the sign-in while a second factor is proved', () => {
  const step = progress.next(personWith({ hasSecondFactor: true }), by(['pwd']))
  const { ticket } = step as { ticket: string }
  expect(progress.tickets.open(ticket)?.elsewhere).toEqual(ELSEWHERE)
})

test('who answers for one account sets up no second factor of a user of several', () => {
  const person = personWith({ mustHaveSecondFactor: true, hasOtherAccounts: true })
  expect(progress.next(person, by(['pwd'])).outcome).toBe('sign_in_here')
  expect(progress.next(person, by(['pwd'], { elsewhere: { authenticatedAt: 1 } })).outcome).toBe('set_up_factor')
})
