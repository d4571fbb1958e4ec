import { randomBytes } from 'node:crypto'
import type { Knex } from 'knex'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createUserWithoutPassword } from '../../src/accounts/users.ts'
import type { MailConfig } from '../../src/config/mail-config.ts'
import { type Database, openDatabase } from '../../src/database/open-database.ts'
import { createMailDelivery, type MailDelivery } from '../../src/mail/mail-delivery.ts'
import { createLink } from '../../src/mail/mail-links.ts'
import { addMessage, claimMessages, deleteOldMessages } from '../../src/mail/outbox.ts'
import { createEncryptionKeys } from '../../src/shared/encryption-keys.ts'
import { newId } from '../../src/shared/ids.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'
import { decodedHeader, linkIn, rejection, startScriptedServer, startSmtpServer } from '../support/smtp-servers.ts'

let created: TestDatabase
let database: Database
let knex: Knex

const keys = createEncryptionKeys([randomBytes(32)])
const open: { stop?(): Promise<unknown>; close?(): void }[] = []

beforeAll(async () => {
  created = await createTestDatabase()
  database = openDatabase(created.url, { poolMax: 10 })
  knex = database.knex
})
afterAll(async () => {
  await database.close()
  await created.drop()
})
afterEach(async () => {
  for (const one of open.splice(0).reverse()) {
    one.close?.()
    await one.stop?.()
  }
  await knex('mail_messages').delete()
})

function deliveryTo(port: number, timeLimit?: number): MailDelivery & { outcomes: string[] } {
  const config: MailConfig = {
    from: { address: 'auth@example.com' },
    smtp: { host: 'localhost', port, secure: false, requireTls: false },
  }
  const outcomes: string[] = []
  const delivery = createMailDelivery({
    knex,
    config,
    encryptionKeys: keys,
    log: pino({ level: 'silent' }),
    count: (outcome) => outcomes.push(outcome),
    ...(timeLimit !== undefined && { timeLimit }),
  })
  delivery.setIssuer('https://auth.example.com')
  open.push(delivery)
  return { ...delivery, outcomes }
}

async function server(accept?: () => unknown) {
  const started = await startSmtpServer({ ...(accept && { accept }) })
  open.push(started)
  return started
}

const to = (email: string) => ({ id: newId(), email, accountId: null })

const addTest = (email: string) => addMessage(knex, { kind: 'test', to: to(email), parameters: {} })

async function addInvitation(email: string): Promise<string> {
  const linkId = await createLink(knex, { purpose: 'invitation', userId: newId(), email })
  return await addMessage(knex, { kind: 'invitation', to: to(email), parameters: { account: 'ACME Corp' }, linkId })
}

const row = (id: string) => knex('mail_messages').where({ id }).first()

const makeDue = () => knex('mail_messages').where({ status: 'queued' }).update({ next_attempt_at: knex.fn.now() })

test('a message is sent once by two nodes, with its id as the Message-ID, and its content is deleted', async () => {
  const smtp = await server()
  const ids = await Promise.all(Array.from({ length: 8 }, (_, n) => addInvitation(`p${n}@example.com`)))
  const nodes = [deliveryTo(smtp.port), deliveryTo(smtp.port)]
  await Promise.all(nodes.map((node) => node.run()))
  const sent = smtp.accepted.map(({ headers }) => headers.get('message-id'))
  expect(sent.sort()).toEqual(ids.map((id) => `<${id}@example.com>`).sort())
  expect(await row(ids[0]!)).toMatchObject({ status: 'sent', parameters: null, next_attempt_at: null, error: null })
  expect(linkIn(smtp.accepted[0]!).origin).toBe('https://auth.example.com')
  expect(smtp.accepted[0]!.headers.get('subject')).toBe('You are invited to ACME Corp on Keywright')
})

test('a message whose transaction was rolled back is not sent', async () => {
  const smtp = await server()
  const rolledBack = knex.transaction(async (trx) => {
    await addMessage(trx, { kind: 'test', to: to('nobody@example.com'), parameters: {} })
    throw new Error('rolled back')
  })
  await expect(rolledBack).rejects.toThrow('rolled back')
  await deliveryTo(smtp.port).run()
  expect(smtp.seen).toEqual([])
})

test('a message that a killed node had claimed is sent by another one, with the same Message-ID', async () => {
  const smtp = await server()
  const id = await addInvitation('ada@example.com')
  await claimMessages(knex, 5)
  const other = deliveryTo(smtp.port)
  await other.run()
  expect(smtp.accepted).toEqual([])
  await makeDue()
  await other.run()
  expect(smtp.accepted.map(({ headers }) => headers.get('message-id'))).toEqual([`<${id}@example.com>`])
})

test('after a failure that passes, the message waits longer each time', async () => {
  let isOver = false
  const smtp = await server(() => {
    if (!isOver) throw rejection(451, 'try later')
  })
  const id = await addTest('ada@example.com')
  const node = deliveryTo(smtp.port)
  const waits: number[] = []
  for (let attempt = 1; attempt <= 3; attempt++) {
    await node.run()
    expect(await row(id)).toMatchObject({ status: 'queued', attempts: attempt, error: expect.stringContaining('451') })
    const wait = 'extract(epoch FROM next_attempt_at - now())::float AS wait'
    waits.push((await knex('mail_messages').where({ id }).first(knex.raw(wait))).wait)
    await makeDue()
  }
  expect(waits[1]!).toBeGreaterThan(waits[0]!)
  expect(waits[2]!).toBeGreaterThan(waits[1]!)
  isOver = true
  await node.run()
  expect(await row(id)).toMatchObject({ status: 'sent', attempts: 4, error: null })
  expect(node.outcomes).toEqual(['retried', 'retried', 'retried', 'sent'])
})

