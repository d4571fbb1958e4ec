import { readdirSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { TOP_LEVEL_COMMANDS } from '../../src/cli/top-level-commands.ts'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

/** What a module imports when it is loaded; types and `import()` are left out. */
const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^import (?!type )(?:[^'(]*? from )?'([^']+)'/gm)].map(([, name]) => name!)

/** The packages that are loaded with a module, whichever file imports them. */
function packagesLoadedBy(entry: string): string[] {
  const files = [resolve(SRC, entry)]
  const packages = new Set<string>()
  for (const file of files) {
    for (const name of importsOf(file)) {
      const target = resolve(dirname(file), name)
      if (!name.startsWith('.')) packages.add(name)
      else if (!files.includes(target)) files.push(target)
    }
  }
  expect(files.map((file) => relative(SRC, file)).filter((file) => file.startsWith('..'))).toEqual([])
  return [...packages].filter((name) => !name.startsWith('node:')).sort()
}

test('the command line loads no package but its parser before a command is called', () => {
  expect(packagesLoadedBy('cli/program.ts')).toEqual(['commander'])
})

/** What they do needs the server's modules. */
const LARGE = ['serve', 'bootstrap', 'docs', 'encryption-key']

test.each(TOP_LEVEL_COMMANDS.filter(({ name }) => !LARGE.includes(name)))(
  'the command $name loads nothing of the server',
  ({ name }) => {
    const file = readdirSync(`${SRC}/cli/commands`).find((one) => one.replace(/-commands?\.ts$/, '') === name)
    const loaded = packagesLoadedBy(`cli/commands/${file}`)
    const server = ['koa', '@koa/router', 'oidc-provider', 'eta', 'pino', 'prom-client']
    expect(loaded).toContain('knex')
    expect(loaded.filter((one) => server.includes(one))).toEqual([])
  },
)
