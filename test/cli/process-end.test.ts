/** A process of ours ends when its command has ended, whatever keeps Node's event loop alive. */
import { expect, test } from 'vitest'
import { runCliProcess } from '../support/cli.ts'
import { createSetUpDatabase } from '../support/postgres.ts'
import { startServerProcess } from '../support/server-process.ts'

/** Stands for what never ends in Node, such as a request that is waited for in vain. */
const ENDLESS = { NODE_OPTIONS: '--import=data:text/javascript,setInterval(()=>{},1000)' }

test('a server that is stopped ends, with exit code 0', async () => {
  const { url, encryptionKey, drop } = await createSetUpDatabase()
  const server = await startServerProcess({ DATABASE_URL: url, ENCRYPTION_KEY: encryptionKey, ...ENDLESS })
  try {
    expect(await server.stop()).toBe(0)
  } finally {
    await server.kill()
    await drop()
  }
})

test('a command ends with its exit code, and its whole output is written', async () => {
  const help = await runCliProcess(['client', 'create', '--help'], ENDLESS)
  expect(help.code).toBe(0)
  expect(help.stdout).toMatch(/--help {2,}.*\n$/s)
  expect((await runCliProcess(['unknown'], ENDLESS)).code).toBe(2)
})
