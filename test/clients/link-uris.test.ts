import { expect, test } from 'vitest'
import { linkUriError } from '../../src/clients/redirect-uris.ts'

test.each([
  'https://app.example.com',
  'https://app.example.com/legal?lang=en#privacy',
  'HTTPS://app.example.com/*',
  'https://münchen.example/über',
  `https://app.example.com/${'a'.repeat(1976)}`,
])('%s can be linked to', (uri) => {
  expect(linkUriError('home page', uri)).toBeUndefined()
})

test.each([
  ['a script', 'javascript:alert(1)'],
  ['a script in capitals', 'JavaScript://app.example.com/%0aalert(1)'],
  ['a document in the address', 'data:text/html,<script>alert(1)</script>'],
  ['a blob', 'blob:https://app.example.com/1'],
  ['http', 'http://app.example.com/'],
  ['http on loopback', 'http://127.0.0.1/'],
  ['a custom scheme', 'com.example.app:/terms'],
  ['no authority, which parsers read in different ways', 'https:app.example.com'],
  ['an empty authority', 'https:///app.example.com'],
  ['a relative address', '/terms'],
  ['a host alone', 'app.example.com'],
  ['a user name that looks like a host', 'https://accounts.example.com@evil.example/'],
  ['a space', 'https://app.example.com/the terms'],
  ['a space before it', ' https://app.example.com/'],
  ['a line break', 'https://app.example.com/\njavascript:alert(1)'],
  ['a backslash', 'https://app.example.com\\@evil.example/'],
  ['a NUL', 'https://app.example.com/\0'],
  ['half of a surrogate pair', 'https://app.example.com/\ud800'],
  ['no text', ''],
  ['more than 2000 characters', `https://app.example.com/${'a'.repeat(1977)}`],
])('%s is refused', (_, uri) => {
  expect(linkUriError('home page', uri)).toMatch(/^the home page must/)
})
