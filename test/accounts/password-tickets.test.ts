import { expect, test } from 'vitest'
import { createPasswordTickets } from '../../src/accounts/password-tickets.ts'
import { seal } from '../../src/shared/envelope.ts'
import { keysOf, newEncryptionKey } from '../support/encryption-key.ts'

test('a ticket of a node of the previous version, which does not name the proof, proves the password alone', () => {
  const keys = keysOf(newEncryptionKey())
  const earlier = { userId: 'u', expiresAt: Date.now() + 60_000, fingerprint: 'f' }
  const ticket = seal(keys, { purpose: 'password ticket' }, Buffer.from(JSON.stringify(earlier))).toString('base64url')
  const opened = createPasswordTickets(keys, { now: Date.now }).open(ticket)
  expect(opened).toEqual({ ...earlier, proved: { amr: ['pwd'], demandsSecondFactor: false } })
})
