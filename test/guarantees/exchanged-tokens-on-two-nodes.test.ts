/**
 * A token that was exchanged (RFC 8693) ends with what it depends on: on every node at once, and for resource servers that verify
 * offline, also over chains and while exchanges go on.
 */
import { decodeProtectedHeader } from 'jose'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { addMembership } from '../../src/accounts/membership-changes.ts'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { TOKEN_EXCHANGE_GRANT } from '../../src/clients/grant-types.ts'
import { withdrawConsent } from '../../src/consents/consents.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { endMembership } from '../../src/management/membership-end.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { revokeToken, revokeTokensOfClient, revokeTokensOfUser } from '../../src/tokens/revocation.ts'
import { keywright } from '../support/cli-in-process.ts'
import { ACTOR } from '../support/factory.ts'
import { startLoad, together, until } from '../support/load.ts'
import { type Nodes, startNodes } from '../support/nodes.ts'
import { createOfflineVerifiers, type OfflineVerifiers } from '../support/offline-verifiers.ts'
import { type Answer, type Credentials, claimsOf } from '../support/requests.ts'
import { openSignedInBrowser, redemptionOf } from '../support/signed-in-browsers.ts'
import type { Person } from '../support/test-users.ts'

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

type Client = Credentials & { clientId: string; clientSecret: string }

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
  readonly person: Person
  /** To which the user gave the subject token. */
  readonly application: Client
  /** Exchanges that. */
  readonly service: Client
  /** Exchanges what the service got. */
  readonly agent: Client
  /** The subject token, and what each of them got. */
  readonly tokens: readonly [string, string, string]
  /** Another subject token of the same user. */
  again(): Promise<string>
}

const exchanging = (exchangeFrom: string[], settings: Partial<ClientSettings> = {}) =>
  on.make.client([api.identifier], { grants: ['client_credentials', TOKEN_EXCHANGE_GRANT], exchangeFrom, ...settings })

const exchange = (client: Client, subject: string, n = 0): Promise<Answer> =>
  on.nodes[n % 2]!.token(
    { grant_type: TOKEN_EXCHANGE_GRANT, subject_token: subject, subject_token_type: ACCESS_TOKEN },
    { basic: client },
  )

function accessToken({ status, text, body }: Answer): string {
  if (status !== 200) throw new Error(text)
  return body.access_token
}

async function createScene(settings: Partial<ClientSettings> = {}): Promise<Scene> {
  const account = await on.make.account()
  const person = await on.make.person(account)
  const application = await on.make.application([api.identifier], settings)
  const service = await exchanging([application.clientId])
  const agent = await exchanging([service.clientId])
  const browser = await openSignedInBrowser(on.nodes[0]!, person)
  const again = async () => {
    const code = await browser.code(application)
    return accessToken(await on.nodes[1]!.token(redemptionOf(code), { basic: application }))
  }
  const subject = await again()
  const first = accessToken(await exchange(service, subject, 1))
  const second = accessToken(await exchange(agent, first, 0))
  return { account, person, application, service, agent, tokens: [subject, first, second], again }
}

/** By both nodes. */
async function activeOf(tokens: readonly string[]): Promise<boolean[][]> {
  return await Promise.all(
    tokens.map((token) => Promise.all(on.nodes.map(async (node) => (await node.introspect(token, api)).body.active))),
  )
}

type Change = (scene: Scene) => Promise<unknown>

/** What ends the subject token and all that came of it, or that of the service alone. */
interface Options {
  readonly settings?: Partial<ClientSettings>
  /** The subject token stays active. */
  readonly remains?: true
}

const CAUSES: [name: string, change: Change, options?: Options][] = [
  ['the subject token was revoked', ({ tokens }) => revokeToken(on.knex, String(claimsOf(tokens[0]).jti), ACTOR)],
  [
    'the exchanged token was revoked, and the subject token remains',
    ({ tokens }) => revokeToken(on.knex, String(claimsOf(tokens[1]).jti), ACTOR),
    { remains: true },
  ],
  [
    'the consent was withdrawn',
    ({ person, application }) => withdrawConsent(on.knex, { userId: person.id, clientId: application.clientId }, ACTOR),
  ],
  ['the tokens of the user were revoked', ({ person }) => revokeTokensOfUser(on.knex, person.id, ACTOR)],
  ['the user was disabled', ({ person }) => changeUserStatus(on.knex, person.id, 'disabled', ACTOR)],
  [
    'the membership of the user ended',
    async ({ person, account }) => {
      const other = { userId: person.id, accountId: await on.make.account(), role: 'member' as const }
      await on.knex.transaction(async (trx) => {
        await addMembership(trx, other, ACTOR)
        await endMembership(trx, { userId: person.id, accountId: account }, ACTOR)
      })
    },
  ],
  ['the account was disabled', ({ account }) => changeAccountStatus(on.knex, account, 'disabled', ACTOR)],
  [
    'the application was archived',
    ({ application }) => changeClientStatus(on.knex, application.clientId, 'archived', ACTOR),
  ],
  [
    'the tokens of the application were revoked',
    ({ application }) => revokeTokensOfClient(on.knex, application.clientId, ACTOR),
  ],
  [
    'the secret of the application was replaced',
    ({ application }) => rotateSecret(on.knex, application.clientId, 0, ACTOR),
  ],
  [
    'the application got a newer token under the policy single',
    ({ again }) => again(),
    { settings: { policy: 'single' } },
  ],
  [
    'the policy became single, and the application got a newer token',
    async ({ application, again }) => {
      await updateClient(on.knex, application.clientId, { settings: { policy: 'single' } }, ACTOR)
      await again()
    },
  ],
  [
    'the application lost the API',
    async ({ application }) => {
      const other = await on.make.api()
      await updateClient(on.knex, application.clientId, { settings: {}, apis: [other.identifier] }, ACTOR)
    },
  ],
  [
    'the service was archived',
    ({ service }) => changeClientStatus(on.knex, service.clientId, 'archived', ACTOR),
    { remains: true },
  ],
  [
    'the secret of the service was replaced',
    ({ service }) => rotateSecret(on.knex, service.clientId, 0, ACTOR),
    { remains: true },
  ],
  [
    'the service may not exchange tokens of the application any more',
    ({ service }) => updateClient(on.knex, service.clientId, { settings: { exchangeFrom: null } }, ACTOR),
    { remains: true },
  ],
  [
    'the service may exchange fewer scopes',
    ({ service }) => updateClient(on.knex, service.clientId, { settings: { exchangeScopes: ['read'] } }, ACTOR),
    { remains: true },
  ],
  [
    'the service lost the grant type',
    ({ service }) => updateClient(on.knex, service.clientId, { settings: { grants: ['client_credentials'] } }, ACTOR),
    { remains: true },
  ],
]

