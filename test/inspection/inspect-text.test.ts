import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { addMembership } from '../../src/accounts/membership-changes.ts'
import { openDatabase } from '../../src/database/open-database.ts'
import { changeAccountApi, changeAccountStatus } from '../../src/management/account-changes.ts'
import { updateApi } from '../../src/management/api-changes.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { deleteApplication } from '../../src/management/deletion-operations.ts'
import { inspect } from '../../src/management/inspection-operations.ts'
import { changeApiEnabled } from '../../src/management/instance-changes.ts'
import { stopKeyPair } from '../../src/management/key-pair-details.ts'
import { retireSecret } from '../../src/management/secret-retirement.ts'
import { changeUserRole, changeUserStatus } from '../../src/management/user-changes.ts'
import { revokeToken, revokeTokensOfClient } from '../../src/tokens/revocation.ts'
import { adminOf, operator } from '../management/principals.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'

let on: Keywright

beforeAll(async () => {
  on = await startKeywright()
})

afterAll(() => on?.stop())

const as = (principal: typeof operator, text: string, expected: { api?: string; scope?: string } = {}) =>
  inspect({ knex: on.knex, encryptionKeys: undefined as never }, principal, { text, ...expected })
const find = (text: string, expected = {}) => as(operator, text, expected)

const claimsOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString())

/** A key pair of a new account, with a token. */
async function keyPair() {
  const account = await on.make.account()
  const user = await on.make.user('admin', account)
  const pair = await on.make.keyPair(user.id)
  const token: string = (await on.machineToken(pair)).body.access_token
  return { account, user, ...pair, token, jti: String(claimsOf(token).jti) }
}

test('an active token is found by the JWT and by its jti, with its account, owner, client and API', async () => {
  const { account, user, clientId, token, jti } = await keyPair()
  for (const text of [token, ` Bearer ${token}\n`, jti, jti.toUpperCase()]) {
    const { works, reason, findings } = await find(text)
    expect({ works, reason }).toEqual({ works: true, reason: null })
    expect(findings).toMatchObject([
      {
        kind: 'access_token',
        account: { id: account },
        user: { id: user.id, email: user.email },
        client: { clientId },
      },
    ])
    expect(findings[0]).toMatchObject({ token: { jti }, api: claimsOf(token).aud })
  }
})

test('a token for another API, or without the scope, has its reason when the caller names what the API expects', async () => {
  const { token, jti } = await keyPair()
  expect(await find(token, { api: 'https://other.example.com' })).toMatchObject({ reason: 'wrong_audience' })
  expect(await find(jti, { scope: 'never-granted' })).toMatchObject({ works: false, reason: 'insufficient_scope' })
  const [scope] = claimsOf(token).scope.split(' ')
  expect(await find(token, { api: claimsOf(token).aud, scope })).toMatchObject({ works: true })
})

test('a token of a replaced key pair names the time and who replaced it, also by its client ID and client secret', async () => {
  const first = await keyPair()
  await on.make.keyPair(first.user.id)
  for (const text of [first.token, first.clientId, first.clientSecret]) {
    expect(await find(text)).toMatchObject({ works: false, reason: 'key_pair_replaced' })
    const { findings } = await find(text)
    expect(findings[0]).toMatchObject({ since: expect.any(String), by: { type: ACTOR.type, id: ACTOR.id } })
  }
})

test('a revoked token names who revoked it, whether alone or with all tokens of its client', async () => {
  const [one, other] = [await keyPair(), await keyPair()]
  await revokeToken(on.knex, one.jti, ACTOR)
  await revokeTokensOfClient(on.knex, other.clientId, ACTOR)
  for (const { token } of [one, other]) {
    const { findings } = await find(token)
    expect(findings).toMatchObject([{ reason: 'token_revoked', since: expect.any(String), by: { id: ACTOR.id } }])
  }
})

test('a token under the policy single is replaced by the next one of its client', async () => {
  const { identifier } = await on.make.api({ policy: 'single' })
  const client = await on.make.register({ apis: [identifier] })
  const issue = async (): Promise<string> => (await on.machineToken(client)).body.access_token
  const [older, newer] = [await issue(), await issue()]
  const { findings } = await find(older)
  expect(findings).toMatchObject([{ reason: 'token_replaced', since: expect.any(String) }])
  expect(await find(newer)).toMatchObject({ works: true })
})

test('a retired secret and an archived client have their reasons', async () => {
  const client = await on.make.register({})
  await rotateSecret(on.knex, client.clientId, 0, ACTOR)
  const { findings } = await find(client.clientSecret)
  expect(findings).toMatchObject([{ kind: 'client_secret', reason: 'secret_retired', by: { id: ACTOR.id } }])
  await changeClientStatus(on.knex, client.clientId, 'archived', ACTOR)
  expect(await find(client.clientId)).toMatchObject({ works: false, reason: 'client_archived' })
})

