import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { LEAK_PATTERNS } from '../../src/leaks/leak-patterns.ts'
import { ENVIRONMENTS } from '../../src/shared/environments.ts'
import { generateSecret, isWellFormedSecret } from '../../src/shared/secrets.ts'

const page = readFileSync(new URL('../../docs/secret-scanning.md', import.meta.url), 'utf8')
const rows = [...page.matchAll(/^\| `(keywright_\w+)` \|[^|]*\| `([^`]+)` \| `([^`]+)` \|$/gm)].map(
  ([, type, pattern, example]) => ({
    type,
    // A cell of a table escapes it.
    pattern: pattern!.replaceAll('\\|', '|'),
    example: example!,
  }),
)

test('docs/secret-scanning.md lists each pattern of the code', () => {
  expect(rows.map(({ type, pattern }) => ({ type, pattern }))).toEqual(
    LEAK_PATTERNS.map(({ type, pattern }) => ({ type, pattern })),
  )
})

test('the patterns find the secrets of every environment', () => {
  for (const { secret, pattern } of LEAK_PATTERNS.filter(({ kind }) => kind !== 'refresh_token')) {
    const texts = ENVIRONMENTS.map((one) => generateSecret(secret, [], one))
    for (const text of texts) expect(text).toMatch(new RegExp(`^${pattern}$`))
  }
})

test('each pattern finds what is generated, and nothing longer, shorter or of another kind', () => {
  for (const { secret, pattern } of LEAK_PATTERNS) {
    const whole = new RegExp(`^${pattern}$`)
    const text = generateSecret(secret)
    expect(`password=${text};`.match(new RegExp(pattern))?.[0]).toBe(text)
    for (const other of [`${text}A`, text.slice(0, -1), `${text.slice(0, -1)}-`]) expect(other).not.toMatch(whole)
    expect(LEAK_PATTERNS.filter((one) => new RegExp(`^${one.pattern}$`).test(text))).toHaveLength(1)
  }
})

test('each example of docs/secret-scanning.md matches its pattern, and its checksum is wrong', () => {
  expect(rows).toHaveLength(LEAK_PATTERNS.length)
  for (const [n, { pattern, example }] of rows.entries()) {
    expect(example).toMatch(new RegExp(`^${pattern}$`))
    expect(isWellFormedSecret(LEAK_PATTERNS[n]!.secret, example)).toBe(false)
  }
})
