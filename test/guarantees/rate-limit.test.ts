import { afterAll, beforeAll, expect, test } from 'vitest'
import { withOtherEnd } from '../support/altered-texts.ts'
import { together } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import type { Credentials } from '../support/requests.ts'
import { codeOf, openSignedInBrowser, redemptionOf } from '../support/signed-in-browsers.ts'

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

test('a client that waits as long as Retry-After says is served, at any node', async () => {
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
  const wrong = { ...client, clientSecret: withOtherEnd(client.clientSecret) }
  const refused = await together(20, (n) => on.nodes[n % 2]!.machineToken(wrong))
  expect([...new Set(refused.map(({ status }) => status))]).toEqual([401])
  const answers = await together(5, (n) => on.nodes[n % 2]!.machineToken(client))
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
})

test('invalid codes and refresh tokens in the name of a public client take nothing from its limit, and slow their network', async () => {
  const settings = { isPublic: true, rateLimit: { count: 3, period: 3600 } }
  const app = await on.make.application([api.identifier], settings)
  const named = { client_id: app.clientId }
  const visitor = await openSignedInBrowser(on.nodes[0]!, await on.make.person())
  const code = async () => {
    const { page, verifier } = await visitor.follow(app)
    const allowed = page.left ? page : await visitor.submit(page, /allow$/)
    return { ...named, ...redemptionOf({ code: codeOf(allowed), verifier }) }
  }
  const forms = [await code(), await code(), await code(), await code()]
  const wrong = [
    { ...named, ...redemptionOf({ code: 'x'.repeat(43), verifier: 'x'.repeat(43) }) },
    { ...named, grant_type: 'refresh_token', refresh_token: 'kwr_x' },
  ]
  const refused = await together(20, (n) => on.nodes[n % 2]!.token(wrong[(n >> 1) & 1]!))
  expect([...new Set(refused.map(({ status }) => status))]).toEqual([400])
  // Two by code, one by refresh token; then it is used up, and the code may still be redeemed later.
  const [first, second] = [await on.nodes[0]!.token(forms[0]!), await on.nodes[1]!.token(forms[1]!)]
  expect([first.status, second.status]).toEqual([200, 200])
  const refreshing = (token: string) => ({ ...named, grant_type: 'refresh_token', refresh_token: token })
  expect((await on.nodes[1]!.token(refreshing(first.body.refresh_token))).status).toBe(200)
  expect((await on.nodes[0]!.token(forms[2]!)).body.error).toBe('rate_limit_exceeded')
  await on.knex('rate_limits').where({ client_id: app.key }).delete()
  expect((await on.nodes[0]!.token(forms[2]!)).status).toBe(200)
  const flood = await together(150, (n) => on.nodes[n % 2]!.token(wrong[0]!))
  const slowed = flood.filter(({ status }) => status === 429)
  expect(slowed.length).toBeGreaterThan(0)
  for (const { headers } of slowed) expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
})
