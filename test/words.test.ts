/** Rejects the words that docs/glossary.md and the standards replaced, in source, tests, documentation, views and file names. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Each pattern with the words to write instead. */
const REPLACED: readonly [RegExp, string][] = [
  [/(?<!\bin )\bturns?\b(?! (?:to|into|on|off|out|red|green|an?|errors)\b)/i, 'lock, rotation, batch'],
  [
    /awaitTurn|joinPersonsTurn|PlanAnew|withFreshClient|recordWithin|unlessStale/,
    'lockClientsExclusive, retryOnStaleClient',
  ],
  [/\bslots?\b/i, 'single_tokens'],
  // otplib has an option of this name.
  [/(?<!revocation |')\bepoch\b(?!_|Seconds| FROM|: epochSeconds)/i, 'revocation_epoch'],
  [/\btold\b|\btell(?:s|ing)?_/i, 'revoked, notified, reported'],
  [/\bshelf\b|\bhouse\b|\bwalls\b|\bfaces\b/i, 'cache, layer, tenant isolation, interface'],
  [/hand-over|express lane|expressLane|concession/i, 'fast path, legacy compatibility option'],
  [/\bdeeds?\b|act-words|act-row/i, 'audit event, action'],
  [/\bmercy\b|\boutrun\b|\bundone\b/i, 'grace period, revoked'],
  [/\bwhoever\b|\blest\b|speaks against|is spared|of which/i, 'a plain subject: the client, the user, the request'],
  [/gentle-close|one-loopback-name|addressOf/, 'graceful-shutdown, loopback-redirect, email / ip / url'],
  [/\bledger\b/i, 'access-token store'],
]

const REPLACED_IN_NAMES =
  /(?:^|[-_/])(?:turns?|slots?|ledger|shelf|house|walls|deeds?|lanes?|hand-over|gentle-close|one-loopback-name)(?:[-_./]|$)/

/** Words of other languages may look like replaced English ones. */
const FOREIGN = /^src\/languages\/catalogues\/(?!en\.)/

/** The list of what changed names what it replaced; the others contain no text of ours. */
const EXCEPTIONS = ['CHANGELOG.md', 'LICENSE', 'package-lock.json', 'test/words.test.ts']
const TEXT = /\.(?:ts|mjs|cjs|js|css|eta|md|json|ya?ml|sql|py|lua|java)$/

const FOLDERS = ['bench', 'docs', 'examples', 'migrations', 'packages', 'src', 'test', 'views']

/** The files of a folder of the repository, without build output, by their path; '' for those at the top. */
function filesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: folder !== '', withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\/node_modules|\/(?:target|dist)(\/|$)|__pycache__/.test(entry.parentPath))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
}

const files = ['', ...FOLDERS].flatMap(filesOf).filter((file) => !EXCEPTIONS.includes(file) && !FOREIGN.test(file))

function hitsOf(file: string): string[] {
  const lines = readFileSync(join(ROOT, file), 'utf8').split('\n')
  return lines.flatMap((line, index) =>
    REPLACED.filter(([pattern]) => pattern.test(line)).map(
      ([pattern, instead]) => `${file}:${index + 1}: ${pattern.exec(line)![0]} (write: ${instead})`,
    ),
  )
}

test('no text contains a replaced word', () => {
  expect(files.filter((file) => TEXT.test(file)).flatMap(hitsOf)).toEqual([])
})

test('no file name contains a replaced word', () => {
  expect(files.filter((file) => REPLACED_IN_NAMES.test(file))).toEqual([])
})
