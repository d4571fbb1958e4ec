import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { type ProjectName, testsByProject, waitsLong } from './test/support/projects.ts'

const tests = testsByProject()

// Compiled code is kept for the processes that run tests, as bin/keywright.cjs keeps it for a server.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/tests', import.meta.url))

/** The files that run in one process share its modules: each saves a second of imports. They run before the others. */
const SHARED = { isolate: false, sequence: { groupOrder: 0 } }
const SHARED_LATER = { isolate: false, sequence: { groupOrder: 1 } }
const ISOLATED = { isolate: true, sequence: { groupOrder: 1 } }

/** Begins with the files that wait long, so that none of them is left alone at the end. */
class LongWaitsFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return [true, false].flatMap((first) => sorted.filter(({ moduleId }) => waitsLong(moduleId) === first))
  }
}

/** Where the server that checks passwords runs in the process of the tests. */
const IN_PROCESS: readonly ProjectName[] = ['db', 'browser']

const project = (name: ProjectName, options: typeof SHARED) => ({
  test: {
    name,
    ...options,
    setupFiles: IN_PROCESS.includes(name) ? ['test/support/lower-hashing-cost.ts'] : [],
    include: tests[name],
    // Processes of their own: argon2 and PostgreSQL's launcher want a main thread.
    pool: 'forks' as const,
    // Node 24 loads the sources as the product does, and no test needs vi.mock.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    sequence: { sequencer: LongWaitsFirst },
    // More than the two cores of CI, because many files wait. Not by project: there it would hide --maxWorkers.
    maxWorkers: 3,
    projects: [
      project('unit', SHARED),
      project('db', SHARED),
      project('cluster', SHARED_LATER),
      project('browser', SHARED_LATER),
      project('gateways', ISOLATED),
    ],
  },
})