test('a rejected message has failed at once, with the answer of the server, and is not tried again', async () => {
  const smtp = await server(() => {
    throw rejection(550, 'no such mailbox')
  })
  const id = await addTest('ada@example.com')
  const node = deliveryTo(smtp.port)
  await node.run()
  expect(await row(id)).toMatchObject({ status: 'failed', error: expect.stringContaining('no such mailbox') })
  await node.run()
  expect(smtp.seen).toHaveLength(1)
  expect(node.outcomes).toEqual(['failed'])
})

test('a message that could not be sent while it was of use has failed, and keeps the last error', async () => {
  const smtp = await server()
  const id = await addTest('ada@example.com')
  await knex('mail_messages').where({ id }).update({ give_up_at: knex.fn.now(), error: 'connection refused' })
  await deliveryTo(smtp.port).run()
  expect(await row(id)).toMatchObject({ status: 'failed', error: 'connection refused' })
  expect(smtp.seen).toEqual([])
})

test('a server that hangs holds no transaction open, and the attempt ends when its time is over', async () => {
  const hanging = await startScriptedServer('220 localhost', (line) => (line.startsWith('EHLO') ? '250 ok' : undefined))
  open.push(hanging)
  const id = await addTest('ada@example.com')
  const run = deliveryTo(hanging.port, 2000).run()
  await expect.poll(hanging.connections).toBe(1)
  const transactions = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`
  expect((await knex.raw(transactions)).rows).toEqual([])
  await run
  expect(await row(id)).toMatchObject({ status: 'queued', error: expect.stringContaining('in time') })
})

test('a node that stops gives its message to another one at once', async () => {
  const hanging = await startScriptedServer('220 localhost', () => undefined)
  const smtp = await server()
  open.push(hanging)
  const id = await addTest('ada@example.com')
  const stopping = deliveryTo(hanging.port)
  const run = stopping.run()
  await expect.poll(hanging.connections).toBe(1)
  stopping.close()
  await run
  await deliveryTo(smtp.port).run()
  expect(await row(id)).toMatchObject({ status: 'sent' })
})

test('a message of a newer version waits for a node that knows it', async () => {
  const smtp = await server()
  const id = await addTest('ada@example.com')
  await knex('mail_messages').where({ id }).update({ kind: 'of_tomorrow' })
  await deliveryTo(smtp.port).run()
  expect(await row(id)).toMatchObject({ status: 'queued', error: expect.stringContaining('of_tomorrow') })
})

test('a message is sent in its language, and in English where this version does not have the language', async () => {
  const smtp = await server()
  for (const [email, language] of [
    ['ja@example.com', 'ja'],
    ['tlh@example.com', 'tlh'],
  ] as const) {
    const id = await addTest(email)
    await knex('mail_messages').where({ id }).update({ language })
  }
  await deliveryTo(smtp.port).run()
  const [japanese] = smtp.to('ja@example.com')
  expect(decodedHeader(japanese!, 'subject')).toBe('Keywright からのテストメール')
  expect(japanese!.headers.get('content-language')).toBe('ja')
  expect(japanese!.body).toContain('<html lang="ja" dir="ltr">')
  const [other] = smtp.to('tlh@example.com')
  expect(other!.headers.get('subject')).toBe('Test message from Keywright')
  expect(other!.headers.get('content-language')).toBe('en')
})

test('a message to a user without a language, which no page requested, has that of the instance', async () => {
  const smtp = await server()
  await knex('instance_settings').update({ default_language: 'es' })
  try {
    await addTest('ada@example.com')
    await addMessage(knex, { kind: 'test', to: to('bob@example.com'), parameters: {}, pageLanguage: 'pt' })
  } finally {
    await knex('instance_settings').update({ default_language: 'en' })
  }
  await deliveryTo(smtp.port).run()
  const subjects = ['ada', 'bob'].map((name) => smtp.to(`${name}@example.com`)[0]!.headers.get('subject'))
  expect(subjects).toEqual(['Mensaje de prueba de Keywright', 'Mensagem de teste de Keywright'])
})

test('every attempt at a message has the language that its user had when it was queued', async () => {
  const user = await createUserWithoutPassword(knex, { email: 'ada@example.com', role: 'operator', accountId: null })
  await knex('users').where({ id: user.id }).update({ language: 'de' })
  await addMessage(knex, { kind: 'test', to: user, parameters: {}, pageLanguage: 'fr' })
  let attempts = 0
  const smtp = await server(() => {
    if (++attempts === 1) throw rejection(451, 'try later')
  })
  const node = deliveryTo(smtp.port)
  await node.run()
  await knex('users').where({ id: user.id }).update({ language: 'ar' })
  await makeDue()
  await node.run()
  const shown = smtp.seen.map((mail) => [mail.headers.get('message-id'), mail.headers.get('subject')])
  expect(shown).toEqual([shown[0], shown[0]])
  expect(shown[0]![1]).toBe('Testnachricht von Keywright')
})

test('messages that were finished 30 days ago are deleted, others stay', async () => {
  const [old, recent, queued] = [
    await addTest('a@example.com'),
    await addTest('b@example.com'),
    await addTest('c@example.com'),
  ]
  const sent = { status: 'sent', parameters: null, next_attempt_at: null }
  await knex('mail_messages')
    .whereIn('id', [old, recent])
    .update({ ...sent, finished_at: knex.fn.now() })
  await knex('mail_messages')
    .where({ id: old })
    .update({ finished_at: knex.raw(`now() - interval '31 days'`) })
  expect(await deleteOldMessages(knex, 10)).toBe(1)
  expect((await knex('mail_messages').pluck('id')).sort()).toEqual([recent, queued].sort())
})
