/** Replaced means dead, where people signed in: whatever ends what an application holds in somebody's name. */
import { beforeAll, expect, test } from 'vitest'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { withdrawConsent } from '../../src/consents/consents.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { changeApiEnabled } from '../../src/management/instance-changes.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { revokeTokensOfClient, revokeTokensOfUser } from '../../src/tokens/revocation.ts'
import { keywright } from '../support/cli-in-process.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, startLoad, together, until } from '../support/load.ts'
import { awaitedLocks } from '../support/lock-waits.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import { createRandom } from '../support/random.ts'
import { type Answer, type Credentials, claimsOf, type FormData } from '../support/requests.ts'
import {
  openSignedInBrowser,
  type ReceivedCode,
  redemptionOf,
  type SignedInBrowser,
} from '../support/signed-in-browsers.ts'
import type { Person } from '../support/test-users.ts'

let on: SharedNodes
let api: Credentials & { identifier: string }

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
})

const random = createRandom(20_261_122)

/** Somebody of one account, and an application of another. */
interface Scene {
  readonly appAccount: string
  readonly account: string
  readonly person: Person
  app: Credentials & { clientId: string }
}

async function createScene(settings: Partial<ClientSettings> = {}): Promise<Scene> {
  const [appAccount, account] = [await on.make.account(), await on.make.account()]
  const app = await on.make.application([api.identifier], settings, appAccount)
  return { appAccount, account, app, person: await on.make.person(account) }
}

/** When the code was asked for and had, by a person who followed a link, on which a redemption rests. */
interface Basis {
  readonly asked: number
  readonly had: number
}

interface Redeemed extends Basis {
  readonly at: number
  readonly answer: Answer
}

const refreshing = (token: string): FormData => ({ grant_type: 'refresh_token', refresh_token: token })
const ok = ({ answer }: Redeemed) => answer.status === 200

async function redeem(app: Credentials, form: FormData, n: number, basis = { asked: 0, had: 0 }): Promise<Redeemed> {
  const at = performance.now()
  return { ...basis, at, answer: await on.nodes[n % 2]!.token(form, { basic: app }) }
}

type IssuedCode = ReceivedCode & Basis

/** Undefined where the link led to a page. */
async function takeCode(visitor: SignedInBrowser, app: Credentials): Promise<IssuedCode | undefined> {
  const asked = performance.now()
  const { page, verifier } = await visitor.follow(app)
  const code = page.left?.searchParams.get('code')
  return code ? { code, verifier, asked, had: performance.now() } : undefined
}

/** Four loops redeem new codes, four go on refreshing; alternating between both nodes, with what the application had at first. */
function stormOf(visitor: SignedInBrowser, app: Credentials) {
  const families: ((Basis & { token: string }) | undefined)[] = []
  const storm = startLoad<Redeemed | undefined>(8, async (loop, round) => {
    const family = loop < 4 ? families[loop] : undefined
    const code = family ? undefined : await takeCode(visitor, app)
    if (!family && !code) return undefined
    const form = family ? refreshing(family.token) : redemptionOf(code!)
    const { asked, had } = (family ?? code)!
    const redeemed = await redeem(app, form, loop + round, { asked, had })
    const token = redeemed.answer.body.refresh_token
    families[loop] = token && { asked, had, token }
    return redeemed
  })
  return { ...storm, stop: async () => (await storm.stop()).filter((one) => one !== undefined) }
}

type Change = (scene: Scene) => Promise<unknown>

interface Case {
  readonly change: Change
  /** What makes it possible to get new ones. */
  readonly restore?: Change
  /** New ones are to be had at once, so that a link which was followed meanwhile may lead to them. */
  readonly goesOn?: true
  readonly settings?: Partial<ClientSettings>
}

