import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SRC = join(ROOT, 'src')

const FEATURES = ['accounts', 'clients', 'keys', 'tokens']
/** What the console and the management API both do, with the rule of who may: above the features, below the faces. */
const MANAGEMENT = 'management'
const FACES = ['oidc', 'web', 'api', 'jobs', 'cli']
const GROUND = ['audit', 'metrics', 'database']
const BASE = ['shared', 'config']
/** What only wires: it may know everything. */
const ROOTS = ['main.ts', 'server.ts', 'instance.ts', 'bootstrap.ts', 'encryption-key-rotation.ts', 'documents.ts']

/** Between features, each may use those that are listed; nothing points back. */
const BETWEEN_FEATURES: Record<string, string[]> = {
  accounts: [],
  clients: ['accounts'],
  keys: [],
  tokens: ['accounts', 'clients', 'keys'],
}

/** What a part of the house may import, beside itself. */
function allowed(part: string): string[] {
  if (part === 'shared') return []
  if (part === 'config') return ['shared']
  if (GROUND.includes(part)) return [...BASE, 'database']
  if (part === 'http') return [...BASE, ...GROUND]
  if (FEATURES.includes(part)) return [...BASE, ...GROUND, ...BETWEEN_FEATURES[part]!]
  if (part === MANAGEMENT) return [...BASE, ...GROUND, ...FEATURES]
  if (part === 'cli') return [...BASE, ...GROUND, 'http', ...FEATURES, ...ROOTS]
  if (part === 'web' || part === 'api') return [...BASE, ...GROUND, 'http', ...FEATURES, MANAGEMENT]
  return [...BASE, ...GROUND, 'http', ...FEATURES]
}

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))

const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!)

const partOf = (file: string): string => relative(SRC, file).split('/')[0]!

interface Arrow {
  readonly from: string
  readonly to: string
  readonly file: string
}

const files = filesBelow(SRC)

/** What a resource server installs. */
const PACKAGE = join(ROOT, 'packages/resource-server/src')
const packaged = filesBelow(PACKAGE)

const arrows: Arrow[] = files.flatMap((file) =>
  importsOf(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => resolve(dirname(file), name))
    .map((target) => ({ from: partOf(file), to: partOf(target), file: relative(ROOT, file) })),
)

const packagesOf = (file: string) =>
  importsOf(file).filter((name) => !name.startsWith('.') && !name.startsWith('node:'))

const filesThatImport = (name: string) =>
  files.filter((file) => packagesOf(file).includes(name)).map((file) => relative(SRC, file))

describe('the house', () => {
  it('has only the parts that STYLE.md names', () => {
    const known = [...FEATURES, MANAGEMENT, ...FACES, ...GROUND, ...BASE, 'http', ...ROOTS]
    const strangers = [...new Set(files.map(partOf))].filter((part) => !known.includes(part))
    expect(strangers, 'a new part of the house needs an ADR and a place in this test').toEqual([])
  })

  it('has arrows that only go down: faces over features over ground', () => {
    const wrong = arrows
      .filter(({ from, to }) => from !== to && !ROOTS.includes(from) && !allowed(from).includes(to))
      .map(({ file, to }) => `${file} → ${to}`)
    expect(wrong, 'a feature that knows a face cannot be reached through another one').toEqual([])
  })

  it('keeps its faces apart', () => {
    const wrong = arrows.filter(({ from, to }) => from !== to && FACES.includes(from) && FACES.includes(to))
    expect(wrong, 'what two faces share is a feature').toEqual([])
  })

  it('lets only oidc/engine-internals.ts reach into files of oidc-provider, so that an update has one place to check', () => {
    const reaching = files.filter((file) => packagesOf(file).some((name) => name.startsWith('oidc-provider/')))
    expect(reaching.map((file) => relative(SRC, file))).toEqual(['oidc/engine-internals.ts'])
  })

  it('lets only oidc/ know oidc-provider, so that the engine can be read in one place', () => {
    expect(filesThatImport('oidc-provider').filter((file) => !file.startsWith('oidc/'))).toEqual([])
  })

  it('lets no feature know HTTP', () => {
    const web = ['koa', '@koa/router', 'koa-compose', 'oidc-provider']
    const wrong = web.flatMap(filesThatImport).filter((file) => FEATURES.includes(file.split('/')[0]!))
    expect(wrong, 'a rule that needs a request cannot be used by the command line').toEqual([])
  })

  it('reads the environment only where the process begins', () => {
    const readers = files
      .filter((file) => /process\.env\b/.test(readFileSync(file, 'utf8')))
      .map((file) => relative(SRC, file))
    // PostgreSQL's launcher hands its child the PATH and nothing else.
    const permitted = (file: string) => file.startsWith('cli/') || file === 'database/embedded/launch.ts'
    expect(
      readers.filter((file) => !permitted(file)),
      'configuration is handed down, not fetched',
    ).toEqual([])
  })

  it('keeps what a resource server installs apart: jose, the platform, and nothing of the house', () => {
    const wrong = packaged.flatMap((file) =>
      importsOf(file)
        .filter(
          (name) => name !== 'jose' && !name.startsWith('node:') && !resolve(dirname(file), name).startsWith(PACKAGE),
        )
        .map((name) => `${relative(ROOT, file)} → ${name}`),
    )
    expect(wrong, 'who installs it gets neither our sources nor our dependencies').toEqual([])
    const back = files.filter((file) => importsOf(file).some((name) => name.includes('resource-server')))
    expect(back, 'the server must not trust what it tells others to use').toEqual([])
  })

  it('has no drawers: files are named for what they hold', () => {
    const drawers = /(^|\/)(utils?|helpers?|common|misc|consts?|constants|types)(\/|\.ts$)/
    expect([...files, ...packaged].map((file) => relative(ROOT, file)).filter((file) => drawers.test(file))).toEqual([])
  })

  it('keeps files small enough for one thought', () => {
    const long = [...files, ...packaged]
      .map((file) => ({ file: relative(SRC, file), lines: readFileSync(file, 'utf8').split('\n').length }))
      .filter(({ lines }) => lines > 260)
    expect(long, 'about 200 lines; what grows beyond is two thoughts').toEqual([])
  })

  it('pins every dependency without naming a registry', () => {
    const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
    expect(lock).not.toMatch(/"resolved": "https?:/)
  })
})
