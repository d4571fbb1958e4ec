/**
 * A token that a service obtained for a user or an account that it named ends with what allowed it: the service's own token, its
 * registration and policy, and the user, the membership and the account. On every node at once, for resource servers that verify offline,
 * and also while the service obtains more of them.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { addMembership } from '../../src/accounts/membership-changes.ts'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { TOKEN_EXCHANGE_GRANT } from '../../src/clients/grant-types.ts'
import { changeAccountApi, changeAccountStatus } from '../../src/management/account-changes.ts'
import { startAccountDeletion } from '../../src/management/account-deletion.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { endMembership } from '../../src/management/membership-end.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { startUserDeletion } from '../../src/management/user-deletion.ts'
import { offboard } from '../../src/management/user-offboarding.ts'
import { revokeToken, revokeTokensOfClient, revokeTokensOfUser } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { startLoad, until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { createOfflineVerifiers, type OfflineVerifiers } from '../support/offline-verifiers.ts'
import { type Answer, type Credentials, claimsOf } from '../support/requests.ts'
import type { Person } from '../support/test-users.ts'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

let on: Nodes
let api: Credentials & { identifier: string }
let offline: OfflineVerifiers

beforeAll(async () => {
  on = await startNodes(2)
  api = await on.make.api()
  offline = createOfflineVerifiers(on, api)
})
afterEach(() => offline.close())
afterAll(async () => await on.stop())

interface Scene {
  readonly account: string
  /** Another one of the user. */
  readonly other: string
  readonly person: Person
  readonly service: Credentials & { clientId: string }
  /** The service's own. */
  readonly own: string
}

const exchange = ({ service, own }: Scene, n: number, named: Record<string, string>): Promise<Answer> =>
  on.nodes[n % 2]!.token(
    { grant_type: TOKEN_EXCHANGE_GRANT, subject_token: own, subject_token_type: ACCESS_TOKEN, ...named },
    { basic: service },
  )

const obtain = (scene: Scene, n = 0): Promise<Answer> =>
  exchange(scene, n, { requested_subject: scene.person.id, requested_account: scene.account })

const obtainForAccount = (scene: Scene, n = 0): Promise<Answer> =>
  exchange(scene, n, { requested_account: scene.account })

/** The own token of a service: it acts for no user. */
async function ownToken(service: Credentials, n: number): Promise<string> {
  const { status, text, body } = await on.nodes[n]!.machineToken(service)
  if (status !== 200) throw new Error(text)
  return body.access_token
}

async function createScene(more: Partial<ClientSettings> = {}): Promise<Scene> {
  const account = await on.make.account()
  const other = await on.make.account()
  const person = await on.make.person(account)
  await on.knex.transaction((trx) => addMembership(trx, { userId: person.id, accountId: other, role: 'member' }, ACTOR))
  const settings = {
    grants: ['client_credentials', TOKEN_EXCHANGE_GRANT],
    exchangeAccounts: [account, other],
    exchangeWithoutUser: [account, other],
    exchangeScopes: ['read', 'write'],
    ...more,
  }
  const service = await on.make.client([api.identifier], settings)
  const own = await ownToken(service, 0)
  return { account, other, person, service, own }
}

/** By both nodes. */
const activeOf = (token: string): Promise<boolean[]> =>
  Promise.all(on.nodes.map(async (node) => (await node.introspect(token, api)).body.active))

type Change = (scene: Scene) => Promise<unknown>

const setTo =
  (settings: Partial<ClientSettings>): Change =>
  ({ service }) =>
    updateClient(on.knex, service.clientId, { settings }, ACTOR)

const disableUser: Change = ({ person }) => changeUserStatus(on.knex, person.id, 'disabled', ACTOR)

type Cause = [name: string, change: Change, settings?: Partial<ClientSettings>]

/** Of tokens for users alone. */
const OF_USERS: Cause[] = [
  [
    'the membership ended',
    ({ person, account }) =>
      on.knex.transaction((trx) => endMembership(trx, { userId: person.id, accountId: account }, ACTOR)),
  ],
  [
    'the membership was disabled',
    ({ person, account }) => changeUserStatus(on.knex, person.id, 'disabled', ACTOR, { accountId: account }),
  ],
  ['the user was disabled', disableUser],
  [
    'the user was deleted',
    async (scene) => {
      await disableUser(scene)
      await startUserDeletion(on.knex, scene.person.id, ACTOR)
    },
  ],
  ['the user was off-boarded', ({ person }) => offboard(on.knex, person.id, ACTOR)],
  ['the tokens of the user were revoked', ({ person }) => revokeTokensOfUser(on.knex, person.id, ACTOR)],
  ['the service may not act for users any more', setTo({ exchangeAccounts: null })],
  [
    'the service may act for users of the other account only',
    ({ service, other }) => updateClient(on.knex, service.clientId, { settings: { exchangeAccounts: [other] } }, ACTOR),
  ],
]

