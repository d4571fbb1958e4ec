import { beforeAll, expect, test } from 'vitest'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { claimsOf } from '../support/requests.ts'

let on: SharedNodes
let token: string

beforeAll(async () => {
  on = await shareNodes()
  token = await managementToken(on.nodes[0]!, await managingApplication(on, null))
})

async function patch(n: number, path: string, body: unknown): Promise<void> {
  const { url } = on.nodes[n % on.nodes.length]!
  expect((await rawManagement(url, token).json('PATCH', path, body, { 'if-match': '*' })).status).toBe(200)
}

const apiPath = (identifier: string) => `/apis/${encodeURIComponent(identifier)}`

const DECLARED = [
  { name: 'plan', from: 'account', key: 'plan' },
  { name: 'tier', from: 'client', key: 'tier' },
] as const

test.each([
  ['whose tokens are new', null],
  ['that receives tokens again', 600],
])(
  'after a change of metadata or of the declared claims at one node, every node issues by it to a client %s',
  async (_which, reuseWindow) => {
    const api = await on.make.api()
    const account = await on.make.account()
    const client = await on.make.client([api.identifier], { reuseWindow }, account)
    const claimsAt = async (n: number) => {
      const { body } = await on.nodes[n % on.nodes.length]!.machineToken(client)
      const { plan, tier } = claimsOf(body.access_token)
      return { plan, tier }
    }
    const expectAtAll = async (n: number, expected: object) => {
      for (const m of [n + 1, n]) expect(await claimsAt(m)).toEqual(expected)
    }
    for (let n = 0; n < 4; n++) {
      await patch(n, apiPath(api.identifier), { claims: [] })
      await expectAtAll(n, {})
      await patch(n, `/accounts/${account}`, { metadata: { plan: `plan ${n}` } })
      await patch(n, `/applications/${client.clientId}`, { metadata: { tier: n } })
      await expectAtAll(n, {})
      await patch(n, apiPath(api.identifier), { claims: DECLARED })
      await expectAtAll(n, { plan: `plan ${n}`, tier: n })
      await patch(n, `/accounts/${account}`, { metadata: { plan: { name: n } } })
      await expectAtAll(n, { plan: { name: n }, tier: n })
      await patch(n, `/applications/${client.clientId}`, { metadata: {} })
      await expectAtAll(n, { plan: { name: n } })
    }
  },
)
