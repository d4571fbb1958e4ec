/** A right that was taken away: what exceeds the rest is dead on every node, and stays dead when the right comes back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ClientSettings } from '../../src/clients/client-settings.ts'
import { DEVICE_CODE_GRANT } from '../../src/clients/grant-types.ts'
import { changeAccountValues } from '../../src/management/account-changes.ts'
import { updateApi } from '../../src/management/api-changes.ts'
import type { ClientChange } from '../../src/management/client-checks.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { ACTOR, CALLBACK } from '../support/factory.ts'
import { activeAmong, startLoad } from '../support/load.ts'
import { type SharedNodes, shareNodes } from '../support/nodes.ts'
import type { Credentials, FormData } from '../support/requests.ts'
import { openSignedInBrowser, redemptionOf, type SignedInBrowser } from '../support/signed-in-browsers.ts'
import { type Feed, openFeed, revokedInLists, statusAt } from '../support/status.ts'

type ApiClient = Credentials & { identifier: string }
type Client = Credentials & { clientId: string; key: number }

let on: SharedNodes
let api: ApiClient
let other: ApiClient
let feeds: Feed[]

beforeAll(async () => {
  on = await shareNodes()
  api = await on.make.api()
  other = await on.make.api()
  feeds = await Promise.all(on.nodes.map((node) => openFeed(node, api)))
})

afterAll(async () => {
  await Promise.all((feeds ?? []).map((feed) => feed.close()))
})

const both = () => [api.identifier, other.identifier]
const change = (client: Client, to: ClientChange) => updateClient(on.knex, client.clientId, to, ACTOR)
const set = (client: Client, settings: Partial<ClientSettings>) => change(client, { settings })

async function answered(client: Client, form: FormData, n = 0) {
  const answer = await on.nodes[n % 2]!.token(form, { basic: client })
  expect(answer.status, answer.text).toBe(200)
  return answer.body as { access_token: string; refresh_token: string; scope: string }
}

const ofItself = async (client: Client, form: FormData = {}, n = 0) =>
  (await answered(client, { grant_type: 'client_credentials', ...form }, n)).access_token

const refreshing = (token: string): FormData => ({ grant_type: 'refresh_token', refresh_token: token })

/** A user's tokens; the scope is asked for with the code. */
async function ofUser(visitor: SignedInBrowser, client: Client, more: FormData = {}) {
  return await answered(client, redemptionOf(await visitor.code(client, more)))
}

/** Introspection, lists and feeds of both nodes say so. */
async function expectEnded(ended: string[], alive: string[]): Promise<void> {
  expect(await activeAmong(on.nodes, [...ended, ...alive], api)).toEqual(alive)
  for (const feed of feeds) await feed.reported(ended)
  for (const feed of feeds) expect(alive.filter(feed.isTold)).toEqual([])
  await revokedInLists(on.nodes, ended)
  for (const node of on.nodes) {
    expect(await Promise.all(alive.map((token) => statusAt(node, token)))).toEqual(alive.map(() => 0))
  }
}

async function expectRefused(client: Client, form: FormData): Promise<void> {
  for (const node of on.nodes) {
    const { status, text } = await node.token(form, { basic: client })
    expect(status, text).toBe(400)
  }
}

const signedIn = async () => await openSignedInBrowser(on.nodes[0]!, await on.make.person())

test('a token is inactive once its API was taken from the client, and stays so when the client gets it back', async () => {
  const client = await on.make.client(both())
  const [gone, elsewhere] = [await ofItself(client), await ofItself(client, { resource: other.identifier }, 1)]
  await change(client, { settings: {}, apis: [other.identifier] })
  await expectEnded([gone], [])
  expect(await activeAmong(on.nodes, [elsewhere], other)).toEqual([elsewhere])
  await change(client, { settings: {}, apis: both() })
  await expectEnded([gone], [await ofItself(client)])
})

