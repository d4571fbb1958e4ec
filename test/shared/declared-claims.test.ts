import { describe, expect, test } from 'vitest'
import {
  type ClaimSource,
  claimsError,
  claimValues,
  claimWords,
  type DeclaredClaim,
  MAX_CLAIM_NAME,
  MAX_CLAIMS,
  parseClaims,
} from '../../src/shared/declared-claims.ts'

const claim = (name: string, from: ClaimSource = 'account', key = name): DeclaredClaim => ({ name, from, key })

describe('a declaration', () => {
  test.each(['plan', 'https://example.com/plan', 'Tier_2', 'a'.repeat(MAX_CLAIM_NAME)])(
    'may have the name %s',
    (name) => {
      expect(claimsError([claim(name, 'user', 'x')])).toBeUndefined()
    },
  )

  test.each([
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'nbf',
    'jti',
    'client_id',
    'scope',
    'status',
    'account_id',
    'act',
    'may_act',
    'cnf',
    'auth_time',
    'acr',
    'amr',
    'sid',
    'groups',
    'roles',
    'entitlements',
    'azp',
    'active',
    'token_type',
    'claims',
    'allowed_networks',
    'environment',
    'Sub',
    'ACCOUNT_ID',
  ])('cannot have the reserved name %s', (name) => {
    expect(claimsError([claim(name, 'user', 'x')])).toContain('reserved')
  })

  test.each([
    '',
    ' plan',
    'plan gold',
    'plan=',
    '1st',
    '__proto__',
    'größe',
    'a\u0000',
    'a'.repeat(MAX_CLAIM_NAME + 1),
  ])('cannot have the name %j', (name) => {
    expect(claimsError([claim(name, 'user', 'x')])).toContain('the name of a claim')
  })

  test.each(['', 'a b', 'a\nb', 'a\u0000', 'x'.repeat(65)])('cannot name the member %j', (key) => {
    expect(claimsError([claim('plan', 'user', key)])).toContain('the key of a claim')
  })

  test('names an account, client or user', () => {
    expect(claimsError([claim('plan', 'instance' as ClaimSource)])).toContain('account, client, user')
  })

  test(`has at most ${MAX_CLAIMS} claims, each once`, () => {
    const some = Array.from({ length: MAX_CLAIMS }, (_, n) => claim(`claim${n}`))
    expect(claimsError(some)).toBeUndefined()
    expect(claimsError([...some, claim('other')])).toContain('at most')
    expect(claimsError([claim('plan'), claim('plan', 'user')])).toContain('twice')
  })

  test('is typed as words, which may be on lines', () => {
    const claims = [claim('plan'), claim('https://example.com/a', 'user', 'a.b=c')]
    expect(claimWords(claims)).toEqual(['plan=account.plan', 'https://example.com/a=user.a.b=c'])
    expect(parseClaims(claimWords(claims).join('\r\n'))).toEqual(claims)
    expect(parseClaims(' \n')).toEqual([])
  })

  test.each(['plan', 'plan=account', 'plan=account.', '=account.plan', 'plan=other.plan', 'sub=user.id'])(
    'cannot be typed as %s',
    (text) => {
      expect(() => parseClaims(text)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
    },
  )
})

describe('the values', () => {
  const value = (stored: unknown) => claimValues([claim('plan')], { account: { plan: stored } })

  test.each(['gold', '', 0, 1.5, false, null, ['a', 1], { a: { b: null } }])('are as stored: %j', (stored) => {
    expect(value(stored)).toEqual({ plan: stored })
  })

  test('are left out without the source, the member, or room', () => {
    expect(claimValues([claim('plan')], {})).toEqual({})
    expect(claimValues([claim('plan')], { user: { plan: 'gold' } })).toEqual({})
    expect(claimValues([claim('plan', 'account', 'toString')], { account: {} })).toEqual({})
    expect(value('x'.repeat(254))).toEqual({ plan: 'x'.repeat(254) })
    expect(value('x'.repeat(255))).toEqual({})
    expect(value('ü'.repeat(128))).toEqual({})
  })
})
