import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { keywright, runCli } from '../support/cli-in-process.ts'
import { newEncryptionKey } from '../support/encryption-key.ts'
import { startLoad, until } from '../support/load.ts'
import { launchServer, type Nodes, type ServerNode, startNode, startNodes } from '../support/nodes.ts'
import { type Answer, type Credentials, send } from '../support/requests.ts'
import { openBrowser, signIn } from '../support/scriptless-browser.ts'
import { authorizationOf, codeOf, linkOf, redemptionOf } from '../support/signed-in-browsers.ts'
import { PASSWORD, type Person } from '../support/test-users.ts'

/** Old and new. */
const O = inject('setUp').encryptionKey
const N = newEncryptionKey()

let on: Nodes
let api: Credentials & { identifier: string }
let machine: Credentials
let application: Credentials
let people: Person[]

async function startWithOldKey(count: number): Promise<void> {
  on = await startNodes(count)
  api = await on.make.api()
  machine = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
  application = await on.make.application([api.identifier])
}

const readiness = async (node: ServerNode) => (await send(`${node.url}/readyz`)).status

/** Nodes as a load balancer sees them: one that is being restarted gets no requests. */
function balancer() {
  const serving: (ServerNode | undefined)[] = [...on.nodes]
  const busy = new Map<ServerNode, number>()
  return {
    async ask<T>(n: number, request: (node: ServerNode) => Promise<T>): Promise<T> {
      const node = serving[n % 2] ?? serving[(n + 1) % 2]!
      busy.set(node, (busy.get(node) ?? 0) + 1)
      try {
        return await request(node)
      } finally {
        busy.set(node, busy.get(node)! - 1)
      }
    },
    /** Takes a node out, restarts it with another list of keys, and puts it back. */
    async restart(index: number, list: string): Promise<void> {
      const node = on.nodes[index]!
      serving[index] = undefined
      await until(() => (busy.get(node) ?? 0) === 0)
      expect(await node.stop()).toMatchObject({ code: 0 })
      on.nodes[index] = await startNode({ ...on.env, ENCRYPTION_KEY: list })
      serving[index] = on.nodes[index]
    },
    /** The new key seals from now on, on all nodes. */
    async rotate() {
      const run = keywright({ ...on.env, ENCRYPTION_KEY: [N, O].join(',') })
      expect((await run('encryption-key list')).keys).toMatchObject([{ state: 'unused' }, { state: 'current' }])
      expect((await run('encryption-key rotate')).keys[0]).toMatchObject({ state: 'current', held: true, nodes: 2 })
    },
    list: async () => (await keywright({ ...on.env, ENCRYPTION_KEY: [N, O].join(',') })('encryption-key list')).keys,
  }
}

type Balancer = ReturnType<typeof balancer>

/** A browser whose requests go to any node with the same cookies, signed in once. */
function openTraveller(lb: Balancer, person: Person, seed: number) {
  const { cookies } = openBrowser(on.nodes[0]!.url)
  let round = seed
  /** One request, or a few that redirects lead to, at one node. */
  const at = <T>(use: (browser: ReturnType<typeof openBrowser>) => Promise<T>): Promise<T> =>
    lb.ask(round++, async (node) => {
      const browser = openBrowser(node.url)
      for (const [name, value] of cookies) browser.cookies.set(name, value)
      const result = await use(browser)
      cookies.clear()
      for (const [name, value] of browser.cookies) cookies.set(name, value)
      return result
    })
  return {
    signIn: () => at(async (browser) => signIn(browser, await browser.visit('/signin'), person.email, PASSWORD)),
    /** A code without a page for sign-in: the session is still there. Redeemed at another node. */
    async connect(): Promise<Answer> {
      const { verifier, form } = authorizationOf(application)
      const page = await at((browser) => browser.visit(linkOf({ ...form, scope: 'openid read' })))
      return await lb.ask(round++, (node) =>
        node.token(redemptionOf({ code: codeOf(page), verifier }), { basic: application }),
      )
    },
  }
}

/** Sign-ins, codes, machine tokens and refreshes without a pause while `change` is made; all that was answered. */
async function underLoad(change: (lb: Balancer) => Promise<void>): Promise<Answer[]> {
  const lb = balancer()
  const travellers = people.map((person, n) => openTraveller(lb, person, n))
  for (const traveller of travellers) await traveller.signIn()
  const held: string[] = []
  const ask = async (loop: number, round: number): Promise<Answer> => {
    if (loop < 3) return await travellers[loop]!.connect()
    return await lb.ask(loop + round, async (node) => {
      const form = { grant_type: 'refresh_token', refresh_token: held[loop]! }
      const answer = await (held[loop] ? node.token(form, { basic: machine }) : node.machineToken(machine))
      held[loop] = answer.body.refresh_token
      return answer
    })
  }
  const storm = startLoad(6, ask, { pause: 500 })
  await storm.reached(20)
  await change(lb)
  const answers = await storm.stop()
  for (const n of [0, 1]) expect(await readiness(on.nodes[n]!)).toBe(200)
  return answers
}

