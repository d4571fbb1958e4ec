import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { type ProjectName, testsByProject, waitsLong } from './test/support/projects.ts'

const tests = testsByProject()

// Compiled code is kept for the processes that run tests, as bin/keywright.cjs keeps it for a server.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/tests', import.meta.url))

/** The files of a project that run in one process share its modules: each saves a second of imports. */
const SHARED = { isolate: false }
const ISOLATED = { isolate: true }

/** What waits long begins, and what is short ends. */
const ORDER: readonly ProjectName[] = ['gateways', 'postgres', 'cluster', 'browser', 'db', 'unit']

/**
 * Project by project: Vitest ends a shared process when the next file in line is of another project. Within a project the
 * files that wait long come first, so that none of them is left alone at the end.
 */
class ProjectByProject extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rank = ({ project, moduleId }: TestSpecification) =>
      2 * ORDER.indexOf(project.name as ProjectName) + (waitsLong(moduleId) ? 0 : 1)
    return sorted.toSorted((one, other) => rank(one) - rank(other))
  }
}

/** Where the server that checks passwords runs in the process of the tests. */
const IN_PROCESS: readonly ProjectName[] = ['db', 'browser']

/** In milliseconds: more than twice what `until` and `expect.poll` wait. */
const LONGEST = 240_000
const LONGEST_POLL = 100_000

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
    // They end what hangs. A busy machine is no fault, so no test comes near them.
    testTimeout: LONGEST,
    hookTimeout: LONGEST,
    expect: { poll: { timeout: LONGEST_POLL } },
  },
})

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    sequence: { sequencer: ProjectByProject },
    // More than the two cores of CI, because many files wait. Not by project: there it would hide --maxWorkers.
    maxWorkers: 4,
    // Concurrent tests of a file wait for the same thing, such as a job or a timeout.
    maxConcurrency: 20,
    projects: [
      project('unit', SHARED),
      project('db', SHARED),
      project('cluster', SHARED),
      project('postgres', SHARED),
      project('browser', SHARED),
      project('gateways', ISOLATED),
    ],
  },
})
