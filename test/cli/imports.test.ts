import { readdirSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { TOP_LEVEL_COMMANDS } from '../../src/cli/top-level-commands.ts'

const SRC = fileURLToPath(new URL('../../src', import.meta.url))

/** What a module imports when it is loaded; types and `import()` are left out. */
const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^import (?!type )(?:[^'(]*? from )?'([^']+)'/gm)].map(([, name]) => name!)

/** The files that are loaded with a module, itself included, relative to src. */
function filesLoadedBy(entry: string): string[] {
  const files = [resolve(SRC, entry)]
  for (const file of files) {
    for (const name of importsOf(file).filter((one) => one.startsWith('.'))) {
      const target = resolve(dirname(file), name)
      if (!files.includes(target)) files.push(target)
    }
  }
  const loaded = files.map((file) => relative(SRC, file))
  expect(loaded.filter((file) => file.startsWith('..'))).toEqual([])
  return loaded
}

/** The packages that are loaded with a module, whichever file imports them. */
function packagesLoadedBy(entry: string): string[] {
  const imported = new Set(filesLoadedBy(entry).flatMap((file) => importsOf(resolve(SRC, file))))
  return [...imported].filter((name) => !name.startsWith('.') && !name.startsWith('node:')).sort()
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
    const server = ['koa', '@koa/router', 'oidc-provider', 'eta', 'pino', 'prom-client', 'zod']
    expect(loaded).toContain('knex')
    expect(loaded.filter((one) => server.includes(one))).toEqual([])
  },
)

test('a server loads the console and the management API when they are first used', () => {
  const late = filesLoadedBy('server.ts').filter((file) => /^(management|api\/routes|web\/console\/(?!kit))/.test(file))
  expect(late).toEqual([])
  const packages = packagesLoadedBy('cli/commands/serve-command.ts')
  expect(packages).toContain('oidc-provider')
  const rarelyUsed = [
    'zod',
    '@simplewebauthn/server',
    'undici',
    'unhomoglyph',
    'koa-compress',
    '@zxcvbn-ts/language-common',
  ]
  expect(packages.filter((name) => rarelyUsed.includes(name))).toEqual([])
})

test('a node that only issues tokens loads nothing of second factors, e-mail, sweeps and the first start', () => {
  const rarelyUsed =
    /^(factors|notices|mail\/(mail-delivery|message)|jobs\/expired-rows|first-start|sign-in-services|management\/(?!built-in-api|management-scopes))/
  const loaded = filesLoadedBy('cli/commands/serve-command.ts')
  expect(loaded).toContain('jobs/schedule.ts')
  expect(loaded.filter((file) => rarelyUsed.test(file))).toEqual([])
})

test('a server imports nothing of OpenTelemetry unless it exports something', () => {
  const packages = packagesLoadedBy('cli/commands/serve-command.ts')
  expect(packages.filter((name) => name.startsWith('@opentelemetry/'))).toEqual([])
})
