import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SRC = join(ROOT, 'src')

const BASE = ['shared', 'config', 'languages']
const INFRASTRUCTURE = ['audit', 'metrics', 'database']
/** What each feature may import of the others. */
const FEATURES: Record<string, string[]> = {
  mail: [],
  accounts: ['mail'],
  factors: ['accounts'],
  'identity-providers': ['accounts'],
  apis: [],
  keys: [],
  clients: ['accounts', 'apis'],
  status: ['keys'],
  consents: ['accounts', 'apis', 'clients'],
  tokens: ['accounts', 'apis', 'clients', 'keys', 'status'],
  inspection: ['accounts', 'keys'],
  refresh: ['accounts', 'apis', 'clients', 'consents', 'tokens'],
  exchange: ['accounts', 'apis', 'clients', 'consents', 'identity-providers', 'tokens'],
  leaks: ['keys', 'refresh'],
  notices: ['mail'],
  webhooks: [],
}
const FEATURE_NAMES = Object.keys(FEATURES)
/** The operations of the console, the management API and the command line, each with its permission. */
const MANAGEMENT = 'management'
const INTERFACES = ['oidc', 'web', 'api', 'jobs', 'cli']
/** Entry and composition. They may import everything. */
const ROOTS = [
  'main.ts',
  'server.ts',
  'server-services.ts',
  'application.ts',
  'instance.ts',
  'bootstrap.ts',
  'first-start.ts',
  'sign-in-services.ts',
  'encryption-key-rotation.ts',
  'documents.ts',
  'upstream-check.ts',
]

/** The layers that a layer may import, beside itself. */
function allowedImports(layer: string): string[] {
  if (layer === 'shared') return []
  if (layer === 'config' || layer === 'languages') return ['shared']
  if (INFRASTRUCTURE.includes(layer)) return [...BASE, 'database']
  if (layer === 'http') return [...BASE, ...INFRASTRUCTURE]
  if (FEATURE_NAMES.includes(layer)) return [...BASE, ...INFRASTRUCTURE, ...FEATURES[layer]!]
  if (layer === MANAGEMENT) return [...BASE, ...INFRASTRUCTURE, ...FEATURE_NAMES]
  if (layer === 'cli') return [...BASE, ...INFRASTRUCTURE, 'http', ...FEATURE_NAMES, MANAGEMENT, ...ROOTS]
  if (layer === 'web' || layer === 'api') return [...BASE, ...INFRASTRUCTURE, 'http', ...FEATURE_NAMES, MANAGEMENT]
  return [...BASE, ...INFRASTRUCTURE, 'http', ...FEATURE_NAMES]
}

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))

const importsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!)

const layerOf = (file: string): string => relative(SRC, file).split('/')[0]!

const files = filesBelow(SRC)

/** What a resource server installs. */
const PACKAGE = join(ROOT, 'packages/resource-server/src')
const packageFiles = filesBelow(PACKAGE)

/** The files of ours that a file imports, types included. */
const ownImportsOf = (file: string): string[] =>
  importsOf(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => resolve(dirname(file), name))

interface Import {
  readonly from: string
  readonly to: string
  readonly file: string
}

const imports: Import[] = files.flatMap((file) =>
  ownImportsOf(file).map((target) => ({ from: layerOf(file), to: layerOf(target), file: relative(ROOT, file) })),
)

const packagesOf = (file: string) =>
  importsOf(file).filter((name) => !name.startsWith('.') && !name.startsWith('node:'))

const filesThatImport = (name: string) =>
  files.filter((file) => packagesOf(file).includes(name)).map((file) => relative(SRC, file))

/** Besides types and operations, commands may import the description of a resource, or of its types, and the table of permissions. */
const DESCRIPTION = /(-(attributes|types)|\/permissions)\.ts$/

/** The names that a file imports of features and management; types are left out. */
const namedImportsOf = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/^import (?!type )\{([^}]*)\} from '(\.[^']*)'/gm)]
    .map(([, names, target]) => ({ names: names!.split(','), target: resolve(dirname(file), target!) }))
    .filter(({ target }) => [...FEATURE_NAMES, MANAGEMENT].includes(layerOf(target)))
    .flatMap(({ names, target }) => names.map((name) => ({ name: name.trim(), target })))
    .filter(({ name }) => name !== '' && !name.startsWith('type '))

const isOperationOrDescription = (target: string, name: string): boolean =>
  DESCRIPTION.test(target) ||
  new RegExp(`export const ${name} = (operation|destructiveOperation)\\b`).test(readFileSync(target, 'utf8'))

