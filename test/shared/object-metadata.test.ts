import { expect, test } from 'vitest'
import { attributeError } from '../../src/shared/attribute-errors.ts'

import { externalAttributes } from '../../src/shared/external-attributes.ts'
import { changedNames, MAX_METADATA_BYTES, metadataError, parseMetadata } from '../../src/shared/object-metadata.ts'

const ofBytes = (bytes: number) => ({ a: 'x'.repeat(bytes - '{"a":""}'.length) })

test.each([
  {},
  ofBytes(MAX_METADATA_BYTES),
  { a: { b: { c: { d: 1 } } } },
  { a: [[[1]]] },
  { flags: Array(199).fill(true) },
  { ['n'.repeat(64)]: null, empty: '' },
  { large: Number.MAX_SAFE_INTEGER, small: 0.1 },
])('metadata within the bounds is accepted: %#', (metadata) => {
  expect(metadataError(metadata)).toBeUndefined()
})

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) })

test.each([
  ['bytes', ofBytes(MAX_METADATA_BYTES + 1), '4096 bytes'],
  ['bytes of UTF-8', { a: 'é'.repeat(2050) }, '4096 bytes'],
  ['levels', nested(5), '4 levels'],
  [
    'levels, far beyond what a recursive check survives',
    JSON.parse(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
    '4 levels',
  ],
  ['values', { flags: Array(200).fill(true) }, '200 values'],
  ['characters of a name', { ['n'.repeat(65)]: 1 }, '64'],
  ['no name', { '': 1 }, '64'],
  ['a number that is no longer exact', JSON.parse('{"id": 12345678901234567890}'), 'send it as text'],
  ['text that PostgreSQL cannot store', { a: [{ b: 'x\0' }] }, 'NUL'],
  ['a name that PostgreSQL cannot store', { 'x\0': 1 }, 'NUL'],
  ['half a character', { a: '\ud800' }, 'surrogate'],
  ['half a character in a name', { a: { '\udc00': 1 } }, 'surrogate'],
  ['a number beyond all', JSON.parse('{"id": 1e999}'), 'too large'],
])('metadata with too many %s is rejected', (_, metadata, message) => {
  expect(metadataError(metadata as never)).toContain(message)
})

test.each(['[]', 'null', '"text"', '1', '{"a": 1, "a": 2}', 'nonsense'])('%s is no metadata', (text) => {
  expect(() => parseMetadata(text)).toThrow(expect.objectContaining({ code: 'invalid_input' }))
})

test('nothing typed is no metadata', () => {
  expect([parseMetadata(''), parseMetadata(' \n')]).toEqual([{}, {}])
})

test('the changed names are those that were added, removed or got another value', () => {
  const before = { same: [1], other: { a: 1 }, removed: 1 }
  expect(changedNames(before, { same: [1], other: { a: 2 }, added: null })).toEqual(['added', 'other', 'removed'])
})

test.each([
  ['cus_8Jx2', true],
  ['auth0|7:é'.replace('é', 'e'), true],
  ['a/b', true],
  ['...', true],
  ['x'.repeat(200), true],
  ['x'.repeat(201), false],
  ['', false],
  ['a b', false],
  ['é', false],
  ['a\u0000', false],
  ['.', false],
  ['..', false],
])('%j is an external ID: %s', (id, isValid) => {
  const { externalId } = externalAttributes({ what: 'account', section: 'account' })
  expect(attributeError(externalId, id) === undefined).toBe(isValid)
})