test.each(CAUSES)('exchanged tokens end when %s', async (_name, change, { settings, remains = false } = {}) => {
  const scene = await createScene(settings)
  const verifiers = [offline.open(0), offline.open(1)]
  const verdicts = (token: string) => Promise.all(verifiers.map((verifier) => offline.verdict(verifier, token)))
  expect(await activeOf(scene.tokens)).toEqual(Array(3).fill([true, true]))
  for (const token of scene.tokens) expect(await verdicts(token)).toEqual(['accepted', 'accepted'])
  await change(scene)
  expect(await activeOf(scene.tokens)).toEqual([
    [remains, remains],
    [false, false],
    [false, false],
  ])
  const ended = remains ? scene.tokens.slice(1) : scene.tokens
  await until(async () => (await Promise.all(ended.map(verdicts))).flat().every((one) => one === 'token_revoked'))
  if (remains) expect(await verdicts(scene.tokens[0])).toEqual(['accepted', 'accepted'])
})

const kidOf = (token: string): string => decodeProtectedHeader(token).kid!

test('exchanged tokens end when the key that signed their subject token is revoked, also those of another key', async () => {
  const cli = keywright(on.env)
  const { service, agent, tokens, again } = await createScene()
  const [subject] = tokens
  await on.knex('signing_keys').whereNull('signs_from').update({ may_sign_from: on.knex.fn.now() })
  await cli('signing-key rotate')

  async function exchangeWithNewKey(client: Client, token: string, n: number): Promise<string> {
    let exchanged = ''
    await until(async () => {
      exchanged = accessToken(await exchange(client, token, n))
      return kidOf(exchanged) !== kidOf(subject)
    })
    return exchanged
  }
  const first = await exchangeWithNewKey(service, subject, 1)
  const second = await exchangeWithNewKey(agent, first, 0)
  let other = ''
  await until(async () => {
    other = await again()
    return kidOf(other) !== kidOf(subject)
  })

  const verifiers = [offline.open(0), offline.open(1)]
  const verdicts = (token: string) => Promise.all(verifiers.map((verifier) => offline.verdict(verifier, token)))
  for (const token of [subject, first, second, other]) expect(await verdicts(token)).toEqual(['accepted', 'accepted'])
  expect(await cli(`signing-key revoke ${kidOf(subject)}`)).toMatchObject({ state: 'revoked', pending_nodes: 0 })
  expect(await activeOf([subject, first, second, other])).toEqual([
    [false, false],
    [false, false],
    [false, false],
    [true, true],
  ])
  await until(async () => (await verdicts(subject)).every((one) => one !== 'accepted'))
  await until(async () =>
    (await Promise.all([first, second].map(verdicts))).flat().every((one) => one === 'token_revoked'),
  )
  expect(await verdicts(other)).toEqual(['accepted', 'accepted'])
})

const RACES = CAUSES.filter(([name]) =>
  [
    'the subject token was revoked',
    'the consent was withdrawn',
    'the user was disabled',
    'the tokens of the application were revoked',
    'the secret of the application was replaced',
    'the application got a newer token under the policy single',
    'the policy became single, and the application got a newer token',
  ].includes(name),
)

test.each(RACES)('exchanges over both nodes go on while %s', async (_name, change, { settings } = {}) => {
  const scene = await createScene(settings)
  const verifiers = [offline.open(0), offline.open(1)]
  await Promise.all(verifiers.map((verifier) => offline.verdict(verifier, scene.tokens[0])))
  const [subject, first] = scene.tokens
  const load = startLoad(8, async (loop, round) =>
    loop % 2 === 0 ? exchange(scene.service, subject, loop / 2 + round) : exchange(scene.agent, first, loop + round),
  )
  await load.reached(40)
  await change(scene)
  await load.next(16)
  const answers = await load.stop()
  const issued = answers.filter(({ status }) => status === 200).map(({ body }) => body.access_token as string)
  const refused = answers.filter(({ status }) => status !== 200)
  expect(issued.length).toBeGreaterThan(20)
  expect(refused.length).toBeGreaterThan(8)
  expect(new Set(refused.map(({ status, body }) => `${status} ${body.error}`))).toEqual(
    new Set(['400 invalid_request']),
  )
  expect((await activeOf(issued)).flat()).not.toContain(true)
  await until(async () => {
    const all = await together(2, (n) => Promise.all(issued.map((token) => offline.verdict(verifiers[n]!, token))))
    return all.flat().every((one) => one === 'token_revoked')
  })
})
