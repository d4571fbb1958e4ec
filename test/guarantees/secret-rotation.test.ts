import { expect, test } from 'vitest'
import { retireUnusedSecrets } from '../../src/clients/unused-secret-retirement.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { readApplicationSecrets } from '../../src/management/client-secrets-reading.ts'
import type { Management } from '../../src/management/operation.ts'
import { commandLinePrincipal } from '../../src/management/principal.ts'
import { ACTOR } from '../support/factory.ts'
import { withoutJob } from '../support/jobs.ts'
import { activeAmong, startLoad, until } from '../support/load.ts'
import { shareNodes } from '../support/nodes.ts'

const WIDTH = 4

test('a rotation under load on two nodes: the list of callers is correct, the previous secret retires after its last caller, and no request fails', async () => {
  const { nodes, make, knex } = await shareNodes()
  const api = await make.api()
  const former = await make.client([api.identifier])
  const used = Array.from({ length: WIDTH }, () => former)
  const rounds = Array.from({ length: WIDTH }, () => 0)
  const load = startLoad(WIDTH, async (loop, round) => {
    const client = used[loop]!
    const { status, body } = await nodes[(loop + round) % 2]!.machineToken(
      client,
      {},
      { headers: { 'user-agent': `caller/${loop}` } },
    )
    rounds[loop]!++
    return { status, client, token: String(body.access_token) }
  })
  await load.reached(5 * WIDTH)
  const rotation = await rotateSecret(knex, former.clientId, 86_400, ACTOR, { unusedHours: 1 })
  const current = { ...former, clientSecret: rotation.clientSecret! }

  async function callers(): Promise<Record<string, string[]>> {
    const management = { knex } as Management
    const { secrets } = await readApplicationSecrets(management, commandLinePrincipal('ops'), former)
    return Object.fromEntries(
      secrets.map((one) => [one.lastFour, one.callers.map(({ userAgent }) => userAgent).sort()]),
    )
  }
  /** The second request from now began after now. */
  async function untilNextRequests(): Promise<void> {
    const before = [...rounds]
    await until(() => rounds.every((count, loop) => count >= before[loop]! + 2))
  }
  const previousSecret = () => knex('client_secrets').where({ client_id: former.key }).whereNotNull('retires_at')
  const isRetired = async () => (await previousSecret())[0].retires_at.getTime() <= Date.now()
  /** Moves what was recorded by two hours into the past. */
  async function twoHoursPass(): Promise<void> {
    const [{ id }] = await previousSecret()
    await knex.raw(
      `UPDATE client_secrets SET retire_unused_from = retire_unused_from - interval '2 hours',
                                 last_used_at = last_used_at - interval '2 hours' WHERE id = ?`,
      [id],
    )
    await knex.raw(`UPDATE access_tokens SET issued_at = issued_at - interval '2 hours' WHERE secret_id = ?`, [id])
  }

  used.fill(current, 0, 3)
  const count = async (secret: string) => (await callers())[secret.slice(-4)]?.length
  await until(async () => (await count(current.clientSecret)) === 3 && (await count(former.clientSecret)) === WIDTH)
  expect(await callers()).toEqual({
    [former.clientSecret.slice(-4)]: ['caller/0', 'caller/1', 'caller/2', 'caller/3'],
    [current.clientSecret.slice(-4)]: ['caller/0', 'caller/1', 'caller/2'],
  })

  // One caller still uses the previous secret. Its uses since then are in its tokens; the next write is minutes away.
  // The job of a node would take the two hours for unused ones, before the next request.
  await withoutJob(knex, 'retire unused secrets', async () => {
    await twoHoursPass()
    await untilNextRequests()
    await retireUnusedSecrets(knex, 100)
  })
  expect(await isRetired()).toBe(false)

  used[3] = current
  await untilNextRequests()
  // Again where a node wrote an earlier use meanwhile.
  await until(async () => {
    await twoHoursPass()
    await retireUnusedSecrets(knex, 100)
    return await isRetired()
  })
  await untilNextRequests()
  const outcomes = await load.stop()

  expect(outcomes.filter(({ status }) => status !== 200)).toEqual([])
  for (const node of nodes) expect((await node.machineToken(former)).status).toBe(401)
  const last = (client: typeof former) => outcomes.findLast((outcome) => outcome.client === client)!.token
  expect(await activeAmong(nodes, [last(former), last(current)], api)).toEqual([last(current)])
})
