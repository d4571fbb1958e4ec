import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { seal } from '../../src/shared/envelope.ts'
import { createSealedTickets } from '../../src/shared/sealed-tickets.ts'

interface Ticket {
  readonly userId: string
  readonly expiresAt: number
}

const keys = createEncryptionKeys([randomBytes(32)])
const tickets = createSealedTickets<Ticket>(keys, 'sign-in ticket')
const TICKET = { userId: 'ada', expiresAt: 1000 }

test('a ticket comes back as it was until it expires', () => {
  const sealed = tickets.seal(TICKET)
  expect(sealed).toMatch(/^[\w-]+$/)
  expect(sealed).not.toContain('ada')
  expect(tickets.open(sealed, 999)).toEqual(TICKET)
  expect(tickets.open(sealed, 1000)).toBeUndefined()
})

test('what is no ticket of these keys and this purpose does not open', () => {
  const sealed = tickets.seal(TICKET)
  const others = [
    createSealedTickets<Ticket>(keys, 'TOTP offer').seal(TICKET),
    createSealedTickets<Ticket>(createEncryptionKeys([randomBytes(32)]), 'sign-in ticket').seal(TICKET),
    seal(keys, { purpose: 'sign-in ticket' }, Buffer.from('no JSON')).toString('base64url'),
    seal(keys, { purpose: 'sign-in ticket' }, Buffer.from('null')).toString('base64url'),
    sealed.slice(0, -4),
    '',
    'x'.repeat(5000),
  ]
  for (const one of others) expect(tickets.open(one, 0)).toBeUndefined()
})