/** One cycle of a graph, first node repeated at the end; undefined when it has none. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const finished = new Set<string>()
  const path: string[] = []
  function visit(node: string): string[] | undefined {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node]
    if (finished.has(node)) return undefined
    path.push(node)
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next)
      if (cycle) return cycle
    }
    path.pop()
    finished.add(node)
    return undefined
  }
  for (const node of graph.keys()) {
    const cycle = visit(node)
    if (cycle) return cycle
  }
  return undefined
}

function folderGraph(): Map<string, string[]> {
  const graph = new Map<string, string[]>()
  for (const file of files) {
    const folder = relative(SRC, dirname(file))
    if (folder === '') continue
    const targets = ownImportsOf(file).map((target) => relative(SRC, dirname(target)))
    // A folder and what lies inside it are one subject.
    const others = targets.filter((to) => !`${to}/`.startsWith(`${folder}/`) && !`${folder}/`.startsWith(`${to}/`))
    graph.set(folder, [...(graph.get(folder) ?? []), ...others.filter((to) => to !== '')])
  }
  return graph
}

describe('the architecture', () => {
  it('has only the layers of the architecture', () => {
    const known = [...FEATURE_NAMES, MANAGEMENT, ...INTERFACES, ...INFRASTRUCTURE, ...BASE, 'http', ...ROOTS]
    const unknown = [...new Set(files.map(layerOf))].filter((layer) => !known.includes(layer))
    expect(unknown, 'a new layer needs an ADR and an entry in this test').toEqual([])
  })

  it('has imports that only point down: interfaces, management, features, infrastructure', () => {
    const wrong = imports
      .filter(({ from, to }) => from !== to && !ROOTS.includes(from) && !allowedImports(from).includes(to))
      .map(({ file, to }) => `${file} → ${to}`)
    expect(wrong, 'a feature that imports an interface cannot be used by another interface').toEqual([])
  })

  it('keeps the interfaces independent of each other', () => {
    const wrong = imports.filter(({ from, to }) => from !== to && INTERFACES.includes(from) && INTERFACES.includes(to))
    expect(wrong, 'what two interfaces share belongs in a feature or in management').toEqual([])
  })

  it('has no import cycle between files', () => {
    const graph = new Map(
      [...files, ...packageFiles].map((file) => [relative(ROOT, file), ownImportsOf(file)] as const),
    )
    const named = new Map([...graph].map(([file, to]) => [file, to.map((target) => relative(ROOT, target))]))
    expect(findCycle(named)).toBeUndefined()
  })

  it('has no import cycle between folders', () => {
    expect(findCycle(folderGraph())).toBeUndefined()
  })

  it('lets only oidc/engine-internals.ts import files of oidc-provider, so that an update has one place to check', () => {
    const importers = files.filter((file) => packagesOf(file).some((name) => name.startsWith('oidc-provider/')))
    expect(importers.map((file) => relative(SRC, file))).toEqual(['oidc/engine-internals.ts'])
  })

  it('lets only oidc/ import oidc-provider, so that the engine can be read in one place', () => {
    expect(filesThatImport('oidc-provider').filter((file) => !file.startsWith('oidc/'))).toEqual([])
  })

  it('lets commands read and change the instance only through operations', () => {
    const wrong = files
      .filter((file) => relative(SRC, file).startsWith('cli/commands/'))
      .flatMap((file) => namedImportsOf(file).map((one) => ({ ...one, file: relative(SRC, file) })))
      .filter(({ target, name }) => !isOperationOrDescription(target, name))
      .map(({ file, name, target }) => `${file} → ${name} of ${relative(SRC, target)}`)
    expect(wrong, 'a rule of the console and the API must hold on the command line too').toEqual([])
  })

  it('lets no feature import an HTTP library', () => {
    const web = ['koa', '@koa/router', 'koa-compose', 'oidc-provider']
    const features = [...FEATURE_NAMES, MANAGEMENT]
    const wrong = web.flatMap(filesThatImport).filter((file) => features.includes(file.split('/')[0]!))
    expect(wrong, 'a rule that needs a request cannot be used by the command line').toEqual([])
  })

  it('reads the environment only in the command line', () => {
    const readers = files
      .filter((file) => /process\.env\b/.test(readFileSync(file, 'utf8')))
      .map((file) => relative(SRC, file))
    // PostgreSQL's launcher passes the PATH to its child.
    const isPermitted = (file: string) => file.startsWith('cli/') || file === 'database/embedded/launch.ts'
    expect(
      readers.filter((file) => !isPermitted(file)),
      'configuration is passed as an argument',
    ).toEqual([])
  })

  it('lets the resource-server package import jose and the platform, and nothing of the server', () => {
    const wrong = packageFiles.flatMap((file) =>
      importsOf(file)
        .filter(
          (name) => name !== 'jose' && !name.startsWith('node:') && !resolve(dirname(file), name).startsWith(PACKAGE),
        )
        .map((name) => `${relative(ROOT, file)} → ${name}`),
    )
    expect(wrong, 'a user of the package installs neither our sources nor our dependencies').toEqual([])
    const back = files.filter((file) => importsOf(file).some((name) => name.includes('resource-server')))
    expect(back, 'the server does not depend on the package').toEqual([])
  })

  it('names files after their contents', () => {
    const vague = /(^|\/)(utils?|helpers?|common|misc|consts?|constants|types)(\/|\.ts$)/
    expect([...files, ...packageFiles].map((file) => relative(ROOT, file)).filter((file) => vague.test(file))).toEqual(
      [],
    )
  })

  it('gives every source file a name of its own', () => {
    const names = files.map((file) => basename(file))
    expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([])
  })

  it('keeps files below 260 lines', () => {
    const long = [...files, ...packageFiles]
      .map((file) => ({ file: relative(SRC, file), lines: readFileSync(file, 'utf8').split('\n').length }))
      .filter(({ lines }) => lines > 260)
    expect(long, 'split the file by subject').toEqual([])
  })

  it('pins every dependency without a registry address', () => {
    const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
    expect(lock).not.toMatch(/"resolved": "https?:/)
  })
})
