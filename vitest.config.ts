import { defineConfig } from 'vitest/config'
import { type ProjectName, testsByProject } from './test/support/projects.ts'

const tests = testsByProject()

interface Options {
  /** `false`: the files that run in one process share its modules, which saves one second of imports for each file. */
  readonly isolate: boolean
}

const project = (name: ProjectName, { isolate }: Options) => ({
  test: {
    name,
    include: tests[name],
    // Processes of their own: argon2 and PostgreSQL's launcher want a main thread.
    pool: 'forks' as const,
    isolate,
    // Node 24 loads the sources as the product does, and no test needs vi.mock.
    experimental: { viteModuleRunner: false, nodeLoader: false },
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    maxWorkers: 2,
    projects: [
      project('unit', { isolate: false }),
      project('db', { isolate: false }),
      project('cluster', { isolate: true }),
      project('browser', { isolate: true }),
      project('gateways', { isolate: true }),
    ],
  },
})
