import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nodes, startNodes } from '../support/nodes.ts'
import type { Credentials } from '../support/requests.ts'
import { together } from '../support/storm.ts'

let on: Nodes
let api: Credentials & { identifier: string }

beforeAll(async () => {
  on = await startNodes(2)
  api = await on.make.api()
})

afterAll(() => on?.stop())

test('of 60 concurrent requests over two nodes a limit of 10 a minute lets 10 pass, and no other client notices', async () => {
  const client = await on.make.client([api.identifier], { rateLimit: { count: 10, period: 60 } })
  const other = await on.make.client([api.identifier])
  const from = performance.now()
  const [limited, free] = await Promise.all([
    together(60, (n) => on.nodes[n % 2]!.machineToken(client)),
    together(20, (n) => on.nodes[n % 2]!.machineToken(other)),
  ])
  // One more comes back every six seconds, should the machine be that slow.
  const refilled = Math.floor((performance.now() - from) / 6000)
  const passed = limited.filter(({ status }) => status === 200).length
  expect(passed).toBeGreaterThanOrEqual(10)
  expect(passed).toBeLessThanOrEqual(10 + refilled)
  for (const { status, headers, body } of limited.filter((answer) => answer.status !== 200)) {
    expect(status).toBe(429)
    expect(body.error).toBe('rate_limit_exceeded')
    expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(6)
    expect(headers.get('cache-control')).toBe('no-store')
  }
  expect(free.filter(({ status }) => status !== 200)).toEqual([])
})

test('whoever waits as long as Retry-After says gets through, at any node', async () => {
  const client = await on.make.client([api.identifier], { rateLimit: { count: 2, period: 1 } })
  let passed = 0
  for (let n = 0; passed < 6; n++) {
    const { status, headers } = await on.nodes[n % 2]!.machineToken(client)
    if (status === 200) passed++
    else {
      await new Promise((resolve) => setTimeout(resolve, Number(headers.get('retry-after')) * 1000))
      expect((await on.nodes[(n + 1) % 2]!.machineToken(client)).status).toBe(200)
    }
  }
})

test('a wrong secret is refused as such, and takes nothing from the allowance', async () => {
  const client = await on.make.client([api.identifier], { rateLimit: { count: 5, period: 3600 } })
  const wrong = { ...client, clientSecret: client.clientSecret.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x')) }
  const refused = await together(20, (n) => on.nodes[n % 2]!.machineToken(wrong))
  expect([...new Set(refused.map(({ status }) => status))]).toEqual([401])
  const answers = await together(5, (n) => on.nodes[n % 2]!.machineToken(client))
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
})