/** Of tokens for accounts alone. */
const OF_ACCOUNTS: Cause[] = [
  ['the API of the account was disabled', ({ account }) => changeAccountApi(on.knex, account, false, ACTOR)],
  ['the service may not act for accounts any more', setTo({ exchangeWithoutUser: null })],
  [
    'the service may act for the other account only',
    ({ service, other }) =>
      updateClient(on.knex, service.clientId, { settings: { exchangeWithoutUser: [other] } }, ACTOR),
  ],
]

const OF_BOTH: Cause[] = [
  ['the account was disabled', ({ account }) => changeAccountStatus(on.knex, account, 'disabled', ACTOR)],
  [
    'the account was deleted',
    async ({ account }) => {
      await changeAccountStatus(on.knex, account, 'disabled', ACTOR)
      await startAccountDeletion(on.knex, account, ACTOR)
    },
  ],
  ['the own token of the service was revoked', ({ own }) => revokeToken(on.knex, String(claimsOf(own).jti), ACTOR)],
  [
    'the service got a newer own token under the policy single',
    ({ service }) => ownToken(service, 1),
    { policy: 'single' },
  ],
  ['the tokens of the service were revoked', ({ service }) => revokeTokensOfClient(on.knex, service.clientId, ACTOR)],
  ['the secret of the service was replaced', ({ service }) => rotateSecret(on.knex, service.clientId, 0, ACTOR)],
  ['the service was archived', ({ service }) => changeClientStatus(on.knex, service.clientId, 'archived', ACTOR)],
  ['the service may obtain fewer scopes', setTo({ exchangeScopes: ['read'] })],
  ['the service lost the grant type', setTo({ grants: ['client_credentials'] })],
]

type Obtain = typeof obtain

type CauseOfTokens = [what: string, name: string, obtains: Obtain[], change: Change, settings?: Partial<ClientSettings>]

const withSubjects =
  (what: string, obtains: Obtain[]) =>
  ([name, ...rest]: Cause): CauseOfTokens => [what, name, obtains, ...rest]

const CAUSES: CauseOfTokens[] = [
  ...OF_USERS.map(withSubjects('users', [obtain])),
  ...OF_ACCOUNTS.map(withSubjects('accounts', [obtainForAccount])),
  ...OF_BOTH.map(withSubjects('users and accounts', [obtain, obtainForAccount])),
]

test.each(CAUSES)('tokens for named %s end when %s', async (_what, _name, obtains, change, settings) => {
  const scene = await createScene(settings)
  const verifiers = [offline.open(0), offline.open(1)]
  const answers = await Promise.all(obtains.map((one, n) => one(scene, n)))
  expect(answers.map(({ status }) => status)).toEqual(obtains.map(() => 200))
  const tokens = answers.map(({ body }) => body.access_token as string)
  const active = async () => (await Promise.all(tokens.map(activeOf))).flat()
  const verdicts = () =>
    Promise.all(tokens.flatMap((token) => verifiers.map((verifier) => offline.verdict(verifier, token))))
  expect(new Set(await active())).toEqual(new Set([true]))
  expect(new Set(await verdicts())).toEqual(new Set(['accepted']))
  await change(scene)
  expect(new Set(await active())).toEqual(new Set([false]))
  await until(async () => (await verdicts()).every((one) => one === 'token_revoked'))
})

test('more accounts in the policy, and the end of another membership, end none', async () => {
  const scene = await createScene()
  const answers = [await obtain(scene), await obtainForAccount(scene)]
  await setTo({ exchangeAccounts: ['any'], exchangeWithoutUser: ['any'] })(scene)
  await on.knex.transaction((trx) => endMembership(trx, { userId: scene.person.id, accountId: scene.other }, ACTOR))
  for (const { body } of answers) expect(await activeOf(body.access_token)).toEqual([true, true])
})

const RACING = new Set([
  'the membership ended',
  'the user was disabled',
  'the account was disabled',
  'the API of the account was disabled',
  'the own token of the service was revoked',
  'the service may act for users of the other account only',
  'the service may act for the other account only',
])

const RACES = CAUSES.filter(([, name]) => RACING.has(name))

test.each(RACES)(
  'services obtain tokens for %s from both nodes while %s',
  async (_what, _name, obtains, change, settings) => {
    const scene = await createScene(settings)
    const load = startLoad(6, (loop, round) => obtains[round % obtains.length]!(scene, loop + round))
    await load.reached(24)
    await change(scene)
    await load.next(12)
    const answers = await load.stop()
    const issued = answers.filter(({ status }) => status === 200).map(({ body }) => body.access_token as string)
    const refused = answers.filter(({ status }) => status !== 200)
    expect(issued.length).toBeGreaterThan(10)
    expect(new Set(refused.map(({ status, body }) => `${status} ${body.error}`))).toEqual(
      new Set(['400 invalid_request']),
    )
    expect((await Promise.all(issued.map(activeOf))).flat()).not.toContain(true)
  },
)