test('a token is inactive once a scope of it was taken from the client; one within the rest stays active', async () => {
  const client = await on.make.client(both())
  const [all, read, write] = [
    await ofItself(client),
    await ofItself(client, { scope: 'read' }, 1),
    await ofItself(client, { scope: 'write' }),
  ]
  await change(client, { settings: {}, scopes: ['read'] })
  await expectEnded([all, write], [read])
  await change(client, { settings: {}, scopes: null })
  await expectEnded([all, write], [read])
})

test('a token is inactive once a scope of it was removed from the API, whichever client has it', async () => {
  const own = await on.make.api({ scopes: ['read', 'write', 'list'] })
  const [one, two] = [await on.make.client([own.identifier, api.identifier]), await on.make.client([own.identifier])]
  const ended = [await ofItself(one), await ofItself(two, { scope: 'write' }, 1)]
  const alive = [await ofItself(one, { scope: 'read' }), await ofItself(two, { scope: 'list read' }, 1)]
  const elsewhere = await ofItself(one, { resource: api.identifier })
  await updateApi(on.knex, own.identifier, { scopes: ['read', 'list'] }, ACTOR)
  expect(await activeAmong(on.nodes, [...ended, ...alive], own)).toEqual(alive)
  await revokedInLists(on.nodes, ended)
  await updateApi(on.knex, own.identifier, { scopes: ['read', 'list', 'write'] }, ACTOR)
  expect(await activeAmong(on.nodes, [...ended, ...alive], own)).toEqual(alive)
  await expectEnded([], [elsewhere])
})

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials']

test('tokens end with the grant type that they were obtained by; the others stay active', async () => {
  const client = await on.make.application([api.identifier], { grants: GRANTS })
  const visitor = await signedIn()
  const [user, itself] = [await ofUser(visitor, client), await ofItself(client)]
  await set(client, { grants: ['authorization_code', 'refresh_token'] })
  await expectEnded([itself], [user.access_token])
  const next = await answered(client, refreshing(user.refresh_token), 1)
  await set(client, { grants: GRANTS })
  const again = await ofItself(client)
  await set(client, { grants: ['client_credentials', 'refresh_token'] })
  await expectEnded([itself, user.access_token, next.access_token], [again])
  await set(client, { grants: GRANTS })
  await expectRefused(client, refreshing(next.refresh_token))
  await expectEnded([itself, user.access_token, next.access_token], [again])
})

test('refresh tokens end with the grant type refresh_token, and do not come back with it; access tokens stay active', async () => {
  const client = await on.make.application([api.identifier])
  const { access_token, refresh_token } = await ofUser(await signedIn(), client)
  await set(client, { grants: ['authorization_code'] })
  await set(client, { grants: ['authorization_code', 'refresh_token'] })
  await expectRefused(client, refreshing(refresh_token))
  await expectEnded([], [access_token])
})

test('refresh tokens of a program end with the option that gave them', async () => {
  const client = await on.make.client([api.identifier], { clientCredentialsRefresh: true })
  const { refresh_token } = await answered(client, { grant_type: 'client_credentials' })
  await set(client, { clientCredentialsRefresh: false })
  await set(client, { clientCredentialsRefresh: true })
  await expectRefused(client, refreshing(refresh_token))
})

test('a refresh token that has a scope which was taken away stays dead when the scope comes back; others go on', async () => {
  const client = await on.make.application([api.identifier])
  const visitor = await signedIn()
  const [all, read] = [await ofUser(visitor, client, { scope: 'read write' }), await ofUser(visitor, client)]
  await change(client, { settings: {}, scopes: ['read'] })
  await expectEnded([all.access_token], [read.access_token])
  await expectRefused(client, { ...refreshing(all.refresh_token), scope: 'read' })
  await change(client, { settings: {}, scopes: null })
  await expectRefused(client, refreshing(all.refresh_token))
  await answered(client, refreshing(read.refresh_token), 1)
})

