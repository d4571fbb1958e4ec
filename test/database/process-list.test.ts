import { expect, test } from 'vitest'
import { parsePs } from '../../src/database/embedded/processes.ts'

test.each([
  ['Sun Nov 29 06:24:00 2026 Ss   /usr/bin/postgres -D /data\n', 'Sun Nov 29 06:24:00 2026'],
  ['Tue Dec  1 06:24:00 2026     S+     /usr/bin/postgres   -D /data\n', 'Tue Dec  1 06:24:00 2026'],
])('the answer of ps %j names the start and the arguments of a process', (answer, startedAt) => {
  expect(parsePs(7, answer)).toEqual({ pid: 7, startedAt, args: ['/usr/bin/postgres', '-D', '/data'] })
})

test.each(['', '\n', 'Sun Nov 29 06:24:00 2026 Z    <defunct>\n', 'Sun Nov 29 06:24:00 2026\n'])(
  'the answer of ps %j names no live process',
  (answer) => {
    expect(parsePs(7, answer)).toBeUndefined()
  },
)
