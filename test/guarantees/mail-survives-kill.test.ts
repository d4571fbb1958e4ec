/**
 * Each message is one message for its reader, whenever the node that makes or sends it is killed. Every kind of message takes part, so that
 * a new one does.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordAudit } from '../../src/audit/audit-log.ts'
import { NOTICE_KINDS, type NoticeKind } from '../../src/mail/notice-kinds.ts'
import { type Added, addMessageOfEachKind } from '../mail/every-kind.ts'
import { until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { openBrowser } from '../support/scriptless-browser.ts'
import { type ReceivedMail, startSmtpServer } from '../support/smtp-servers.ts'
import { createTestUser } from '../support/test-users.ts'

let smtp: Awaited<ReturnType<typeof startSmtpServer>>
let cluster: Nodes

/** Resolves when the server may answer. */
let mayAnswer = Promise.resolve()

beforeAll(async () => {
  smtp = await startSmtpServer({ accept: () => mayAnswer })
  const env = { SMTP_URL: smtp.url, SMTP_TLS: 'off', MAIL_FROM: 'auth@example.com' }
  cluster = await startNodes(2, { env })
})
afterAll(async () => {
  await cluster?.stop()
  await smtp?.stop()
})

/** Lets the server receive messages without an answer, until the result is called. */
function holdAnswers(): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  mayAnswer = promise
  return resolve
}

const killAll = () => Promise.all(cluster.nodes.map((node) => node.kill()))

async function restartAll(): Promise<void> {
  await cluster.statementsEnded()
  // What two minutes would do.
  await cluster.knex('mail_messages').where({ status: 'queued' }).update({ next_attempt_at: cluster.knex.fn.now() })
  await Promise.all(cluster.nodes.map((_, n) => cluster.restart(n)))
}

const waiting = () =>
  cluster.knex('pg_stat_activity').where({ datname: cluster.knex.raw('current_database()'), wait_event_type: 'Lock' })

/** What PostgreSQL would do by itself when it notices that a client is gone. */
const endWaiting = async () => await waiting().select(cluster.knex.raw('pg_terminate_backend(pid)'))

let round = 0

const addAll = (): Promise<Added> => addMessageOfEachKind(cluster, ++round)

const unsent = async (added: Added): Promise<number> =>
  (
    await cluster
      .knex('mail_messages')
      .whereIn('id', [...added.keys()])
      .whereNot({ status: 'sent' })
  ).length

const isOf =
  (id: string) =>
  ({ headers }: ReceivedMail): boolean =>
    headers.get('message-id') === `<${id}@example.com>`

const hasArrived = (added: Added): boolean => smtp.seen.some((mail) => [...added.keys()].some((id) => isOf(id)(mail)))

/** What the reader sees: the boundaries between the parts of a message are random. */
const shown = ({ to, headers, body }: ReceivedMail) => [
  to,
  headers.get('subject'),
  headers.get('date'),
  body.replace(/-+_NmP-[\w-]+/g, ''),
]

interface Moment {
  readonly name: string
  /** Whether a message is sent again then. */
  readonly isRepeated: boolean
  /** Adds messages, and kills all nodes at this moment: nobody knows which one sends. */
  run(): Promise<Added>
}

const MOMENTS: readonly Moment[] = [
  {
    name: 'before a node claims the message',
    isRepeated: false,
    async run() {
      await killAll()
      return await addAll()
    },
  },
  {
    name: 'while the server receives the message',
    isRepeated: true,
    async run() {
      const answer = holdAnswers()
      const added = await addAll()
      await until(() => hasArrived(added))
      await killAll()
      answer()
      return added
    },
  },
  {
    name: 'when the server has accepted the message, and the node has not written that',
    isRepeated: true,
    async run() {
      const answer = holdAnswers()
      const added = await addAll()
      await until(() => hasArrived(added))
      const rows = await cluster.knex.transaction()
      await rows('mail_messages')
        .whereIn('id', [...added.keys()])
        .forUpdate()
        .select('id')
      answer()
      await until(async () => (await waiting()).length > 0)
      await killAll()
      await endWaiting()
      await rows.rollback()
      return added
    },
  },
  {
    name: 'after the node has written that the message was sent',
    isRepeated: false,
    async run() {
      const added = await addAll()
      await until(async () => (await unsent(added)) === 0)
      await killAll()
      return added
    },
  },
]

