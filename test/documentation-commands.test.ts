/** Every command that the documentation prints is run by a test, or listed here with the reason why not. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { beforeAll, expect, test } from 'vitest'
import { TOP_LEVEL_COMMANDS } from '../src/cli/top-level-commands.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** Pages whose shell blocks a test runs as printed. */
const RUN_BY: Record<string, string> = {
  'README.md': 'test/journeys/readme.test.ts',
  'docs/machine-clients.md': 'test/journeys/task-pages.test.ts',
  'docs/third-party-applications.md': 'test/journeys/task-pages.test.ts',
  'docs/operating/backup-and-restore.md': 'test/operating/backup-and-restore.test.ts',
}

/** Pages whose shell blocks no test runs, with the reason. Their `keywright` and npm commands are still checked below. */
const NOT_RUN: Record<string, string> = {
  'docs/operating/encryption-key.md':
    'each step restarts all nodes; test/guarantees/encryption-key.test.ts runs the rotation on several nodes',
  'docs/operating/high-availability.md': 'needs three machines; test/support/patroni.ts runs the printed configuration',
  'docs/operating/inspect.md': 'waits for the text to be pasted; test/inspection/inspect-command.test.ts runs it',
  'docs/identity-providers.md':
    'needs a provider; test/identity-providers/identity-assertions.test.ts has these settings',
  'docs/off-boarding.md': 'names an account; test/management/scim-token-commands.test.ts runs it',
  'docs/secret-scanning.md': 'reports a secret that was found; test/leaks/leak-reports.test.ts sends such requests',
  'docs/mcp.md': 'needs an MCP server; test/examples/mcp.test.ts runs one with such an API and client',
  'docs/token-exchange.md':
    'needs the token of a user who signs in; test/oidc/token-exchange.test.ts sends such requests',
  'docs/webhooks.md': 'needs a receiver with TLS; test/webhooks/webhook-commands.test.ts runs such commands',
  'docs/operating/systemd.md': 'needs root and systemd',
  'docs/operating/upgrade.md': 'needs systemd, and installs another version',
}

const markdownBelow = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)

const PAGES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...markdownBelow('docs')]
const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8')

/** Blocks without a language count if they start with a program. */
const isShell = (language: string, body: string): boolean =>
  language === 'sh' || (language === '' && /^\s*(keywright |npm |NEW=|export |patronictl |sudo )/.test(body))

const shellBlocksOf = (page: string): string[] =>
  [...textOf(page).matchAll(/^ *```(\S*)\n([\s\S]*?)^ *```$/gm)]
    .filter(([, language, body]) => isShell(language!, body!))
    .map(([, , body]) => body!.replaceAll('\\\n', ' '))

/** Calls of the command line in the blocks and in the text of a page, as words. */
function keywrightCallsOf(page: string): string[][] {
  const inBlocks = shellBlocksOf(page).flatMap((block) => block.split('\n'))
  const inText = [...textOf(page).matchAll(/`(keywright [^`]+|npm run -s keywright -- [^`]+)`/g)].map(
    ([, call]) => call!,
  )
  return [...inBlocks, ...inText]
    .map((line) => /(?:npm run -s keywright -- |(?:^|[`\s])keywright )([a-z][^)|>`]*)/.exec(line)?.[1])
    .filter((call) => call !== undefined)
    .map((call) =>
      call
        .replaceAll(/'[^']*'|"[^"]*"/g, 'TEXT')
        .trim()
        .split(/\s+/),
    )
}

const program = new Command('keywright')

beforeAll(async () => {
  for (const { name, define } of TOP_LEVEL_COMMANDS) await define(program.command(name), TOP_LEVEL_COMMANDS)
})

/** What is wrong with a call: an unknown command or option; undefined if nothing is. */
function errorOf(words: readonly string[]): string | undefined {
  let command = program
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word)
    if (!next) break
    command = next
  }
  if (command === program) return `${words.join(' ')}: unknown command`
  const known = [...command.options.map(({ long }) => long), '--json', '--help']
  const unknown = words.filter((word) => word.startsWith('--') && !known.includes(word))
  return unknown.length > 0 ? `${words.join(' ')}: unknown option ${unknown}` : undefined
}

test('each page with shell commands is run by a test or listed with a reason', () => {
  const withCommands = PAGES.filter((page) => shellBlocksOf(page).length > 0 && page !== 'CONTRIBUTING.md')
  expect(withCommands.sort()).toEqual([...Object.keys(RUN_BY), ...Object.keys(NOT_RUN)].sort())
})

test.each(Object.entries(RUN_BY))('the commands of %s are run by %s', (page, file) => {
  expect(textOf(file)).toContain(`'${page}'`)
})

test.each(PAGES)('the keywright commands of %s exist, with their options', (page) => {
  expect(keywrightCallsOf(page).map(errorOf).filter(Boolean)).toEqual([])
})

test.each(PAGES)('the npm scripts of %s exist', (page) => {
  const { scripts } = JSON.parse(textOf('package.json'))
  const named = [...textOf(page).matchAll(/npm run (?:-s )?([a-z][a-z:-]*)/g)].map(([, name]) => name!)
  expect(named.filter((name) => !(name in scripts))).toEqual([])
})

test.each(PAGES)('the links and file names of %s lead to files', (page) => {
  const links = [...textOf(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!)
  const missing = links
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !existsSync(join(ROOT, dirname(page), target)))
  const files = [...textOf(page).matchAll(/`((?:src|test|docs|packages|examples)\/[\w./-]+)`/g)].map(
    ([, file]) => file!,
  )
  expect([...missing, ...files.filter((file) => !existsSync(join(ROOT, file)))]).toEqual([])
})
