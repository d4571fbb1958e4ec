import { expect, test } from 'vitest'
import { csvLine } from '../../src/shared/csv.ts'

test('a cell with a comma, a quote or a line break is quoted', () => {
  expect(csvLine(['a,b', 'say "hi"', 'two\nlines', '', null, 3])).toBe('"a,b","say ""hi""","two\nlines",,,3\r\n')
})

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1'])(
  'a cell that begins as a formula (%j) begins with an apostrophe',
  (text) => {
    expect(csvLine([text])).toMatch(/^"?'/)
  },
)

test('a negative number is no formula', () => {
  expect(csvLine([-1])).toBe('-1\r\n')
})
