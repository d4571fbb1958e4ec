import { expect, test } from 'vitest'
import { openAnswer, openChallenge, sealAnswer, sealChallenge } from '../../src/accounts/sign-in-challenges.ts'
import { keysOf, newEncryptionKey } from '../support/encryption-key.ts'

const MINUTE = 60_000
const NOW = Date.now()

const keys = keysOf(newEncryptionKey())
const challenge = sealChallenge(keys, { isForced: false, returnTo: '/users' }, 'browser', NOW)

test('a challenge ends after 15 minutes', () => {
  expect(openChallenge(keys, challenge, NOW + 15 * MINUTE - 1)).toMatchObject({ browser: 'browser', issuedAt: NOW })
  expect(openChallenge(keys, challenge, NOW + 15 * MINUTE)).toBeUndefined()
})

test('an answer ends after two minutes, and is bound to the browser of the challenge', () => {
  const answer = sealAnswer(keys, openChallenge(keys, challenge, NOW)!, { rejected: { error: 'access_denied' } }, NOW)
  expect(openAnswer(keys, answer, NOW + 2 * MINUTE - 1)).toMatchObject({ browser: 'browser', returnTo: '/users' })
  expect(openAnswer(keys, answer, NOW + 2 * MINUTE)).toBeUndefined()
})

test('a challenge is no answer: who began a sign-in cannot complete it', () => {
  expect(openAnswer(keys, challenge, NOW)).toBeUndefined()
})