const CODE_CHANGES: [string, ClientChange, ClientChange][] = [
  ['a scope', { settings: {}, scopes: ['read'] }, { settings: {}, scopes: null }],
  [
    'the redirect URI',
    { settings: { redirectUris: ['https://app.example.com/other'] } },
    { settings: { redirectUris: [CALLBACK] } },
  ],
  [
    'the grant type',
    { settings: { grants: [DEVICE_CODE_GRANT] } },
    { settings: { grants: ['authorization_code', 'refresh_token'] } },
  ],
]

test.each(CODE_CHANGES)('a code is dead once %s was taken away, and stays so', async (_, narrow, restore) => {
  const client = await on.make.application([api.identifier])
  const visitor = await signedIn()
  const [early, late] = [
    await visitor.code(client, { scope: 'read write' }),
    await visitor.code(client, { scope: 'read write' }),
  ]
  await change(client, narrow)
  await expectRefused(client, redemptionOf(early))
  await change(client, restore)
  await expectRefused(client, redemptionOf(late))
})

test('a code is dead once a scope of it was removed from the API, and stays so', async () => {
  const own = await on.make.api()
  const client = await on.make.application([own.identifier], { consent: 'show' })
  const visitor = await signedIn()
  await visitor.submit((await visitor.follow(client, { scope: 'read write' })).page, /allow$/)
  const code = await visitor.code(client, { scope: 'read write' })
  await updateApi(on.knex, own.identifier, { scopes: ['read'] }, ACTOR)
  await updateApi(on.knex, own.identifier, { scopes: ['read', 'write'] }, ACTOR)
  await expectRefused(client, redemptionOf(code))
})

test('a user is asked again for what was taken away and came back, and for nothing else', async () => {
  const client = await on.make.application([api.identifier], { consent: 'show' })
  const visitor = await signedIn()
  await visitor.submit((await visitor.follow(client, { scope: 'read write' })).page, /allow$/)
  await change(client, { settings: {}, scopes: ['read'] })
  await change(client, { settings: {}, scopes: null })
  await visitor.code(client, { scope: 'read' })
  expect((await visitor.follow(client, { scope: 'read write' })).page.left).toBeUndefined()
})

test('a user who was never asked is asked once the client shows the consent page, and its tokens of before are dead', async () => {
  const client = await on.make.application([api.identifier], { consent: 'skip' })
  const visitor = await signedIn()
  const { access_token, refresh_token } = await ofUser(visitor, client)
  await set(client, { consent: 'show' })
  await expectEnded([access_token], [])
  await expectRefused(client, refreshing(refresh_token))
  expect((await visitor.follow(client)).page.left).toBeUndefined()
})

test('users of its own account stay connected when a client shows the consent page to all others', async () => {
  const account = await on.make.account()
  const client = await on.make.application([api.identifier], { consent: 'skip' }, account)
  const colleague = await openSignedInBrowser(on.nodes[0]!, await on.make.person(account))
  const [inside, outside] = [await ofUser(colleague, client), await ofUser(await signedIn(), client)]
  await set(client, { consent: 'skip_own_account' })
  await expectEnded([outside.access_token], [inside.access_token])
})

test('a consent that was given on a page which the client had opened before covers no more than the client has', async () => {
  const client = await on.make.application([api.identifier], { consent: 'show' })
  const visitor = await signedIn()
  const { page } = await visitor.follow(client, { scope: 'read write' })
  await change(client, { settings: {}, scopes: ['read'] })
  await visitor.submit(page, /allow$/)
  const apis: object[] = await on.knex('consents').where({ client_id: client.key }).pluck('apis')
  expect(apis).toEqual([{ [api.identifier]: ['read'] }])
})

test('a user who signs in while the redirect URI is removed is not sent there', async () => {
  const client = await on.make.application([api.identifier], { consent: 'show' })
  const visitor = await signedIn()
  const { page } = await visitor.follow(client)
  await set(client, { redirectUris: ['https://app.example.com/other'] })
  const { status, left } = await visitor.submit(page, /allow$/)
  expect([status, left]).toEqual([400, undefined])
})