test.each(MOMENTS.map((moment) => [moment.name, moment] as const))(
  'a node that is killed %s loses no message of any kind, and its copies are one message',
  async (_, moment) => {
    const added = await moment.run()
    await restartAll()
    await until(async () => (await unsent(added)) === 0)
    const counts: number[] = []
    for (const [id, kind] of added) {
      const copies = smtp.seen.filter(isOf(id))
      counts.push(copies.length)
      expect([kind, copies.length > 0]).toEqual([kind, true])
      for (const copy of copies) expect(shown(copy)).toEqual(shown(copies[0]!))
      // Nothing else went to this address.
      expect(smtp.seen.filter(({ to }) => to.join() === copies[0]!.to.join())).toEqual(copies)
    }
    expect(counts.some((count) => count > 1)).toBe(moment.isRepeated)
    const rows = await cluster.knex('mail_messages').whereIn('id', [...added.keys()])
    for (const row of rows) expect(row).toMatchObject({ status: 'sent', parameters: null })
  },
)

/** Somebody whom a notice of this kind reaches, and the event that causes it. */
async function causeNotice(kind: string, { notice }: NoticeKind): Promise<string> {
  const accountId = await cluster.make.account()
  const user = await createTestUser(cluster.knex, accountId, 'admin')
  const client = notice.recipients === 'client' ? await cluster.make.client([], {}, accountId) : undefined
  const entry = {
    action: notice.actions[0]!,
    target: client ? { type: 'client', id: client.clientId } : { type: 'user', id: user.id },
    accountId,
    detail: { new_browser: true },
    personal: { changes: { email: { from: `former-${user.email}`, to: user.email } } },
  }
  await recordAudit(cluster.knex, { type: 'cli', id: kind }, entry)
  return user.id
}

test('nodes that are killed while they make messages of requests and events make each once', async () => {
  const outbox = await cluster.knex.transaction()
  await outbox.raw('LOCK TABLE mail_messages IN SHARE MODE')
  const forgetful = await createTestUser(cluster.knex, await cluster.make.account())
  const browser = openBrowser(cluster.nodes[0]!.url)
  await browser.submit(await browser.visit('/password/forgot'), /\/password\/forgot$/, { email: forgetful.email })
  const expected = new Map([[forgetful.id, 'password_reset']])
  for (const [kind, declaration] of Object.entries(NOTICE_KINDS))
    expected.set(await causeNotice(kind, declaration), kind)
  const inserting = () => waiting().whereILike('query', 'insert into "mail_messages"%')
  // The request for a password, and the first page of events.
  await until(async () => (await inserting()).length >= 2)
  await killAll()
  await outbox.rollback()
  await restartAll()
  const made = () => cluster.knex('mail_messages').whereIn('user_id', [...expected.keys()])
  await until(async () => (await made()).filter(({ status }) => status === 'sent').length >= expected.size)
  const isRead = `SELECT seq >= (SELECT head_seq FROM audit_chain) AS is_read FROM mail_notice_cursor`
  await until(async () => (await cluster.knex.raw(isRead)).rows[0].is_read)
  const rows = await made()
  expect(rows.map(({ user_id, kind }) => `${user_id} ${kind}`).sort()).toEqual(
    [...expected].map(([id, kind]) => `${id} ${kind}`).sort(),
  )
  for (const { id } of rows) expect(smtp.seen.filter(isOf(id)).length).toBeGreaterThan(0)
})