test('a secret whose expiry came, and its token, have another reason than one that was retired before its expiry', async () => {
  const client = await on.make.register({})
  const token: string = (await on.machineToken(client)).body.access_token
  const secrets = on.knex('client_secrets').where({ client_id: client.key })
  const now = on.knex.fn.now()
  await secrets.clone().update({ retires_at: now, expires_at: on.knex.raw(`now() + interval '1 day'`) })
  for (const text of [client.clientSecret, token])
    expect((await find(text)).findings).toMatchObject([{ reason: 'secret_retired' }])
  await secrets.clone().update({ retires_at: now, expires_at: now })
  for (const text of [client.clientSecret, token])
    expect((await find(text)).findings).toMatchObject([
      { reason: 'secret_expired', since: expect.any(String), by: null },
    ])
})

const STOPPED = { since: expect.any(String), by: { type: ACTOR.type, id: ACTOR.id } }

test('a secret that is retired before its overlap ends, and its tokens, name who retired it and not who rotated it', async () => {
  const client = await on.make.register({})
  const token: string = (await on.machineToken(client)).body.access_token
  await rotateSecret(on.knex, client.clientId, 3600, { ...ACTOR, id: 'rotated it' })
  expect((await find(client.clientSecret)).findings).toMatchObject([{ works: true, by: null }])
  await retireSecret(on.knex, client.clientId, undefined, ACTOR)
  for (const text of [client.clientSecret, token])
    expect((await find(text)).findings).toMatchObject([{ reason: 'secret_retired', ...STOPPED }])
})

test('a stopped key pair, and a token that outlived a restoration, name who stopped it', async () => {
  const { clientId, token, account } = await keyPair()
  const admin = { ...adminOf(account), actor: ACTOR }
  await stopKeyPair({ knex: on.knex, encryptionKeys: undefined as never }, admin, { clientId })
  for (const text of [clientId, token])
    expect((await find(text)).findings).toMatchObject([{ reason: 'key_pair_stopped', ...STOPPED }])
  await changeClientStatus(on.knex, clientId, 'active', { ...ACTOR, id: 'restored it' })
  expect((await find(token)).findings).toMatchObject([{ reason: 'token_revoked', ...STOPPED }])
})

test('a user of two accounts is found by the admins of both, each with the status there', async () => {
  const { account: first, user } = await keyPair()
  const second = await on.make.account()
  await on.knex.transaction((trx) => addMembership(trx, { userId: user.id, accountId: second, role: 'viewer' }, ACTOR))
  const seenBy = async (who: typeof operator) => {
    const { works, reason, findings } = await as(who, user.email)
    return { works, reason, account: findings[0]?.account?.id, since: findings[0]?.since, by: findings[0]?.by?.type }
  }
  const active = { works: true, reason: null, since: null, by: undefined }
  const disabled = { works: false, reason: 'user_disabled', since: expect.any(String), by: ACTOR.type }
  for (const who of [operator, adminOf(first)]) expect(await seenBy(who)).toEqual({ ...active, account: first })
  expect(await seenBy(adminOf(second))).toEqual({ ...active, account: second })
  await changeUserStatus(on.knex, user.id, 'disabled', ACTOR, { accountId: second })
  for (const who of [operator, adminOf(first)]) expect(await seenBy(who)).toEqual({ ...active, account: first })
  const there = await seenBy(adminOf(second))
  expect(there).toEqual({ ...disabled, account: second })
  await changeUserStatus(on.knex, user.id, 'disabled', ACTOR, { accountId: first })
  expect(await seenBy(operator)).toEqual({ ...disabled, account: first })
  expect(await seenBy(adminOf(second))).toEqual(there)
  await changeUserStatus(on.knex, user.id, 'disabled', ACTOR)
  for (const account of [first, second]) expect(await seenBy(adminOf(account))).toEqual({ ...disabled, account })
  const stranger = await as(adminOf(await on.make.account()), user.email)
  expect(stranger).toMatchObject({ reason: 'not_found', findings: [] })
})

test('a change that does not revoke tokens is not named as what revoked them', async () => {
  const client = await on.make.register({})
  const token: string = (await on.machineToken(client)).body.access_token
  const other = { ...ACTOR, id: 'changed its name' }
  await updateClient(on.knex, client.clientId, { settings: { name: 'Another name' } }, other)
  await revokeTokensOfClient(on.knex, client.clientId, ACTOR)
  expect((await find(token)).findings).toMatchObject([{ reason: 'token_revoked', ...STOPPED }])
})

test('an expired token names nobody, also when it was revoked before', async () => {
  const { jti } = await keyPair()
  await revokeToken(on.knex, jti, ACTOR)
  await on
    .knex('access_tokens')
    .where({ jti })
    .update({ expires_at: on.knex.raw(`now() - interval '1 minute'`) })
  expect((await find(jti)).findings).toMatchObject([{ reason: 'token_expired', by: null }])
})

