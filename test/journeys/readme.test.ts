/** The README's path from the first start to an Express API that rejects a revoked token, run as printed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { codeBlocksOf } from '../support/code-blocks.ts'
import { createDataDirectory } from '../support/data-directory.ts'
import { endWithTests } from '../support/end-with-tests.ts'
import { type ServerNode, startNode } from '../support/nodes.ts'
import { freePort } from '../support/program.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

let home: string
let data: ReturnType<typeof createDataDirectory>
let server: ServerNode
let shell: ChildProcess | undefined

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'keywright-readme-'))
  data = createDataDirectory()
  server = await startNode({ DATA_DIR: data.path, PORT: '0' })
  // A clone to run in: what the README writes beside it must not land beside this repository.
  await mkdir(join(home, 'keywright'))
  for (const name of [
    'package.json',
    'bin',
    'src',
    'migrations',
    'views',
    'packages',
    'node_modules',
    'tsconfig.json',
  ]) {
    await symlink(join(ROOT, name), join(home, 'keywright', name))
  }
  await symlink(data.path, join(home, 'keywright/data'))
}, 120_000)

afterAll(async () => {
  // The shell leads a group of processes: the README starts its API in the background.
  stopGroup(shell?.pid)
  await server?.stop()
  data?.remove()
  await rm(home, { recursive: true, force: true })
}, 60_000)

function stopGroup(pid: number | undefined): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The environment of a terminal: without what npm and vitest set for this test, and without a database. */
function terminalEnvironment(): Record<string, string | undefined> {
  const ofTests = /^(npm_|NODE_ENV$|NODE_OPTIONS$|VITEST|DATABASE_URL|TEST$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofTests.test(name)))
}

/** Runs a script in one shell, and resolves with what it wrote when it ends. */
function runShell(script: string, env: Record<string, string>): Promise<string> {
  const path = `${dirname(process.execPath)}:${process.env.PATH}`
  shell = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], {
    cwd: join(home, 'keywright'),
    env: { ...terminalEnvironment(), ...env, PATH: path } as NodeJS.ProcessEnv,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  endWithTests(shell, 'SIGKILL')
  let written = ''
  for (const stream of [shell.stdout!, shell.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      written += text
    })
  }
  return new Promise((resolve, reject) => {
    shell!.once('exit', (code) => (code === 0 ? resolve(written) : reject(new Error(`exit code ${code}:\n${written}`))))
  })
}

test('an Express API rejects a token after its revocation', async () => {
  const [start, runTests, ...blocks] = codeBlocksOf('README.md', 'sh')
  expect(start).toBe('npm ci && npm start\n')
  expect(runTests).toBe('npm ci && npm test\n')
  const [declare, install, call, revoke] = blocks
  const apiPort = await freePort()
  const localized = (text: string) =>
    text.replaceAll('http://127.0.0.1:3000', server.url).replaceAll('9000', `${apiPort}`)
  await mkdir(join(home, 'weather'))
  await writeFile(join(home, 'weather/weather.mjs'), localized(codeBlocksOf('README.md', 'js')[0]!))
  const script = [declare, install, call, 'echo; echo ---', revoke].map((block) => localized(block!)).join('\n')
  const env = { DATA_DIR: data.path, npm_config_prefer_offline: 'true', npm_config_audit: 'false' }

  const [before, after] = (await runShell(script, env)).split('---')
  expect(before).toContain('{"weather":"sunny","client":"kwc_')
  expect(after).toContain('HTTP/1.1 401 Unauthorized')
  const refusal = /error="invalid_token", error_description="[^"]+"/.exec(after!)![0]
  expect(codeBlocksOf('README.md', '').join(''), 'what the README shows is what the API answers').toContain(refusal)
}, 240_000)
