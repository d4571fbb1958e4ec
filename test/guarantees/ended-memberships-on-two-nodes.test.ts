/**
 * Replaced means dead, by account: once a membership ended, nothing that acts for that account is worth anything, and what its user
 * holds for another account goes on. Nothing ever moves from one account to the other.
 */
import { beforeAll, expect, test } from 'vitest'
import { addMembership } from '../../src/accounts/membership-changes.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { changeUserStatus, removeMember } from '../../src/management/user-changes.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, startLoad, together, until } from '../support/load.ts'
import { awaitedLocks } from '../support/lock-waits.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
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

/** Somebody of two accounts, and an application of a third. */
interface Scene {
  readonly first: string
  readonly second: string
  readonly person: Person
  readonly visitor: SignedInBrowser
  readonly app: Credentials & { clientId: string }
}

async function createScene(): Promise<Scene> {
  const [first, second] = [await on.make.account(), await on.make.account()]
  const person = await on.make.person(first)
  await on.knex.transaction((trx) =>
    addMembership(trx, { userId: person.id, accountId: second, role: 'member' }, ACTOR),
  )
  const app = await on.make.application([api.identifier], {}, await on.make.account())
  return { first, second, person, app, visitor: await openSignedInBrowser(on.nodes[0]!, person) }
}

const refreshing = (token: string): FormData => ({ grant_type: 'refresh_token', refresh_token: token })

const codeFor = ({ visitor, app }: Scene, account: string): Promise<ReceivedCode> =>
  visitor.code(app, { account_id: account })

const send = ({ app }: Scene, form: FormData, n: number): Promise<Answer> =>
  on.nodes[n % 2]!.token(form, { basic: app })

async function redeem(scene: Scene, account: string, n = 0): Promise<Answer['body']> {
  const answer = await send(scene, redemptionOf(await codeFor(scene, account)), n)
  expect(answer.status, answer.text).toBe(200)
  return answer.body
}

const accountOf = (token: string): unknown => claimsOf(token).account_id

type Change = (scene: Scene, account: string) => Promise<unknown>

const ENDINGS: readonly (readonly [string, Change])[] = [
  [
    'a membership was removed',
    ({ person }, accountId) => removeMember(on.knex, { userId: person.id, accountId }, ACTOR),
  ],
  [
    'a membership was disabled',
    ({ person }, accountId) => changeUserStatus(on.knex, person.id, 'disabled', ACTOR, { accountId }),
  ],
  ['an account was disabled', (_, account) => changeAccountStatus(on.knex, account, 'disabled', ACTOR)],
]

const CASES = ENDINGS.flatMap(([name, end]) =>
  (['second', 'first'] as const).map((which) => [`${name}, the ${which} one`, which, end] as const),
)

/** Redeems codes and goes on refreshing, alternating between the nodes. */
function stormOf(scene: Scene, account: string) {
  const present: (string | undefined)[] = []
  return startLoad(6, async (loop, round) => {
    const token = loop < 3 ? present[loop] : undefined
    const { page, verifier } = token
      ? { page: undefined, verifier: '' }
      : await scene.visitor.follow(scene.app, { account_id: account })
    const code = page?.left?.searchParams.get('code')
    if (!token && !code) return undefined
    const at = performance.now()
    const answer = await send(scene, token ? refreshing(token) : redemptionOf({ code: code!, verifier }), loop + round)
    present[loop] = answer.status === 200 ? answer.body.refresh_token : undefined
    return { at, answer }
  })
}

test.each(CASES)(
  'once %s, nothing that acts for it works, in a storm too, and the rest does',
  async (_, which, end) => {
    const scene = await createScene()
    const [ended, kept] = which === 'second' ? [scene.second, scene.first] : [scene.first, scene.second]
    const other = await redeem(scene, kept)
    const late = [await codeFor(scene, ended), await codeFor(scene, ended)]
    const storm = stormOf(scene, ended)
    await storm.reached(12)
    await end(scene, ended)
    const answeredAt = performance.now()
    await storm.reached(24)
    const all = (await storm.stop()).filter((one) => one !== undefined)
    const issued = all.filter(({ answer }) => answer.status === 200)
    expect(issued.length).toBeGreaterThan(3)
    expect(issued.filter(({ at }) => at > answeredAt)).toEqual([])
    expect(new Set(issued.map(({ answer }) => accountOf(answer.body.access_token)))).toEqual(new Set([ended]))
    const tokens = issued.map(({ answer }) => answer.body.access_token)
    expect(await activeAmong(on.nodes, [...tokens, other.access_token], api)).toEqual([other.access_token])
    const forms = [
      ...issued.slice(-6).map(({ answer }) => refreshing(answer.body.refresh_token)),
      ...late.map(redemptionOf),
    ]
    const answers = await together(forms.length, (n) => send(scene, forms[n]!, n))
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(forms.map(() => [400, 'invalid_grant']))
    const refreshed = await send(scene, refreshing(other.refresh_token), 1)
    expect([refreshed.status, accountOf(refreshed.body.access_token)]).toEqual([200, kept])
  },
)

test.each(['a code', 'a refresh token'])(
  '%s that is being redeemed while the membership ends leads to nothing',
  async (what) => {
    const scene = await createScene()
    const { refresh_token } = await redeem(scene, scene.second)
    const form = what === 'a code' ? redemptionOf(await codeFor(scene, scene.second)) : refreshing(refresh_token)
    const holding = await on.knex.transaction()
    // The redemption has taken its locks, and waits to record the token.
    await holding.raw('LOCK TABLE access_tokens IN EXCLUSIVE MODE')
    const redeeming = send(scene, form, 1)
    await until(async () => (await awaitedLocks(on.knex).where({ mode: 'RowExclusiveLock' })).length > 0)
    const removing = removeMember(on.knex, { userId: scene.person.id, accountId: scene.second }, ACTOR)
    await until(async () => (await awaitedLocks(on.knex).where({ locktype: 'advisory' })).length > 0)
    await holding.commit()
    const answer = await redeeming
    await removing
    const tokens = answer.status === 200 ? [answer.body.access_token] : []
    expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
    for (const again of [form, ...tokens.map(() => refreshing(answer.body.refresh_token))]) {
      expect((await send(scene, again, 0)).status).toBe(400)
    }
  },
)

test('a user who joins the account again has to allow again, and former codes and tokens stay dead', async () => {
  const scene = await createScene()
  const former = await redeem(scene, scene.second)
  const code = await codeFor(scene, scene.second)
  const key = { userId: scene.person.id, accountId: scene.second }
  await removeMember(on.knex, key, ACTOR)
  await on.knex.transaction((trx) => addMembership(trx, { ...key, role: 'member' }, ACTOR))
  for (const form of [refreshing(former.refresh_token), redemptionOf(code)]) {
    expect((await send(scene, form, 0)).status).toBe(400)
  }
  expect(await activeAmong(on.nodes, [former.access_token], api)).toEqual([])
  expect(accountOf((await redeem(scene, scene.second, 1)).access_token)).toBe(scene.second)
})