const failed = (answers: Answer[]) => answers.filter(({ status }) => status !== 200).map(({ text }) => text)

/** Signing keys, the audit log and whatever else only starts now and then must work on with each step. */
async function expectAbleToMakeKeys(list: string): Promise<void> {
  const cli = keywright({ ...on.env, ENCRYPTION_KEY: list })
  await cli('signing-key rotate')
  expect(await cli('audit verify')).toMatchObject({ verified: true })
}

describe('while nodes take requests', () => {
  beforeEach(async () => {
    await startWithOldKey(2)
    people = await Promise.all([0, 1, 2].map(() => on.make.person()))
  })

  afterEach(() => on?.stop())

  test('a rollout of N,O and then N fails no request and loses no session', { timeout: 400_000 }, async () => {
    const answers = await underLoad(async (lb) => {
      await lb.restart(1, `${N},${O}`)
      await expectAbleToMakeKeys(`${N},${O}`)
      expect(await readiness(on.nodes[0]!)).toBe(200)
      await lb.restart(0, `${N},${O}`)
      await lb.rotate()
      expect(await lb.list()).toMatchObject([{ state: 'current' }, { state: 'unused', values: 0 }])
      await lb.restart(0, N)
      await lb.restart(1, N)
      await expectAbleToMakeKeys(N)
    })
    expect(failed(answers)).toEqual([])
  })

  test('a rollout of O,N, then N,O, then N fails no request and loses no session', { timeout: 400_000 }, async () => {
    const answers = await underLoad(async (lb) => {
      for (const n of [0, 1]) await lb.restart(n, `${O},${N}`)
      await lb.restart(0, `${N},${O}`)
      await expectAbleToMakeKeys(`${N},${O}`)
      // Already before every node has the new list: each of them holds the new key.
      await lb.rotate()
      await lb.restart(1, `${N},${O}`)
      for (const n of [1, 0]) await lb.restart(n, N)
      await expectAbleToMakeKeys(N)
    })
    expect(failed(answers)).toEqual([])
  })
})

/** One after the other on the same nodes: the second test rotates. */
describe('while one node lacks the new key', () => {
  beforeAll(async () => {
    await startWithOldKey(1)
    on.nodes.push(await startNode({ ...on.env, ENCRYPTION_KEY: `${N},${O}` }))
  })

  afterAll(() => on?.stop())

  test('a rotation is refused while a node lacks the new key, and names that node', async () => {
    const node = on.nodes[0]!
    const run = await runCli(['encryption-key', 'rotate', '--json'], { ...on.env, ENCRYPTION_KEY: `${N},${O}` })
    expect(run.code).toBe(1)
    expect(run.stderr).toContain(`(pid ${node.pid})`)
    expect(run.stderr).not.toContain(`(pid ${on.nodes[1]!.pid})`)
    for (const one of on.nodes) expect(await readiness(one)).toBe(200)
  })

  test('a node that lacks the key in use is not ready and says why; it signs with what it has opened and answers 503 for the rest', async () => {
    const [old, newer] = [on.nodes[0]!, on.nodes[1]!]
    const cli = keywright({ ...on.env, ENCRYPTION_KEY: `${N},${O}` })
    await cli('encryption-key rotate --force')
    await until(async () => (await readiness(old)) === 503)
    await old.says(/"level":"error".*"check":"keys".*ENCRYPTION_KEY lacks the key that seals this database now/)
    expect(await readiness(newer)).toBe(200)
    for (let n = 0; n < 3; n++) expect((await old.machineToken(machine)).status).toBe(200)
    const { form } = authorizationOf(application)
    const started = await fetch(newer.url + linkOf(form), { redirect: 'manual' })
    const cookies = started.headers.getSetCookie().map((one) => one.split(';')[0])
    const interaction = new URL(started.headers.get('location')!, old.url)
    expect((await send(interaction.href, { headers: { cookie: cookies.join('; ') } })).status).toBe(503)
    // An algorithm whose keys it never opened.
    await cli('api create --identifier https://ps256.example.com --scopes read --alg PS256')
    const own = await on.make.client(['https://ps256.example.com'])
    expect((await newer.machineToken(own)).status).toBe(200)
    expect(await old.machineToken(own)).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
  })

  test('after a rotation a start with the earlier key alone is refused with a sentence', async () => {
    const server = launchServer({ ...on.env, ENCRYPTION_KEY: O })
    expect(await server.ended).toMatchObject({ code: 1 })
    expect(server.stderr()).toMatch(/^keywright: ENCRYPTION_KEY (lacks|holds none)[^\n]*; add [^\n]*$/m)
    expect(server.stderr()).not.toContain('    at ')
  })
})