test('the key pair of a former admin has its reason, and a replaced one names the next', async () => {
  const first = await keyPair()
  const next = await on.make.keyPair(first.user.id)
  expect((await find(first.clientId)).findings).toMatchObject([{ replacedBy: next.clientId }])
  await changeUserRole(on.knex, first.user.id, 'member', ACTOR)
  expect((await find(next.clientId)).findings).toMatchObject([
    { reason: 'key_pair_ended', replacedBy: null, ...STOPPED },
  ])
})

test('a change of an API that takes a scope away names who made it', async () => {
  const { identifier } = await on.make.api({ scopes: ['read', 'write'] })
  const client = await on.make.register({ apis: [identifier] })
  const token: string = (await on.machineToken(client)).body.access_token
  await updateApi(on.knex, identifier, { scopes: ['read'] }, ACTOR)
  expect((await find(token)).findings).toMatchObject([{ reason: 'token_revoked', ...STOPPED }])
})

test('a disabled user, API or account is the reason for its clients, and names when and by whom', async () => {
  const { account, user, clientId, clientSecret } = await keyPair()
  const reasonOf = async (text: string) => (await find(text)).findings[0]
  await changeUserStatus(on.knex, user.id, 'disabled', ACTOR)
  for (const text of [clientId, clientSecret])
    expect(await reasonOf(text)).toMatchObject({ reason: 'owner_disabled', ...STOPPED })
  expect(await reasonOf(user.email.toUpperCase())).toMatchObject({ reason: 'user_disabled', ...STOPPED })
  await changeAccountApi(on.knex, account, false, ACTOR)
  expect(await reasonOf(clientId)).toMatchObject({ reason: 'api_disabled', ...STOPPED })
  await changeAccountStatus(on.knex, account, 'disabled', ACTOR)
  for (const text of [clientId, user.email])
    expect(await reasonOf(text)).toMatchObject({ reason: 'account_disabled', ...STOPPED })
})

test('an API that is disabled for the whole instance is the reason, and revokes the tokens for good', async () => {
  const { clientId, token } = await keyPair()
  await changeApiEnabled(on.knex, false, ACTOR)
  const off = await find(clientId)
  await changeApiEnabled(on.knex, true, { ...ACTOR, id: 'enabled it' })
  expect(off.findings).toMatchObject([{ reason: 'api_disabled', ...STOPPED }])
  expect((await find(token)).findings).toMatchObject([{ reason: 'token_revoked', ...STOPPED }])
})

test('an admin does not learn which operator, or which client of the instance, stopped something', async () => {
  const { clientId, account } = await keyPair()
  const foreign = await on.make.register({ account: await on.make.account() })
  await changeClientStatus(on.knex, clientId, 'archived', { type: 'client', id: foreign.clientId })
  const [finding] = (await as(adminOf(account), clientId)).findings
  expect(finding).toMatchObject({ reason: 'key_pair_stopped', by: { type: 'client', id: null, label: null } })
  expect((await find(clientId)).findings).toMatchObject([{ by: { id: foreign.clientId } }])
})

test('a JWT that an email broke into lines is found', async () => {
  const { token, jti } = await keyPair()
  const broken = token.replace(/.{60}/g, '$&\r\n  ')
  expect((await find(broken)).findings).toMatchObject([{ works: true, token: { jti } }])
})

test('the last four characters and the beginning of a name find candidates', async () => {
  const client = await on.make.register({ settings: { name: 'Zanzibar Invoices' } })
  const byName = await find('zanzi')
  expect(byName.findings).toMatchObject([{ kind: 'client', client: { clientId: client.clientId } }])
  for (const text of [client.clientSecret.slice(-4), `kws_…${client.clientSecret.slice(-4)}`]) {
    const { findings } = await find(text)
    expect(findings.map((finding) => finding.client?.clientId)).toContain(client.clientId)
  }
})

test('an expired token and one whose row is gone have their reasons', async () => {
  const { token, jti, clientId } = await keyPair()
  const rows = () => on.knex('access_tokens').where({ jti })
  await rows().update({ expires_at: on.knex.raw(`now() - interval '1 minute'`) })
  expect(await find(jti)).toMatchObject({ reason: 'token_expired' })
  await rows().delete()
  expect(await find(jti)).toMatchObject({ reason: 'token_unknown', findings: [] })
  expect(await find(token)).toMatchObject({ reason: 'token_unknown', findings: [{ client: { clientId } }] })
})