const CASES: [string, Case][] = [
  [
    'the consent was withdrawn',
    {
      change: ({ person, app }) => withdrawConsent(on.knex, { userId: person.id, clientId: app.clientId }, ACTOR),
      settings: { consent: 'show' },
    },
  ],
  [
    'the person was disabled',
    {
      change: ({ person }) => changeUserStatus(on.knex, person.id, 'disabled', ACTOR),
      restore: ({ person }) => changeUserStatus(on.knex, person.id, 'active', ACTOR),
    },
  ],
  [
    'the account of the person was switched off',
    {
      change: ({ account }) => changeAccountStatus(on.knex, account, 'disabled', ACTOR),
      restore: ({ account }) => changeAccountStatus(on.knex, account, 'active', ACTOR),
    },
  ],
  [
    'the account of the application was switched off',
    {
      change: ({ appAccount }) => changeAccountStatus(on.knex, appAccount, 'disabled', ACTOR),
      restore: ({ appAccount }) => changeAccountStatus(on.knex, appAccount, 'active', ACTOR),
    },
  ],
  [
    'the API of the whole instance was switched off',
    {
      change: () => changeApiEnabled(on.knex, false, ACTOR),
      restore: () => changeApiEnabled(on.knex, true, ACTOR),
    },
  ],
  [
    'the application was archived',
    {
      change: ({ app }) => changeClientStatus(on.knex, app.clientId, 'archived', ACTOR),
      restore: ({ app }) => changeClientStatus(on.knex, app.clientId, 'active', ACTOR),
    },
  ],
  [
    'its secret was rotated without overlap',
    {
      async change(scene) {
        const { clientSecret } = await rotateSecret(on.knex, scene.app.clientId, 0, ACTOR)
        scene.app = { ...scene.app, clientSecret: clientSecret! }
      },
    },
  ],
  ["the person's tokens were revoked", { change: ({ person }) => revokeTokensOfUser(on.knex, person.id, ACTOR) }],
  [
    "the application's tokens were revoked",
    { change: ({ app }) => revokeTokensOfClient(on.knex, app.clientId, ACTOR), goesOn: true },
  ],
]

/** Nothing of before is worth anything, at any node. */
async function expectDead(scene: Scene, before: Redeemed[], codes: IssuedCode[]): Promise<void> {
  const tokens = before.filter(ok).map(({ answer }) => answer.body.access_token)
  expect((await activeAmong(on.nodes, tokens, api)).length).toBe(0)
  const refreshTokens = before.filter(ok).map(({ answer }) => answer.body.refresh_token)
  const forms = [...refreshTokens.slice(-8).map(refreshing), ...codes.map(redemptionOf)]
  const answers = await together(forms.length * 2, (n) => redeem(scene.app, forms[n >> 1]!, n))
  expect(answers.filter(ok).map(({ at }) => at)).toEqual([])
  for (const { answer } of answers) expect([400, 401], answer.text).toContain(answer.status)
}

/** Somebody signed in at that node, who has allowed the application what it asks for. */
async function arrive({ person, app }: Scene, n: number): Promise<SignedInBrowser> {
  const visitor = await openSignedInBrowser(on.nodes[n % 2]!, person)
  const { page } = await visitor.follow(app)
  if (!page.left) await visitor.submit(page, /allow$/)
  return visitor
}

test.each(CASES.map(([name, one], n) => [name, one, n] as const))(
  'once %s, nothing that was obtained before is worth anything, in a storm too',
  async (_, one, n) => {
    const scene = await createScene(one.settings)
    const visitor = await arrive(scene, n)
    const codes = await together(4, async () => (await takeCode(visitor, scene.app))!)
    const storm = stormOf(visitor, scene.app)
    await storm.reached(8 + random.below(16))
    const calledAt = performance.now()
    await one.change(scene)
    const answeredAt = performance.now()
    await expectDead(scene, [], codes.slice(2))
    await storm.reached(36)
    const all = await storm.stop()
    const before = all.filter(({ asked, had }) => (one.goesOn ? had <= calledAt : asked <= answeredAt))
    const late = before.filter((redeemed) => redeemed.at > answeredAt && ok(redeemed))
    expect(late.map(({ asked, had, at }) => ({ asked, had, answeredAt, at }))).toEqual([])
    expect(before.filter(ok).length).toBeGreaterThan(4)
    await expectDead(scene, before, codes.slice(0, 1))
    await one.restore?.(scene)
    await expectDead(scene, before, codes)
    const again = await arrive(scene, n + 1)
    const { answer } = await redeem(scene.app, redemptionOf(await again.code(scene.app)), n)
    expect(answer.status, answer.text).toBe(200)
    expect(await activeAmong(on.nodes, [answer.body.access_token], api)).toHaveLength(1)
    expect((await redeem(scene.app, refreshing(answer.body.refresh_token), n + 1)).answer.status).toBe(200)
  },
)

