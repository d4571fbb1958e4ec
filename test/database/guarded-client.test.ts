import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { lookAtProcess } from '../../src/database/embedded/processes.ts'
import { isGoneWithin } from '../support/data-directory.ts'
import { until } from '../support/load.ts'

const LAUNCH = fileURLToPath(new URL('../../src/database/embedded/launch.ts', import.meta.url))

const program = (guard: string) => `
  import { launch } from ${JSON.stringify(LAUNCH)}
  const what = { file: '/bin/sleep', args: ['60'], account: undefined, onParentDeath: 'KILL', output: 'pipe' }
  const child = launch(what, '${guard}')
  console.log(child.pid)
  setInterval(() => {}, 1000)`

/** The process that holds `sleep` itself: under a shell it is the shell's child. Undefined while it has not begun. */
async function sleeperOf(pid: number): Promise<number | undefined> {
  const ps = spawn('ps', ['-o', 'pid=', '-o', 'ppid=', '-o', 'args=', '-A'])
  const lines = (await ps.stdout.setEncoding('utf8').toArray()).join('').split('\n')
  const rows = lines.map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line)).filter((row) => row !== null)
  const own = rows.find((row) => (Number(row[1]) === pid || Number(row[2]) === pid) && row[3] === '/bin/sleep 60')
  return own && Number(own[1])
}

test.each(process.platform === 'linux' ? ['kernel', 'shell'] : ['shell'])(
  'what was launched under the guard of the %s dies with its parent, kill -9 included',
  async (guard) => {
    const parent = spawn(process.execPath, ['--input-type=module-typescript', '-e', program(guard)])
    const [pid] = await once(parent.stdout, 'data')
    let found: number | undefined
    await until(async () => {
      found = await sleeperOf(Number(pid))
      return found !== undefined
    })
    const sleeper = lookAtProcess(found!)!
    expect(sleeper.args.join(' ')).toContain('sleep')
    parent.kill('SIGKILL')
    expect(await isGoneWithin(40_000, sleeper)).toBe(true)
  },
)

test('a worker thread may not launch, because the kernel would end PostgreSQL with it', async () => {
  const source = `import(${JSON.stringify(LAUNCH)}).then(({ launch }) => launch({}, 'kernel'))`
  const [error] = await once(new Worker(source, { eval: true }), 'error')
  expect(error).toHaveProperty('message', 'embedded PostgreSQL can only be started from the main thread')
})
