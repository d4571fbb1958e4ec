/** Deletion under load: what was deleted works on no node, and no request fails with 500. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { verifyAudit } from '../../src/audit/audit-verification.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { archiveApplication } from '../../src/management/application-operations.ts'
import { deleteAccount, deleteApplication, deleteUser } from '../../src/management/deletion-operations.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { operator } from '../management/principals.ts'
import { keysOf } from '../support/encryption-key.ts'
import { ACTOR } from '../support/factory.ts'
import { activeAmong, startLoad, until } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import type { Answer, Credentials } from '../support/requests.ts'
import { openSignedInBrowser, redemptionOf } from '../support/signed-in-browsers.ts'
import { type Feed, openFeed, revokedInLists } from '../support/status.ts'

let on: SharedNodes
let api: Credentials & { identifier: string }
let feed: Feed

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
  feed = await openFeed(on.nodes[1]!, api)
})
afterAll(() => feed?.close())

const management = () => ({ knex: on.knex, encryptionKeys: keysOf(on.env.ENCRYPTION_KEY!) })

const tokensIn = (answers: readonly Answer[]) =>
  answers.filter(({ status }) => status === 200).map(({ body }) => body.access_token as string)

/** Introspection of both nodes, the lists of both and the feed say that the tokens are revoked. */
async function expectEnded(tokens: readonly string[]): Promise<void> {
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
  const some = tokens.slice(-20)
  await feed.reported([...some])
  await revokedInLists(on.nodes, some)
}

test('an application is archived and deleted under load: its tokens are inactive on both nodes, in the lists and in the feed', async () => {
  const client = await on.make.client([api.identifier])
  const load = startLoad(4, (loop) => on.nodes[loop % 2]!.machineToken(client))
  await load.reached(20)
  await archiveApplication(management(), operator, client)
  expect(await deleteApplication(management(), operator, client)).toBe('deleted')
  await load.next(20)
  const answers = await load.stop()
  expect([...new Set(answers.map(({ status }) => status))].sort()).toEqual([200, 401])
  const tokens = tokensIn(answers)
  await expectEnded(tokens)
  // A list that was signed before is not all that remembers them.
  await on.knex('cached_list_tokens').delete()
  await expectEnded(tokens)
})

test('an application of users is deleted while they redeem refresh tokens: each is refused, and no request fails', async () => {
  const client = await on.make.application([api.identifier], { refreshTokenRotation: true })
  const visitor = await openSignedInBrowser(on.nodes[0]!, await on.make.person())
  const first = await on.nodes[0]!.token(redemptionOf(await visitor.code(client)), { basic: client })
  let refreshToken: string = first.body.refresh_token
  const load = startLoad(1, async (_, round) => {
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    const answer = await on.nodes[round % 2]!.token(form, { basic: client })
    refreshToken = answer.body.refresh_token ?? refreshToken
    return answer
  })
  await load.reached(5)
  await archiveApplication(management(), operator, client)
  await deleteApplication(management(), operator, client)
  await load.next(5)
  const answers = await load.stop()
  expect(answers.filter(({ status }) => status >= 500)).toEqual([])
  expect(answers.at(-1)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  await expectEnded([first.body.access_token, ...tokensIn(answers)])
  const { page } = await visitor.follow(client)
  expect(page.status).toBe(400)
})

const isGone = (table: string, id: string) => async () => (await on.knex(table).where({ id })).length === 0

test('a user and an account are deleted under load by the job: their tokens end on both nodes, and the audit chain verifies', async () => {
  const account = await on.make.account()
  const person = await on.make.person(account)
  const owner = await on.make.user(account)
  const pair = await on.make.keyPair(owner.id, [api.identifier])
  const own = await on.make.client([api.identifier], {}, account)
  const app = await on.make.application([api.identifier])
  const visitor = await openSignedInBrowser(on.nodes[1]!, person)
  const delegated = await on.nodes[0]!.token(redemptionOf(await visitor.code(app)), { basic: app })
  const load = startLoad(2, (loop, round) => on.nodes[loop % 2]!.machineToken((loop + round) % 3 === 0 ? pair : own))
  await load.reached(6)
  await changeUserStatus(on.knex, person.id, 'disabled', ACTOR)
  expect(await deleteUser(management(), operator, { userId: person.id })).toBe('deleting')
  await changeAccountStatus(on.knex, account, 'disabled', ACTOR)
  expect(await deleteAccount(management(), operator, { accountId: account })).toBe('deleting')
  await until(isGone('accounts', account))
  expect(await isGone('users', person.id)()).toBe(true)
  await load.next(2)
  const answers = await load.stop()
  expect([...new Set(answers.map(({ status }) => status))].sort()).toEqual([200, 401])
  await expectEnded([delegated.body.access_token, ...tokensIn(answers)])
  expect((await visitor.visit('/account/applications')).text).not.toContain('Connected applications')
  expect((await verifyAudit(on.knex, management().encryptionKeys)).violations).toEqual([])
})
