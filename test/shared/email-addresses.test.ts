import { describe, expect, it } from 'vitest'
import { emailError, emailKey, normalizedEmail, searchedEmails } from '../../src/shared/email-addresses.ts'

describe('an address', () => {
  it.each([
    ['user@bücher.example', 'user@xn--bcher-kva.example'],
    ['user@BÜCHER.Example', 'user@xn--bcher-kva.example'],
    ['user@例え。テスト', 'user@xn--r8jz45g.xn--zckzah'],
    [' Ada.Lovelace@Example.COM ', 'Ada.Lovelace@example.com'],
    ['Mu\u0308ller@example.com', 'Müller@example.com'],
    ['a@localhost', 'a@localhost'],
    ['a@[IPv6:2001:DB8::1]', 'a@[ipv6:2001:db8::1]'],
  ])('%j is stored with its domain in ASCII and its local part in NFC', (typed, stored) => {
    expect(normalizedEmail(typed)).toBe(stored)
  })

  it.each([
    ...['', '@example.com', 'ada@', 'ada', 'a b@example.com', 'a@exa mple.com', `${'a'.repeat(250)}@b.example`],
    ...['a@example..com', 'a@.example', 'a@b/c', 'a@b?c', 'a@b#c', 'a@b:80', 'a@ex%61mple.com', 'a@bü/x', 'a@bü:80'],
    ...[
      'a\u00adda@example.com',
      'a\u200bda@example.com',
      'a\u202eda@example.com',
      'a\u3164@example.com',
      'a\0@example.com',
    ],
    ...['a\ud800@example.com', 'a@exam\u202eple.com', '"quoted@local"@example.com'],
  ])('%j is none', (typed) => {
    expect(normalizedEmail(typed)).toBeUndefined()
    expect(emailError(typed)).toContain('not an email address')
  })

  it('has one key, however it is written', () => {
    const ways = [
      'MÜLLER@Bücher.example',
      'müller@xn--bcher-kva.example',
      'mu\u0308ller@XN--BCHER-KVA.example',
      ' Müller@BÜCHER.EXAMPLE\t',
    ]
    expect(new Set(ways.map(emailKey))).toEqual(new Set(['müller@xn--bcher-kva.example']))
  })

  it('is found by a search for a domain as people write it', () => {
    expect(searchedEmails('ada bücher.example user@BÜCHER.example büch')).toBe(
      'ada xn--bcher-kva.example user@xn--bcher-kva.example büch',
    )
  })
})
