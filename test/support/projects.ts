import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const TESTS = fileURLToPath(new URL('..', import.meta.url))

export const PROJECTS = ['unit', 'db', 'cluster', 'postgres', 'browser', 'gateways'] as const

export type ProjectName = (typeof PROJECTS)[number]

/**
 * What a test imports decides its project: the first of these that it imports, itself or through another file of `test/`.
 * A test that imports none of them is a unit test: it needs no database and no other process.
 */
export const DECISIVE_IMPORTS: readonly (readonly [path: string, project: ProjectName])[] = [
  ['support/browser.ts', 'browser'],
  ['examples/example-environment.ts', 'gateways'],
  ['support/durable-postgres.ts', 'cluster'],
  // A PostgreSQL of the test's own, which is the same one in every run.
  ['support/system-postgres.ts', 'postgres'],
  ['support/patroni.ts', 'postgres'],
  ['support/replaceable-postgres.ts', 'postgres'],
  ['support/data-directory.ts', 'postgres'],
  // Processes of Keywright.
  ['support/nodes.ts', 'cluster'],
  ['support/server-process.ts', 'cluster'],
  ['support/cli.ts', 'cluster'],
  ['support/child.ts', 'cluster'],
  // Programs of others.
  ['support/program.ts', 'gateways'],
  ['support/debian.ts', 'gateways'],
  ['support/postgres.ts', 'db'],
  ['node:child_process', 'cluster'],
]

/** Without `import type` and `import { type … }`, which load nothing. */
const IMPORT = /^(?:import|export) (?!type )(?!\{(?:\s*type \w+,?)+\s*\})(?:[^'"]*? from )?'([^']+)'/gm

/** What a file of `test/` imports: paths from `test/`, and the names of packages. */
const importsOf = (file: string): string[] =>
  [...readFileSync(join(TESTS, file), 'utf8').matchAll(IMPORT)].map(([, name]) =>
    name!.startsWith('.') ? join(dirname(file), name!) : name!,
  )

const isOfTests = (path: string): boolean => path.endsWith('.ts') && !path.startsWith('..')

/** The same with what the imported files of `test/` import. */
function allImportsOf(file: string, found = new Set<string>()): ReadonlySet<string> {
  for (const path of importsOf(file)) {
    if (found.has(path)) continue
    found.add(path)
    if (isOfTests(path)) allImportsOf(path, found)
  }
  return found
}

/** @param file the path of a test from `test/` */
export function projectOf(file: string): ProjectName {
  const imports = allImportsOf(file)
  return DECISIVE_IMPORTS.find(([path]) => imports.has(path))?.[1] ?? 'unit'
}

/** What starts slowly and then waits: a failover, an interrupted network, a build by Maven. */
const WAITS_LONG = ['support/patroni.ts', 'support/tcp-proxy.ts', 'examples/example-environment.ts']

/** Whether a test spends most of its time waiting. @param file its absolute path */
export function waitsLong(file: string): boolean {
  const imports = allImportsOf(relative(TESTS, file))
  return WAITS_LONG.some((path) => imports.has(path))
}

/** Every test, from the root of the repository, by its project. */
export function testsByProject(): Record<ProjectName, string[]> {
  const tests = Object.fromEntries(PROJECTS.map((name) => [name, []])) as unknown as Record<ProjectName, string[]>
  for (const file of globSync('**/*.test.ts', { cwd: TESTS })) tests[projectOf(file)].push(join('test', file))
  return tests
}
