/** Every action is recorded, and the record cannot be altered unnoticed: with several nodes, one killed, and the command line. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccount } from '../../src/accounts/accounts.ts'
import { recordAudit } from '../../src/audit/audit-log.ts'
import { runCli } from '../support/cli-in-process.ts'
import { ACTOR } from '../support/factory.ts'
import { startLoad, until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'

let on: Nodes

beforeAll(async () => {
  on = await startNodes(3)
})

afterAll(() => on?.stop())

const unsealed = async () => (await on.knex('audit_log').whereNull('seq')).length
const untilSealed = () => until(async () => (await unsealed()) === 0)
const verify = (...options: string[]) => runCli(['audit', 'verify', '--json', ...options], on.env)

async function exported(...options: string[]) {
  const { code, stdout } = await runCli(['audit', 'export', ...options], on.env)
  expect(code).toBe(0)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

test('what was done while nodes sealed and one was killed is in the chain, each act once and none missing', async () => {
  const late = await on.knex.transaction()
  await recordAudit(late, ACTOR, { action: 'test.began_early', target: { type: 'test', id: 'late' } })
  const storm = startLoad(4, async (loop, round) => {
    const target = { type: 'test', id: `${loop}-${round}` }
    await recordAudit(on.knex, ACTOR, { action: 'test.done', target })
    return target.id
  })
  const sealing = async (count: number) => (await on.knex('audit_log').whereNotNull('seq')).length >= count
  await storm.reached(50)
  await on.nodes[0]!.kill()
  await until(() => sealing(40))
  await on.nodes[1]!.kill()
  await storm.reached(300)
  const done = await storm.stop()
  await late.commit()
  await runCli(['account', 'create', '--name', 'Of the command line'], on.env)
  await untilSealed()
  const targets = await on.knex('audit_log').where({ action: 'test.done' }).pluck('target_id')
  expect(targets.toSorted()).toEqual(done.toSorted())
  const { code, json } = await verify()
  const entries = (await on.knex('audit_log')).length
  expect({ code, json }).toMatchObject({
    code: 0,
    json: { verified: true, entries, unsealed: 0, head: { seq: entries }, violations: [] },
  })
  await on.restart(0)
  await on.restart(1)
})

test('a server that is stopped leaves nothing unsealed', async () => {
  for (const index of [0, 1]) await on.nodes[index]!.stop()
  await recordAudit(on.knex, ACTOR, { action: 'test.done', target: { type: 'test', id: 'last' } })
  await on.nodes[2]!.stop()
  expect(await unsealed()).toBe(0)
  for (const index of [0, 1, 2]) await on.restart(index)
})

test('the log is exported as JSON lines, whole, by time and by account', async () => {
  const account = await createAccount(on.knex, { name: 'Exported' })
  const target = { type: 'account', id: account.id }
  await recordAudit(on.knex, ACTOR, { action: 'test.exported', target, accountId: account.id, detail: { n: 1 } })
  await untilSealed()
  const all = await exported()
  expect(all).toHaveLength((await on.knex('audit_log')).length)
  const own = await exported('--account', account.id, '--json')
  expect(own.filter(({ action }) => action === 'test.exported')).toEqual([
    {
      id: expect.any(String),
      seq: expect.any(Number),
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      action: 'test.exported',
      actor: { type: 'system', id: 'tests', label: null },
      account_id: account.id,
      account_name: 'Exported',
      target: { type: 'account', id: account.id, label: 'Exported' },
      ip: null,
      request_id: null,
      detail: { n: 1 },
      erased: false,
    },
  ])
  expect(await exported('--to', all.at(-1).at)).toEqual([])
  for (const wrong of [
    ['--from', 'yesterday'],
    ['--account', 'none'],
    ['--to', '+200000-01-01T00:00:00Z'],
  ]) {
    const { code, stdout } = await runCli(['audit', 'export', ...wrong], on.env)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  }
})

test('what was altered or removed is named and fails the command; so does a head that is no longer there', async () => {
  await untilSealed()
  const noted = (await verify()).json.head
  const head = `${noted.seq}:${noted.hash}`
  expect(await verify('--expect', head)).toMatchObject({ code: 0, json: { verified: true } })
  expect((await verify('--expect', 'x')).code).toBe(2)
  expect(await verify('--expect', `${noted.seq}:${'0'.repeat(64)}`)).toMatchObject({
    code: 1,
    json: { verified: false, violations: [{ seq: noted.seq, id: null, violation: 'replaced' }] },
  })
  const altered = await on.knex('audit_log').where({ seq: 7 }).first('id')
  await on.knex('audit_log').where({ seq: 7 }).update({ actor_id: 'somebody else' })
  await on.knex('audit_log').whereIn('seq', [20, noted.seq]).delete()
  const { code, json, stderr } = await verify('--expect', head)
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('the activity log was changed') })
  expect(json).toMatchObject({ verified: false, violation_count: 3 })
  expect(json.violations).toEqual([
    { seq: 7, id: altered.id, violation: 'altered' },
    { seq: 20, id: null, violation: 'removed' },
    { seq: noted.seq, id: null, violation: 'removed' },
  ])
  const text = await runCli(['audit', 'verify'], on.env)
  expect(text).toMatchObject({ code: 1, stdout: expect.stringMatching(/altered[\s\S]*removed/) })
})

test('a log that was rewritten and begun anew by a restart is said by the server, and fails the command until it is noted', async () => {
  const { nodes, knex } = on
  for (const node of nodes) await node.stop()
  await knex('audit_log').update({ seq: null, chain_hash: null, actor_id: 'somebody else' })
  await knex('audit_chain').delete()
  await on.restart(0)
  await nodes[0]!.says(/"level":"warn".*audit verify/)
  for (const index of [1, 2]) await on.restart(index)
  await untilSealed()
  const { code, json } = await verify()
  expect({ code, violations: json.violations }).toEqual({
    code: 1,
    violations: [{ seq: 1, id: expect.any(String), violation: 'begun' }],
  })
  const text = await runCli(['audit', 'verify'], on.env)
  expect(text).toMatchObject({ code: 1, stdout: expect.stringMatching(/begun[\s\S]*--expect/) })
  expect((await verify('--expect', `${json.head.seq}:${json.head.hash}`)).code).toBe(0)
})
