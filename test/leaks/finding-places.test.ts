import { expect, test } from 'vitest'
import { storedSource, storedUrl } from '../../src/leaks/finding-places.ts'
import { generateSecret } from '../../src/shared/secrets.ts'

const SECRET = generateSecret('clientSecret')
const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.AAAA'
const encodeAll = (text: string) => text.replace(/./g, (one) => `%${one.charCodeAt(0).toString(16)}`)

test('a stored URL has no user name, query or fragment, and no secret in any spelling', () => {
  const place = 'https://github.com/acme/shop/blob/123/a%20b.yml'
  expect(storedUrl(place)).toBe(place)
  expect(storedUrl(`${place}?token=${SECRET}#${SECRET}`)).toBe(place)
  expect(storedUrl(`https://user:${SECRET}@github.com/x`)).toBe('https://github.com/x')
  for (const secret of [SECRET, JWT, encodeAll(SECRET), encodeAll(JWT)]) {
    expect(storedUrl(`https://github.com/x/${secret}/y`)).toBe('https://github.com')
  }
  expect(storedUrl('https://github.com/%ff')).toBe('https://github.com')
  expect(storedUrl(`https://github.com/${'x'.repeat(2000)}`)).toBe('https://github.com')
})

test('anything but an http or https URL is no place', () => {
  for (const text of [undefined, '', 'x', 'javascript:alert(1)', `data:text/plain,${SECRET}`]) {
    expect(storedUrl(text)).toBeNull()
  }
})

test('a stored source is a word, and holds no secret', () => {
  for (const word of ['commit', 'Pull_request_title', 'Npm']) expect(storedSource(word)).toBe(word)
  for (const text of [undefined, '', SECRET, `kws_${'A'.repeat(30)}`, '<b>', 'a b', 'x'.repeat(41)]) {
    expect(storedSource(text)).toBeNull()
  }
})
