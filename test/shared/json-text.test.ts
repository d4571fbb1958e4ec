import { expect, test } from 'vitest'
import { parseJson } from '../../src/shared/json-text.ts'

test.each([
  '{"a": 1, "b": {"a": 2}, "c": [{"a": 1}, {"a": 1}]}',
  '{"a": "b", "b": "a:{"}',
  '["a", "a"]',
  '{"a\\"": ":", "a": "\\\\"}',
  '"a"',
  '{}',
  `${'['.repeat(100)}${']'.repeat(100)}`,
])('%s is parsed as JSON.parse does', (text) => {
  expect(parseJson(text)).toEqual(JSON.parse(text))
})

test.each([
  ['{"a": 1, "a": 1}', '"a" is given twice'],
  ['{"a": 1, "\\u0061": 2}', '"a" is given twice'],
  ['{"x": [{"a": 1}, {"b": {"c": 1, "d": [], "c": 2}}]}', '"c" is given twice'],
  ['{"a": {}, "b": "}", "a": {}}', '"a" is given twice'],
  ['{"": 1, "": 2}', '"" is given twice'],
  ['{"x": {"__proto__": 1}}', '__proto__'],
  [`${'{"a":['.repeat(50)}[${']'.repeat(50)}`, 'not valid JSON'],
  [`${'['.repeat(101)}${']'.repeat(101)}`, 'too many levels'],
  ['{"a": 1', 'not valid JSON'],
  ['', 'not valid JSON'],
])('%s is rejected', (text, message) => {
  expect(() => parseJson(text)).toThrow(
    expect.objectContaining({ code: 'invalid_input', message: expect.stringContaining(message) }),
  )
})