test.each(CASES)('once %s, a link that was being followed leads to nothing', async (_, one) => {
  const scene = await createScene(one.settings)
  const visitor = await arrive(scene, 0)
  const holding = await on.knex.transaction()
  // Everything may be read, and no code be written down.
  await holding.raw('LOCK TABLE engine_models IN SHARE MODE')
  const following = takeCode(visitor, scene.app)
  await until(async () => (await awaitedLocks(on.knex).where({ mode: 'RowExclusiveLock' })).length > 0)
  await one.change(scene)
  await holding.commit()
  const code = await following
  await one.restore?.(scene)
  for (const n of code ? [0, 1] : []) {
    expect((await redeem(scene.app, redemptionOf(code!), n)).answer).toMatchObject({ status: 400 })
  }
})

test('what ends one thing leaves the others alone', async () => {
  const scene = await createScene()
  const [other, neighbour] = [await on.make.application([api.identifier]), await on.make.person(scene.account)]
  const mine = await openSignedInBrowser(on.nodes[0]!, scene.person)
  const theirs = await openSignedInBrowser(on.nodes[1]!, neighbour)
  const begin = async (visitor: SignedInBrowser, app: Credentials) =>
    (await redeem(app, redemptionOf(await visitor.code(app)), 0)).answer.body
  const gone = await begin(mine, scene.app)
  const stay = [await begin(mine, other), await begin(theirs, scene.app)]
  await withdrawConsent(on.knex, { userId: scene.person.id, clientId: scene.app.clientId }, ACTOR)
  const tokens = [gone, ...stay].map(({ access_token }) => access_token)
  expect(await activeAmong(on.nodes, tokens, api)).toEqual(tokens.slice(1))
  expect((await redeem(other, refreshing(stay[0].refresh_token), 1)).answer.status).toBe(200)
  expect((await redeem(scene.app, refreshing(stay[1].refresh_token), 1)).answer.status).toBe(200)
})

test('the command line ends them too, and says how many', async () => {
  const { person, app } = await createScene()
  const visitor = await openSignedInBrowser(on.nodes[0]!, person)
  const cli = keywright(on.env)
  for (const command of [`token revoke --user ${person.email}`, `token revoke --client ${app.clientId}`]) {
    // A revocation of what is a person's ends their sessions.
    const present = command.includes('--user') ? visitor : await openSignedInBrowser(on.nodes[0]!, person)
    const { answer } = await redeem(app, redemptionOf(await present.code(app)), 0)
    const late = await present.code(app)
    expect(await cli(command)).toEqual({ revoked: 1 })
    expect(await activeAmong(on.nodes, [answer.body.access_token], api)).toEqual([])
    for (const form of [refreshing(answer.body.refresh_token), redemptionOf(late)]) {
      expect((await redeem(app, form, 1)).answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    }
  }
})

test('a session that was signed out stays so, though a request that had begun before comes to its end after', async () => {
  const { person, app } = await createScene()
  const visitor = await openSignedInBrowser(on.nodes[0]!, person)
  await visitor.code(app)
  const session = [...visitor.cookies].find(([name]) => name.includes('kw_session'))!
  const holding = await on.knex.transaction()
  // The request that reads the consent waits, and has read the session already.
  await holding.raw('LOCK TABLE consents IN ACCESS EXCLUSIVE MODE')
  const under = visitor.follow(app)
  const home = await visitor.visit('/')
  await visitor.submit(home, /signout$/)
  await holding.commit()
  await under
  visitor.cookies.set(...session)
  const { page } = await visitor.follow(app)
  expect(page.left).toBeUndefined()
  expect(page.text).toContain('Sign in')
})

test('a token of a person names them, not the application', async () => {
  const { person, app } = await createScene()
  const visitor = await openSignedInBrowser(on.nodes[0]!, person)
  const { answer } = await redeem(app, redemptionOf(await visitor.code(app)), 1)
  expect(claimsOf(answer.body.access_token)).toMatchObject({ sub: person.id, client_id: app.clientId })
})
