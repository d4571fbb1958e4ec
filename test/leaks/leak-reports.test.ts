import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteOldLeaks } from '../../src/leaks/leaks.ts'
import { changeAccountValues } from '../../src/management/account-changes.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { inspect } from '../../src/management/inspection-operations.ts'
import { generateSecret } from '../../src/shared/secrets.ts'
import { operator } from '../management/principals.ts'
import { ACTOR } from '../support/factory.ts'
import { claimsOf } from '../support/requests.ts'
import { foundIn } from '../support/secret-search.ts'
import { bodyOf, PLACE, startLeakEnvironment } from './leak-environment.ts'

let env: Awaited<ReturnType<typeof startLeakEnvironment>>

beforeAll(async () => {
  env = await startLeakEnvironment()
})

afterAll(() => env?.stop())

/** A client of a new account with an access token and a refresh token. */
async function clientWithTokens(settings = {}) {
  const account = await env.on.make.account()
  const all = { clientCredentialsRefresh: true, ...settings }
  const client = await env.on.make.register({ settings: all, apis: [env.api.identifier], account })
  const { body } = await env.accessToken(env.on, client)
  return { ...client, account, accessToken: String(body.access_token), refreshToken: String(body.refresh_token) }
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const outcomesOf = ({ body }: { body: { outcome: string }[] }) => body.map(({ outcome }) => outcome)

test('a client secret that GitHub reports is retired with its tokens on every node, and GitHub gets its hash and label', async () => {
  const client = await clientWithTokens()
  const wrong = `${client.clientSecret.slice(0, -1)}-`
  const answer = await env.fromGithub(bodyOf(client.clientSecret, generateSecret('clientSecret'), wrong))
  const token_type = 'keywright_client_secret'
  const [label] = ['true_positive']
  expect([answer.status, answer.body]).toEqual([
    200,
    [
      { token_hash: sha256(client.clientSecret), token_type, label },
      expect.objectContaining({ token_type, label: 'false_positive' }),
      { token_hash: sha256(wrong), token_type, label: 'false_positive' },
    ],
  ])
  for (const node of [env.on, env.other]) expect((await env.accessToken(node, client)).status).toBe(401)
  expect(await env.isActive(client.accessToken)).toEqual([false, false])
  expect((await env.on.token({ grant_type: 'refresh_token', refresh_token: client.refreshToken })).status).toBe(401)
  const [event, ...more] = await env.eventsOf(client.clientId)
  expect(more).toEqual([])
  expect(event).toMatchObject({ actor_type: 'system', actor_id: 'github', account_id: client.account })
  const last_four = client.clientSecret.slice(-4)
  expect(event.detail).toEqual({ kind: 'client_secret', last_four, revoked: true, url: PLACE, source: 'commit' })
})

test('a reported secret of an API cannot introspect, on nodes that have used it before', async () => {
  const api = await env.on.make.api()
  const { accessToken, key } = await clientWithTokens()
  const statuses = async () =>
    await Promise.all([env.on, env.other].map(async (node) => (await node.introspect(accessToken, api)).status))
  expect(await statuses()).toEqual([200, 200])
  await env.fromGithub(bodyOf(api.clientSecret))
  expect(await statuses()).toEqual([401, 401])
  expect(await env.on.knex('leaks').where({ client_id: key })).toEqual([])
})

test('authorization codes of a client whose secret is reported are revoked', async () => {
  const client = await clientWithTokens()
  const revocationEpoch = async () =>
    (await env.on.knex('clients').where({ id: client.key }).first()).code_revocation_epoch
  const before = await revocationEpoch()
  await env.fromGithub(bodyOf(client.clientSecret))
  expect(await revocationEpoch()).toBe(before + 1)
})

test('a replayed report gets the same answer and changes nothing, also when the secret was deleted and the client has another one', async () => {
  const client = await clientWithTokens()
  const body = bodyOf(client.clientSecret, client.refreshToken)
  const first = await env.fromGithub(body)
  const { clientSecret } = await rotateSecret(env.on.knex, client.clientId, 0, ACTOR)
  await env.on.knex('client_secrets').whereNotNull('retires_at').delete()
  const state = () => env.on.knex('leaks').where({ client_id: client.key }).orderBy('id')
  const before = await state()
  for (let n = 0; n < 3; n++) expect((await env.fromGithub(body)).text).toBe(first.text)
  expect(await state()).toEqual(before)
  expect(await env.eventsOf(client.clientId)).toHaveLength(2)
  const renewed = { clientId: client.clientId, clientSecret: clientSecret! }
  expect((await env.accessToken(env.other, renewed)).status).toBe(200)
})

test('reports of one credential at the same time have one effect and one notice', async () => {
  const client = await clientWithTokens()
  const second = await clientWithTokens()
  const caller = await env.callerOf(null)
  const body = bodyOf(client.clientSecret, second.refreshToken, client.clientSecret)
  const answers = await Promise.all(Array.from({ length: 8 }, () => caller.json('POST', '/leak-reports', body)))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(outcomesOf(answers[0]!)).toEqual(['revoked', 'revoked', 'revoked'])
  for (const { clientId } of [client, second]) expect(await env.eventsOf(clientId)).toHaveLength(1)
})

test('a forged or missing signature is refused, and nothing happens', async () => {
  const client = await clientWithTokens()
  const body = bodyOf(client.clientSecret)
  const header = 'github-public-key-signature'
  const forged: [string, Record<string, string>][] = [
    [body, { [header]: env.github.forgedSignature(body) }],
    [body, { [header]: '' }],
    [body, { [header]: 'AAAA' }],
    [body, { [header]: env.github.headersFor(`${body} `)[header]! }],
    [body, { 'github-public-key-identifier': 'unknown' }],
  ]
  for (const [sent, headers] of forged) {
    const { status, text } = await env.fromGithub(sent, headers)
    expect([status, foundIn(text, { secret: client.clientSecret })]).toEqual([403, []])
  }
  expect((await env.accessToken(env.on, client)).status).toBe(200)
  expect(await env.on.knex('leaks').where({ client_id: client.key })).toEqual([])
  expect(env.github.requests()).toBe(1)
})

test("a node without the setting takes no report of GitHub's", async () => {
  const client = await clientWithTokens()
  const { status, body } = await env.fromGithub(bodyOf(client.clientSecret), {}, env.other)
  expect([status, body.type]).toEqual([401, 'urn:keywright:error:missing_token'])
  expect((await env.accessToken(env.other, client)).status).toBe(200)
})

test('a reported refresh token is revoked with its family, a reported access token alone', async () => {
  const [family, token] = [await clientWithTokens(), await clientWithTokens()]
  const caller = await env.callerOf(null)
  const body = bodyOf(family.refreshToken, ` ${token.accessToken}\n`)
  expect(outcomesOf(await caller.json('POST', '/leak-reports', body))).toEqual(['revoked', 'revoked'])
  for (const { accessToken } of [family, token]) expect(await env.isActive(accessToken)).toEqual([false, false])
  const refresh = (client: typeof family) =>
    env.on.token({ grant_type: 'refresh_token', refresh_token: client.refreshToken }, { basic: client })
  expect([(await refresh(family)).status, (await refresh(token)).status]).toEqual([400, 200])
  expect((await env.eventsOf(token.clientId))[0].detail).toMatchObject({ kind: 'access_token', revoked: true })
})

test('a reported API key ends the client until it has a new one, with all its tokens', async () => {
  const client = await clientWithTokens({ apiKeyRequired: true, clientCredentialsRefresh: false })
  const issue = () =>
    env.on.machineToken(client, { resource: env.api.identifier }, { headers: { 'x-api-key': client.apiKey } })
  const { body } = await issue()
  await env.fromGithub(bodyOf(client.apiKey))
  expect((await issue()).status).toBe(401)
  expect(await env.isActive(body.access_token)).toEqual([false, false])
  const management = { knex: env.on.knex, encryptionKeys: undefined as never }
  const { findings } = await inspect(management, operator, { text: body.access_token })
  expect(findings).toMatchObject([{ reason: 'token_revoked', by: { type: 'system' } }])
})

test('an account that wants reports only keeps its credential, until it wants them revoked and a report comes again', async () => {
  const client = await clientWithTokens()
  const choose = (leakedCredentials: 'revoke' | 'report') =>
    changeAccountValues(env.on.knex, client.account, { leakedCredentials }, ACTOR)
  const caller = await env.callerOf(client.account)
  const report = async () => outcomesOf(await caller.json('POST', '/leak-reports', bodyOf(client.clientSecret)))
  await choose('report')
  expect([await report(), await report()]).toEqual([['reported'], ['reported']])
  expect((await env.accessToken(env.on, client)).status).toBe(200)
  await choose('revoke')
  expect((await env.accessToken(env.on, client)).status).toBe(200)
  expect([await report(), await report()]).toEqual([['revoked'], ['revoked']])
  expect((await env.accessToken(env.on, client)).status).toBe(401)
  const events = await env.eventsOf(client.clientId)
  expect(events.map(({ detail }) => detail.revoked)).toEqual([false, true])
})

test('an admin gets the same answer for credentials of another account as for unknown ones, and changes nothing', async () => {
  const theirs = await clientWithTokens()
  const caller = await env.callerOf(await env.on.make.account())
  const kinds = ['clientSecret', 'refreshToken'] as const
  const answer = async (...tokens: string[]) => {
    const { body } = await caller.json('POST', '/leak-reports', bodyOf(...tokens))
    return body.map(({ token_hash: _, ...rest }: { token_hash: string }) => rest)
  }
  const own = await answer(theirs.clientSecret, theirs.refreshToken, theirs.accessToken)
  const unknown = await answer(...kinds.map((kind) => generateSecret(kind)), theirs.accessToken.slice(0, -8))
  expect(own).toEqual(unknown)
  expect(await env.isActive(theirs.accessToken)).toEqual([true, true])
  expect(await env.eventsOf(theirs.clientId)).toEqual([])
  // Also of one that was reported before.
  await env.fromGithub(bodyOf(theirs.clientSecret, theirs.refreshToken))
  expect(await answer(theirs.clientSecret, theirs.refreshToken, theirs.accessToken)).toEqual(unknown)
  const { body: list } = await (await env.callerOf(await env.on.make.account(), 'tokens:read')).send(
    'GET',
    '/leak-reports',
  )
  expect(list.items).toEqual([])
})

test('the scope leaks:report is required', async () => {
  const caller = await env.callerOf(null, 'tokens:write')
  const { status, body } = await caller.json('POST', '/leak-reports', bodyOf(generateSecret('apiKey')))
  expect([status, body.type]).toEqual([403, 'urn:keywright:error:insufficient_scope'])
})

test('the answer distinguishes a credential that no longer works from an unknown one, and nobody is notified', async () => {
  const client = await clientWithTokens()
  await rotateSecret(env.on.knex, client.clientId, 0, ACTOR)
  const caller = await env.callerOf(null)
  const body = bodyOf(client.clientSecret, client.accessToken, client.refreshToken, 'kwp_', generateSecret('password'))
  const outcomes = outcomesOf(await caller.json('POST', '/leak-reports', body))
  expect(outcomes).toEqual(['inactive', 'inactive', 'inactive', 'not_found', 'not_found'])
  await env.on
    .knex('access_tokens')
    .where({ jti: String(claimsOf(client.accessToken).jti) })
    .delete()
  expect(outcomesOf(await caller.json('POST', '/leak-reports', bodyOf(client.accessToken)))).toEqual(['inactive'])
  expect(await env.eventsOf(client.clientId)).toEqual([])
})

test('any body has a defined answer', async () => {
  const caller = await env.callerOf(null)
  const many = (count: number) => bodyOf(...Array.from({ length: count }, (_, n) => `x${n}`))
  const header = (kid: string) =>
    Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })).toString('base64url')
  const odd = ['', ' ', 'eyJ', 'a'.repeat(65_536), `${header('\\u0000')}.e30.AAAA`, `${header('x')}..`, 'é', '😀']
  const cases: [string, number][] = [
    ['', 400],
    ['{}', 400],
    ['[]', 400],
    ['[', 400],
    ['[null]', 400],
    ['[{"token":1}]', 400],
    ['[{"url":"https://github.com"}]', 400],
    ['[{"token":"\\u0000"}]', 400],
    ['[{"token":"x","url":"not a URL","source":"<b>","more":{}}]', 200],
    [many(101), 400],
    [many(100), 200],
    [bodyOf(...odd), 200],
  ]
  for (const [body, status] of cases) {
    expect([body.slice(0, 60), (await caller.json('POST', '/leak-reports', body)).status]).toEqual([
      body.slice(0, 60),
      status,
    ])
  }
  expect((await env.fromGithub(many(1001))).status).toBe(400)
  expect((await env.fromGithub(many(1000))).status).toBe(200)
  expect((await env.fromGithub('x'.repeat(1024 * 1024 + 1))).status).toBe(413)
  expect((await env.fromGithub('[')).status).toBe(400)
})

