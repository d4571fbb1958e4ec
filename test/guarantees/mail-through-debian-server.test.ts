/** Mail through an SMTP server of Debian (aiosmtpd), into a mailbox, while nodes are killed. */
import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addMessageOfEachKind } from '../mail/every-kind.ts'
import { findPython } from '../support/debian.ts'
import { until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { freePort, type Program, removeDirectory, startProgram } from '../support/program.ts'

const python = await findPython('aiosmtpd')

let home: string
let smtp: Program
let cluster: Nodes

const mailbox = () => join(home, 'mail')

beforeAll(async () => {
  if (!python) return
  home = await mkdtemp(join(tmpdir(), 'keywright-mail-'))
  const port = await freePort()
  const listen = ['-n', '-l', `127.0.0.1:${port}`, '-c', 'aiosmtpd.handlers.Mailbox', mailbox()]
  smtp = await startProgram([python, '-m', 'aiosmtpd', ...listen], port)
  const env = { SMTP_URL: `smtp://127.0.0.1:${port}`, SMTP_TLS: 'off', MAIL_FROM: 'auth@example.com' }
  cluster = await startNodes(2, { env })
})
afterAll(async () => {
  await cluster?.stop()
  await smtp?.stop()
  if (home) await removeDirectory(home)
})

const headerOf = (message: string, name: string): string =>
  new RegExp(`^${name}: (.*)$`, 'im').exec(message)?.[1]?.trim() ?? ''

/** What has arrived: recipient and ID of each copy. */
async function arrived(): Promise<{ to: string; id: string }[]> {
  const names = await readdir(join(mailbox(), 'new')).catch(() => [])
  const messages = await Promise.all(names.map((name) => readFile(join(mailbox(), 'new', name), 'utf8')))
  return messages.map((message) => ({ to: headerOf(message, 'X-RcptTo'), id: headerOf(message, 'Message-ID') }))
}

const unsent = () => cluster.knex('mail_messages').whereNot({ status: 'sent' })

describe.skipIf(!python)('the nodes, all killed', () => {
  test.each([
    ['before a message arrives', 0],
    ['after one has arrived', 1],
    ['after several have arrived', 5],
  ])('%s, still send every message of every kind, which is one message in the mailbox', async (_, count) => {
    const before = (await arrived()).length
    const added = await addMessageOfEachKind(cluster, count)
    await until(async () => (await arrived()).length >= before + count)
    await Promise.all(cluster.nodes.map((node) => node.kill()))
    await cluster.statementsEnded()
    // What two minutes would do.
    await unsent().update({ next_attempt_at: cluster.knex.fn.now() })
    await Promise.all(cluster.nodes.map((_node, n) => cluster.restart(n)))
    await until(async () => (await unsent()).length === 0)
    const ids = new Set((await arrived()).map(({ to, id }) => `${to} ${id}`))
    const expected = [...added].map(([id, kind]) => `${kind}-${count}@example.com <${id}@example.com>`)
    // A copy has the ID of the message, by which mail programs show it once.
    expect([...ids].filter((one) => one.includes(`-${count}@`)).sort()).toEqual(expected.sort())
  })
})
