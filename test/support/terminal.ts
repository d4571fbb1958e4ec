import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createDataDirectory } from './data-directory.ts'
import { endWithTests } from './end-with-tests.ts'
import { startNode } from './nodes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The parts of the repository that commands of the documentation use. */
const PARTS = ['package.json', 'bin', 'src', 'migrations', 'views', 'packages', 'node_modules', 'tsconfig.json']

function stopGroup(pid: number | undefined): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** The environment of a terminal: without the variables that npm and vitest set for a test, and without a database. */
function terminalEnvironment(): Record<string, string | undefined> {
  const ofTests = /^(npm_|NODE_ENV$|NODE_OPTIONS$|VITEST|DATABASE_URL|TEST$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofTests.test(name)))
}

/** Rejects with the output unless the process ends with exit code 0. */
function outputOf(shell: ChildProcess): Promise<string> {
  let output = ''
  for (const stream of [shell.stdout!, shell.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve, reject) => {
    shell.once('exit', (code) => (code === 0 ? resolve(output) : reject(new Error(`exit code ${code}:\n${output}`))))
  })
}

/** A copy of the repository beside a server that `npm start` started, and shells in it. */
export type Terminal = Awaited<ReturnType<typeof openTerminal>>

export async function openTerminal() {
  const home = await mkdtemp(join(tmpdir(), 'keywright-terminal-'))
  const data = createDataDirectory()
  const server = await startNode({ DATA_DIR: data.path, PORT: '0' })
  // The commands run in a copy: a directory beside the repository must not receive their files.
  await mkdir(join(home, 'keywright'))
  for (const name of PARTS) await symlink(join(ROOT, name), join(home, 'keywright', name))
  await symlink(data.path, join(home, 'keywright/data'))
  let shell: ChildProcess | undefined
  const env = { DATA_DIR: data.path, npm_config_prefer_offline: 'true', npm_config_audit: 'false' }
  return {
    home,
    /** Replaces the address that the documentation prints by that of the server. */
    localize: (text: string) => text.replaceAll('http://127.0.0.1:3000', server.url),
    /** Runs a script in one shell, and resolves with its output when it ends. */
    run(script: string): Promise<string> {
      shell = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], {
        cwd: join(home, 'keywright'),
        env: {
          ...terminalEnvironment(),
          ...env,
          PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        } as NodeJS.ProcessEnv,
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      endWithTests(shell, 'SIGKILL')
      return outputOf(shell)
    },
    async close() {
      // The shell leads a process group: the README starts its API in the background.
      stopGroup(shell?.pid)
      await server.stop()
      data.remove()
      await rm(home, { recursive: true, force: true })
    },
  }
}