test('a scope taken away in a storm: from the answer on no node issues it, and no token that has it is active', async () => {
  const client = await on.make.application([api.identifier], { grants: GRANTS })
  const visitor = await signedIn()
  const held: (string | undefined)[] = []
  const storm = startLoad(8, async (loop, round) => {
    const node = on.nodes[(loop + round) % 2]!
    const at = performance.now()
    if (loop < 3) return { at, answer: await node.machineToken(client) }
    const token = held[loop]
    const followed = token ? undefined : await visitor.follow(client, { scope: 'read write' })
    const code = followed?.page.left?.searchParams.get('code')
    if (!token && !code) return undefined
    const form = token ? refreshing(token) : redemptionOf({ code: code!, verifier: followed!.verifier })
    const asked = performance.now()
    const answer = await node.token(form, { basic: client })
    held[loop] = answer.body.refresh_token
    return { at: asked, answer }
  })
  await storm.reached(60)
  await change(client, { settings: {}, scopes: ['read'] })
  const answeredAt = performance.now()
  await storm.next(40)
  const answers = (await storm.stop()).filter((one) => one !== undefined)
  const issued = answers.filter(({ answer }) => answer.status === 200)
  const beyond = issued.filter(({ answer }) => String(answer.body.scope).includes('write'))
  expect(beyond.length).toBeGreaterThan(4)
  expect(beyond.filter(({ at }) => at > answeredAt)).toEqual([])
  expect(answers.map(({ answer }) => answer.status)).not.toContain(500)
  const tokens = beyond.map(({ answer }) => answer.body.access_token)
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
  await change(client, { settings: {}, scopes: null })
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
  for (const { answer } of beyond.filter((one) => one.answer.body.refresh_token).slice(-4)) {
    await expectRefused(client, refreshing(answer.body.refresh_token))
  }
})

const LOOPBACK = ['127.0.0.0/8', '::1']

test('access tokens are inactive once their client lost a network, also those issued meanwhile, and refresh tokens work on', async () => {
  const allowed = { allowedNetworks: [...LOOPBACK, '192.0.2.0/24'] }
  const client = await on.make.client(both(), { clientCredentialsRefresh: true, ...allowed })
  const load = startLoad(4, async (loop) => {
    const node = on.nodes[loop % 2]!
    const at = performance.now()
    return { at, answer: await node.machineToken(client) }
  })
  await load.reached(12)
  await set(client, { allowedNetworks: ['192.0.2.0/24'] })
  const answeredAt = performance.now()
  await load.next(12)
  const answers = await load.stop()
  const issued = answers.filter(({ answer }) => answer.status === 200)
  expect(issued.filter(({ at }) => at > answeredAt)).toEqual([])
  const tokens = issued.map(({ answer }) => answer.body.access_token)
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
  await set(client, { allowedNetworks: LOOPBACK })
  expect(await activeAmong(on.nodes, tokens, api)).toEqual([])
  await answered(client, refreshing(issued[0]!.answer.body.refresh_token))
})

test('access tokens are inactive once the account of their client lost a network, and those of other accounts stay', async () => {
  const account = await on.make.account()
  const [client, another] = [await on.make.client(both(), {}, account), await on.make.client(both())]
  const [gone, kept] = [await ofItself(client), await ofItself(another)]
  await changeAccountValues(on.knex, account, { allowedNetworks: LOOPBACK }, ACTOR)
  await expectEnded([gone], [kept])
  const next = await ofItself(client, {}, 1)
  await changeAccountValues(on.knex, account, { allowedNetworks: ['192.0.2.0/24'] }, ACTOR)
  await expectEnded([next], [kept])
  for (const node of on.nodes) expect((await node.machineToken(client)).status).toBe(401)
})