test('a deleted client is named to operators and to admins of its account, by its tokens and its client ID', async () => {
  const account = await on.make.account()
  const client = await on.make.register({ account })
  const issue = async () => (await on.machineToken(client)).body.access_token as string
  const [kept, gone] = [await issue(), await issue()]
  await changeClientStatus(on.knex, client.clientId, 'archived', ACTOR)
  await deleteApplication({ knex: on.knex, encryptionKeys: undefined as never }, operator, client)
  expect(await on.knex('clients').where({ client_id: client.clientId })).toEqual([])
  await on
    .knex('access_tokens')
    .where({ jti: claimsOf(gone).jti })
    .delete()
  const texts = [kept, String(claimsOf(kept).jti), gone, client.clientId]
  for (const who of [operator, adminOf(account)])
    for (const text of texts) {
      const { works, reason, findings } = await as(who, text)
      expect({ works, reason }).toEqual({ works: false, reason: 'client_deleted' })
      expect(findings).toMatchObject([
        {
          since: expect.any(String),
          by: { type: operator.actor.type },
          account: { id: account },
          client: { clientId: client.clientId, name: client.clientId, kind: 'application', status: 'deleted' },
        },
      ])
    }
  expect((await find(kept)).findings).toMatchObject([{ kind: 'access_token', token: { jti: claimsOf(kept).jti } }])
  const stranger = adminOf(await on.make.account())
  const reasons = await Promise.all(texts.map(async (text) => await as(stranger, text)))
  expect(reasons.map(({ reason, findings }) => ({ reason, findings }))).toEqual(
    ['token_unknown', 'token_unknown', 'token_unknown', 'not_found'].map((reason) => ({ reason, findings: [] })),
  )
})

test('a client whose deletion is in progress is called deleted, not archived', async () => {
  const client = await on.make.register({})
  const token: string = (await on.machineToken(client)).body.access_token
  await changeClientStatus(on.knex, client.clientId, 'archived', ACTOR)
  const trx = await on.knex.transaction()
  onTestFinished(async () => void (await trx.rollback()))
  await trx('clients').where({ id: client.key }).update({ status: 'deleting' })
  const search = { knex: trx, encryptionKeys: undefined as never }
  for (const text of [token, client.clientId, client.clientSecret])
    expect(await inspect(search, operator, { text })).toMatchObject({ works: false, reason: 'client_deleted' })
})

test('an admin gets the same answer for objects of another account as for none, in as many statements', async () => {
  const theirs = await keyPair()
  const admin = adminOf(await on.make.account())
  // The jobs of the server use other connections.
  const own = openDatabase(on.env.DATABASE_URL!)
  onTestFinished(() => own.close())
  let statements = 0
  own.knex.on('query', () => statements++)
  async function answer(text: string) {
    statements = 0
    const result = await inspect({ knex: own.knex, encryptionKeys: undefined as never }, admin, { text })
    return { result, statements }
  }
  const signed = await answer(theirs.token)
  expect(signed.statements).toBe(1)
  await on.knex('access_tokens').where({ jti: theirs.jti }).delete()
  await on.knex('client_secrets').where({ client_id: theirs.key }).update({ last_four: 'none' })
  expect(await answer(theirs.token)).toEqual(signed)
  const none = [
    [theirs.clientId, `kwc_${'x'.repeat(20)}`],
    [theirs.user.email, 'nobody@example.com'],
    [theirs.clientSecret.slice(-4), '0000'],
  ] as const
  for (const [text, unknown] of none) expect(await answer(text)).toEqual(await answer(unknown))
  expect(await answer(theirs.clientSecret)).toMatchObject({ result: { reason: 'not_found', findings: [] } })
})

const header = (kid: string) => Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid })).toString('base64url')

test('any text has a defined answer that does not contain it', async () => {
  const { token, clientSecret } = await keyPair()
  const cases: [string, string][] = [
    [`${token.slice(0, -8)}AAAAAAAA`, 'not_signed_by_issuer'],
    [`${header('of another issuer')}.e30.AAAA`, 'not_signed_by_issuer'],
    [`${header('\0')}.e30.AAAA`, 'not_signed_by_issuer'],
    [token.slice(0, 60), 'not_found'],
    [`${token.split('.')[0]}.`, 'token_malformed'],
    [clientSecret.slice(0, -1), 'secret_malformed'],
    ['\0', 'unrecognized'],
    ['\ud800', 'unrecognized'],
    ['', 'unrecognized'],
    ["' & | ! :* <-> \\", 'not_found'],
    ['a'.repeat(65_536), 'unrecognized'],
    [`kwr_${'a'.repeat(92)}`, 'not_searchable'],
  ]
  for (const [text, reason] of cases) {
    const result = await find(text)
    expect([reason, result.reason, result.works]).toEqual([reason, reason, false])
    if (text.length > 4) expect(JSON.stringify(result)).not.toContain(text.slice(0, 40))
  }
  await expect(find('a'.repeat(65_537))).rejects.toMatchObject({ code: 'invalid_input' })
})
