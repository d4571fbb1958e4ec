import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { activeAmong } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { claimsOf, METRICS_TOKEN, send } from '../support/requests.ts'

let on: Nodes | undefined

afterEach(async () => {
  await on?.stop()
  on = undefined
})

const SECOND = 1000
const DAY = 86_400 * SECOND
const SHIFTED_CLOCK = fileURLToPath(new URL('../support/shifted-clock.mjs', import.meta.url))

const wrongBy = (shift: number) => ({ NODE_OPTIONS: `--import=${SHIFTED_CLOCK}`, CLOCK_SHIFT: `${shift}` })

const readiness = (url: string) => send(`${url}/readyz`)

test.each([
  ['40 days ahead', 40 * DAY],
  ['40 days behind', -40 * DAY],
])('a node whose clock is %s issues tokens by the clock of the database, and is not ready', async (_name, shift) => {
  on = await startNodes(1, { env: wrongBy(shift) })
  const node = on.nodes[0]!
  const api = await on.make.api()
  const client = await on.make.client([api.identifier])
  const { status, body } = await node.machineToken(client)
  expect(status).toBe(200)
  const age = Date.now() / 1000 - Number(claimsOf(body.access_token).iat)
  expect(Math.abs(age)).toBeLessThan(30)
  expect(await activeAmong(on.nodes, [body.access_token], api)).toEqual([body.access_token])
  const ready = await readiness(node.url)
  expect([ready.status, ready.body.failing]).toEqual([503, ['clock']])
  await node.says(/"check":"clock","detail":"this machine's clock is [0-9.]+ s (ahead of|behind) the database's/)
  const headers = { authorization: `Bearer ${METRICS_TOKEN}` }
  const { text } = await send(`${node.url}/metrics`, { headers })
  const skew = Number(/^keywright_clock_skew_seconds (\S+)$/m.exec(text)![1])
  expect(Math.abs(skew * SECOND - shift)).toBeLessThan(30 * SECOND)
})

test('a node whose clock is 5 s ahead is ready, and warns at its start', async () => {
  on = await startNodes(1, { env: wrongBy(5 * SECOND) })
  const node = on.nodes[0]!
  expect((await readiness(node.url)).status).toBe(200)
  await node.says(/"level":"warn".*"ahead_ms":\d+.*this machine's clock is [0-9.]+ s ahead of the database's/)
})