test('no reported text is in the log, in the database or in an answer', async () => {
  const client = await clientWithTokens()
  const unknown = generateSecret('clientSecret')
  const secrets = { secret: client.clientSecret, refresh: client.refreshToken, access: client.accessToken, unknown }
  const tokens = Object.values(secrets)
  const findings = tokens.map((token) => ({
    token,
    type: token.slice(0, 400),
    source: token.slice(0, 400),
    url: `https://example.com/${token}?q=${token}`,
  }))
  const caller = await env.callerOf(null)
  const answers = [
    await env.fromGithub(bodyOf(...findings)),
    await caller.json('POST', '/leak-reports', bodyOf(...findings)),
    await caller.json('POST', '/leak-reports', JSON.stringify([{ [unknown]: unknown, url: [unknown] }])),
    await caller.json('POST', '/leak-reports', `[{"token": "${unknown}`),
    await env.fromGithub(bodyOf(...findings), { 'github-public-key-signature': unknown }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 400, 400, 403])
  expect(await env.eventsOf(client.clientId)).not.toEqual([])
  const tables = [
    'leaks',
    'audit_log',
    'idempotency_keys',
    'access_tokens',
    'clients',
    'client_secrets',
    'refresh_tokens',
  ]
  const rows: string[] = []
  for (const table of tables) {
    rows.push(
      ...(await env.on.knex.raw('SELECT t::text AS row FROM ?? t', [table])).rows.map(
        ({ row }: { row: string }) => row,
      ),
    )
  }
  for (const text of [JSON.stringify(env.on.logLines()), rows.join('\n'), answers.map(({ text }) => text).join('\n')]) {
    expect(foundIn(text, secrets)).toEqual([])
  }
})

test('old reports are deleted, unless the secret still works', async () => {
  const [revoked, kept] = [await clientWithTokens(), await clientWithTokens()]
  await changeAccountValues(env.on.knex, kept.account, { leakedCredentials: 'report' }, ACTOR)
  await env.fromGithub(bodyOf(revoked.clientSecret, kept.clientSecret))
  const reported = env.on.knex.raw(`now() - interval '91 days'`)
  await env.on.knex('leaks').whereIn('client_id', [revoked.key, kept.key]).update({ reported_at: reported })
  await deleteOldLeaks(env.on.knex, 100)
  const left = await env.on.knex('leaks').whereIn('client_id', [revoked.key, kept.key]).pluck('client_id')
  expect(left.map(Number)).toEqual([kept.key])
})
