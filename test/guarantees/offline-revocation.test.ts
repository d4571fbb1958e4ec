/** A revoked token is refused by resource servers that never introspect: with the feed, with the lists alone, and after crashes. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createVerifier, type Verifier } from '../../packages/resource-server/src/index.ts'
import { revokeToken } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { together, until } from '../support/load.ts'
import { ISSUER, type Nodes, startNodes } from '../support/nodes.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'
import { waysToEnd } from './revocation-causes.ts'

let on: Nodes
let api: Credentials & { identifier: string }
const open: Verifier[] = []

beforeAll(async () => {
  on = await startNodes(2, { env: { STATUS_LIST_TTL: '5' } })
  api = await on.make.api()
})
afterEach(() => {
  for (const verifier of open.splice(0)) verifier.close()
})
afterAll(async () => await on.stop())

/** Sends requests to the nodes alternately and skips a node that does not answer, as a load balancer does. */
let round = 0
async function toSomeNode(url: string | URL | Request, init?: RequestInit): Promise<Response> {
  const { pathname, search } = new URL(String(url))
  for (let tries = 0; ; tries++) {
    const node = on.nodes[round++ % on.nodes.length]!
    try {
      return await fetch(node.url + pathname + search, init)
    } catch (error) {
      if (tries === 3) throw error
    }
  }
}

function openVerifier(byFeed: boolean): Verifier {
  const feed = { clientId: api.clientId, clientSecret: api.clientSecret! }
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: api.identifier,
    fetch: toSomeNode as typeof fetch,
    statusList: { ...(byFeed && { feed }), maxAge: 30 },
  })
  open.push(verifier)
  return verifier
}

async function verdict(verifier: Verifier, token: string): Promise<string> {
  const request = { method: 'GET', url: `${api.identifier}/`, headers: { authorization: `Bearer ${token}` } }
  return await verifier.verify(request).then(
    () => 'accepted',
    (error: { code?: string }) => error.code ?? String(error),
  )
}

const isRevoked = async (verifier: Verifier, token: string) => (await verdict(verifier, token)) === 'token_revoked'

async function issue(client: Credentials, n = 0): Promise<string> {
  const { status, text, body } = await on.nodes[n % on.nodes.length]!.machineToken(client)
  if (status !== 200) throw new Error(text)
  return body.access_token
}

test.each([true, false])(
  'a resource server refuses a token after every cause of revocation, on any node; with the feed: %s',
  async (byFeed) => {
    const verifiers = [openVerifier(byFeed), openVerifier(byFeed)]
    const verdicts = (token: string) => Promise.all(verifiers.map((verifier) => verdict(verifier, token)))
    const endAndWait = async ({ name, end }: ReturnType<typeof waysToEnd>[number]) => {
      const { token, act } = await end()
      expect([name, ...(await verdicts(token))]).toEqual([name, 'accepted', 'accepted'])
      await act()
      await Promise.all(verifiers.map((verifier) => until(() => isRevoked(verifier, token))))
    }
    // All at once, because each of them may wait until a status list is fetched again.
    await Promise.all(waysToEnd(on, api).map(endAndWait))
  },
)

test('a node that is killed while tokens are revoked loses no revocation, and no revoked token is accepted again', async () => {
  const verifier = openVerifier(true)
  const client = await on.make.client([api.identifier])
  const tokens = await together(120, (n) => issue(client, n))
  for (const token of tokens.slice(0, 3)) expect(await verdict(verifier, token)).toBe('accepted')
  const answered: string[] = []
  const revoking = together(4, async (loop) => {
    for (const token of tokens.filter((_, n) => n % 4 === loop)) {
      await revokeToken(on.knex, String(claimsOf(token).jti), ACTOR)
      answered.push(token)
    }
  })
  for (const victim of [0, 1]) {
    await until(() => answered.length >= 40 * (victim + 1))
    await on.nodes[victim]!.kill()
    await on.restart(victim)
  }
  await revoking
  const seen = new Set<string>()
  await until(async () => {
    for (const token of answered) {
      const refused = await isRevoked(verifier, token)
      if (seen.has(token) && !refused) throw new Error('a token that was known to be revoked was accepted again')
      if (refused) seen.add(token)
    }
    return seen.size === answered.length
  })
})
