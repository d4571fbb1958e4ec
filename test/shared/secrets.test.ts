import { expect, test } from 'vitest'
import { ENVIRONMENTS } from '../../src/shared/environments.ts'
import { generateSecret, isWellFormedSecret, secretPattern, withoutSecrets } from '../../src/shared/secrets.ts'

test('a text hides a cut secret from ten characters behind its prefix', () => {
  for (const prefix of ['kws_', 'kwk_', 'kwr_', 'kwp_', 'kwd_']) {
    expect(withoutSecrets(`x ${prefix}${'S'.repeat(10)} y`)).not.toContain('SS')
    expect(withoutSecrets(`x ${prefix}${'S'.repeat(9)} y`)).toContain(`${prefix}SSSSSSSSS`)
  }
})

test('a text keeps client IDs', () => {
  expect(withoutSecrets(`kwc_${'C'.repeat(20)} kwa_${'A'.repeat(20)}`)).toBe(
    `kwc_${'C'.repeat(20)} kwa_${'A'.repeat(20)}`,
  )
})

test('a secret with an environment is well formed, matches its pattern, and is hidden in a text', () => {
  for (const kind of ['clientSecret', 'apiKey'] as const) {
    for (const environment of [null, ...ENVIRONMENTS]) {
      const secret = generateSecret(kind, [], environment)
      expect(isWellFormedSecret(kind, secret), secret).toBe(true)
      expect(secret).toMatch(new RegExp(`^${secretPattern(kind)}$`))
      expect(isWellFormedSecret(kind, secret.replace(/_[a-z]+_/, '_other_'))).toBe(environment === null)
      expect(withoutSecrets(`x ${secret} y`)).toBe(`x ${secret.slice(0, secret.lastIndexOf('_') + 1)}… y`)
    }
  }
})

test('the environment is part of the checksum', () => {
  const secret = generateSecret('clientSecret', [], 'test')
  expect(isWellFormedSecret('clientSecret', secret.replace('kws_test_', 'kws_live_'))).toBe(false)
  expect(isWellFormedSecret('clientSecret', secret.replace('kws_test_', 'kws_'))).toBe(false)
})
