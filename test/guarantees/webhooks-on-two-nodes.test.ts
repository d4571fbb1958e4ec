/** Every event reaches the receiver although nodes are killed between commit and delivery. */
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordAudit } from '../../src/audit/audit-log.ts'
import { createWebhook } from '../../src/management/webhook-operations.ts'
import { operator } from '../management/principals.ts'
import { keysOf } from '../support/encryption-key.ts'
import { ACTOR } from '../support/factory.ts'
import { startLoad, until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { type Receiver, startReceiver } from '../webhooks/receiver.ts'

let on: Nodes
let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
  on = await startNodes(2, { env: { OUTGOING_ALLOW: '127.0.0.1' } })
})

afterAll(async () => {
  await on?.stop()
  receiver.stop()
})

test('nodes that are killed at any moment lose no event, and change no order of an object', async () => {
  const management = { knex: on.knex, encryptionKeys: keysOf(on.env.ENCRYPTION_KEY!) }
  const { secret } = await createWebhook(management, operator, { name: 'All', url: receiver.url })
  const record = async (loop: number, round: number) => {
    const target = { type: 'client', id: `kwc_${loop}_${round % 3}` }
    await recordAudit(on.knex, ACTOR, { action: 'client.updated', target, detail: { round } })
    return `${target.id} ${round}`
  }
  const load = startLoad(2, record, { pause: 100 })
  const arrived = () => receiver.messages().filter(({ type }) => type === 'client.updated')
  await until(() => arrived().length > 0)
  await on.nodes[0]!.kill()
  await on.restart(0)
  await on.nodes[1]!.kill()
  await on.restart(1)
  const made = await load.stop()
  // Nothing waits for the lease of a killed node.
  const free = on.knex.raw("now() - interval '1 second'")
  await until(async () => {
    await on
      .knex('webhook_queues')
      .whereNotNull('lease')
      .where('due_at', '<', on.knex.raw("now() + interval '50 s'"))
      .update({ due_at: free })
    return new Set(arrived().map(({ data }) => `${data.target.id} ${data.detail.round}`)).size === made.length
  })
  const verifier = new Webhook(secret)
  for (const { headers, body } of receiver.received) verifier.verify(body, headers as Record<string, string>)
  for (const id of new Set(made.map((one) => one.split(' ')[0]))) {
    // A killed node may have sent one that another node sends again.
    const rounds = arrived()
      .filter(({ data }) => data.target.id === id)
      .map(({ data }) => data.detail.round as number)
    const first = rounds.filter((round, n) => rounds.indexOf(round) === n)
    expect(first).toEqual(first.toSorted((one, other) => one - other))
  }
})
