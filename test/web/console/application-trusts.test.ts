/** Applications with workload identity: registered, shown and given other trusts in the console, the API and the command line. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { keywright, runCli } from '../../support/cli-in-process.ts'
import { assertionForm } from '../../support/client-assertions.ts'
import { type Keywright, startKeywright } from '../../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../../support/management.ts'
import { githubClaims, type MockIssuer, newIssuerKey, signClaims, startMockIssuer } from '../../support/mock-issuer.ts'
import type { Browser } from '../../support/scriptless-browser.ts'
import { allRows, foundIn } from '../../support/secret-search.ts'
import { createTestUser } from '../../support/test-users.ts'
import { enter, wordsOf } from './console-visits.ts'
import { sendForm } from './filled-forms.ts'

let server: Keywright
let github: MockIssuer
let admin: Browser
let account: string

beforeAll(async () => {
  github = await startMockIssuer()
  server = await startKeywright({ env: { OUTGOING_ALLOW: '127.0.0.1' } })
  account = await server.make.account()
  admin = await enter(server, await createTestUser(server.knex, account, 'admin'))
})
afterAll(async () => {
  await server?.stop()
  await github?.stop()
})

const add = async (name: string, values: Record<string, string>) =>
  await sendForm(admin, await admin.visit('/applications/new?type=service'), /\/applications\/new$/, {
    name,
    ...values,
  })

const clientIdOf = async (name: string): Promise<string> =>
  (await server.knex('clients').where({ name }).first('client_id')).client_id

async function statusOf(clientId: string, repository: string): Promise<number> {
  const assertion = await github.sign(githubClaims(github.issuer, server.issuer, repository))
  const form = { grant_type: 'client_credentials', client_id: clientId, ...assertionForm(assertion) }
  return (await server.token(form)).status
}

const WORKLOAD = { authMethod: 'workload_identity' }

it('an admin registers it in the console, adds a trust, and retires and replaces trusts', async () => {
  await add('Deployment', { ...WORKLOAD, trustIssuer: github.issuer, trustConditions: 'repository=octo-org/app' })
  const clientId = await clientIdOf('Deployment')
  const one = `/applications/${clientId}`
  expect([await statusOf(clientId, 'octo-org/app'), await statusOf(clientId, 'octo-org/other')]).toEqual([200, 401])
  const words = wordsOf(await admin.visit(one))
  for (const text of ['Workload identity', `${github.issuer} · repository=octo-org/app`, 'Add trust', 'Replace trusts'])
    expect(words).toContain(text)
  expect(words).not.toMatch(/client secret|public key|CLIENT_SECRET/i)

  const trust = { trustIssuer: github.issuer, trustConditions: 'repository=octo-org/other\nenvironment=prod' }
  expect(wordsOf(await sendForm(admin, await admin.visit(`${one}/trusts/new`), /\/trusts\/new$/, trust))).toContain(
    'Trust added.',
  )
  expect([await statusOf(clientId, 'octo-org/app'), await statusOf(clientId, 'octo-org/other')]).toEqual([200, 200])

  const all = await admin.visit(`${one}/secrets`)
  const [, retire] = /href="([^"]*\/retire)"/.exec(all.text)!
  for (const page of [all, await admin.visit(retire!)]) {
    expect(wordsOf(page)).toMatch(/trust/i)
    expect(wordsOf(page)).not.toMatch(/client secret|public key|rotate secret/i)
  }
  const next = { trustIssuer: github.issuer, trustConditions: 'repository=octo-org/next', when: '0' }
  const replaced = await sendForm(admin, await admin.visit(`${one}/key`), /\/key$/, next)
  expect(wordsOf(replaced)).toContain('Trusts replaced.')
  expect([await statusOf(clientId, 'octo-org/app'), await statusOf(clientId, 'octo-org/next')]).toEqual([401, 200])
})

it('an admin edits a trust: tokens stay if it accepts more, and end if it accepts less', async () => {
  await add('Edited', { ...WORKLOAD, trustIssuer: github.issuer, trustConditions: 'repository=octo-org/app' })
  const clientId = await clientIdOf('Edited')
  const one = `/applications/${clientId}`
  const trustIds = async () => {
    const { items } = (await api.send('GET', `${one}/secrets`)).body
    return items.map(({ id }: { id: number }) => id)
  }
  const api = rawManagement(server.url, await managementToken(server, await managingApplication(server, account)))
  const [first] = await trustIds()
  const edit = async (id: number, values: Record<string, string>) =>
    await sendForm(admin, await admin.visit(`${one}/trusts/${id}/edit`), /\/edit$/, values)
  const active = async () =>
    (
      await server
        .knex('active_access_tokens as t')
        .join('clients as c', 'c.id', 't.client_key')
        .where('c.client_id', clientId)
    ).length
  expect(await statusOf(clientId, 'octo-org/app')).toBe(200)
  for (const path of [one, `${one}/secrets`])
    expect((await admin.visit(path)).text).toContain(`${one}/trusts/${first}/edit`)

  const page = await admin.visit(`${one}/trusts/${first}/edit`)
  expect(page.text).toMatch(/>\s*repository=octo-org\/app<\/textarea>/)
  expect(page.text).not.toContain('trustReadKeys')
  const both = 'repository=octo-org/app\nrepository=octo-org/lib'
  expect(wordsOf(await edit(first, { trustConditions: both }))).toContain('Tokens obtained with it stay valid')
  expect([await trustIds(), await active(), await statusOf(clientId, 'octo-org/lib')]).toEqual([[first], 1, 200])

  const narrowed = await edit(first, { trustConditions: 'repository=octo-org/lib', trustSingleUse: 'on' })
  expect(wordsOf(narrowed)).toContain('Tokens obtained with the earlier one are revoked')
  expect(await active()).toBe(0)
  expect([await statusOf(clientId, 'octo-org/app'), await statusOf(clientId, 'octo-org/lib')]).toEqual([401, 200])
  const [second, ...others] = await trustIds()
  expect([second === first, others]).toEqual([false, []])
  expect((await admin.visit(`${one}/trusts/${first}/edit`)).status).toBe(404)
  expect((await edit(second, { trustConditions: '' })).text).toMatch(/id="field-trustConditions-error"/)
  const latest = await server.knex('audit_log').where({ action: 'client.trust_changed' }).orderBy('id', 'desc').first()
  expect(latest.detail).toMatchObject({
    previous_conditions: both.split('\n'),
    conditions: ['repository=octo-org/lib'],
    tokens_revoked: true,
  })
})

it('the API and the command line change a trust, but not its issuer', async () => {
  const conditions = 'repository=octo-org/app'
  await add('Changed', { ...WORKLOAD, trustIssuer: github.issuer, trustConditions: conditions })
  const id = await clientIdOf('Changed')
  const api = rawManagement(server.url, await managementToken(server, await managingApplication(server, null)))
  const trustOf = async () => (await api.send('GET', `/applications/${id}/secrets`)).body.items[0]
  const { id: first } = await trustOf()
  const change = async (body: object, trustId = first) =>
    await api.json('PATCH', `/applications/${id}/trusts/${trustId}`, body, { 'if-match': '*' })
  const wide = [{ claim: 'repository', any_of: ['octo-org/app', 'octo-org/lib'] }]
  expect((await change({ conditions: wide })).body).toEqual({ id: first, tokens_revoked: false })
  for (const wrong of [{ issuer: 'https://x.example' }, { conditions: [] }, { jwks: 'x' }, {}, { conditions: wide }])
    expect((await change(wrong)).status).toBe(400)
  expect((await change({ audience: 'x' }, 1)).status).toBe(404)
  const { body } = await change({ audience: 'keywright', single_use: true })
  expect([body.tokens_revoked, body.id === first]).toEqual([true, false])
  expect((await trustOf()).trust).toMatchObject({ audience: 'keywright', single_use: true, conditions: wide })

  const cli = keywright(server.env)
  const changed = await cli(
    `client update-trust ${id} ${body.id} --trust-claim repository=octo-org/lib --trust-single-use off --json`,
  )
  expect(changed.secrets[0].trust).toMatchObject({
    audience: 'keywright',
    single_use: false,
    conditions: [{ claim: 'repository', any_of: ['octo-org/lib'] }],
  })
  expect((await runCli(['client', 'update-trust', id, 'x'], server.env)).code).toBe(2)
})

it('shows errors at their fields, and registers nothing', async () => {
  for (const [name, values, field, error] of [
    ['None', {}, 'trustIssuer', 'needs a trust'],
    ['No condition', { trustIssuer: 'https://issuer.example' }, 'trustConditions', '1 to 10 conditions'],
    ['Malformed', { trustIssuer: 'ftp://x', trustConditions: 'sub=x' }, 'trustIssuer', 'must begin with https'],
    ['Too wide', { trustPreset: 'github', trustWorkload: 'octo-org/*' }, 'trustWorkload', 'is named ORGANIZATION'],
    [
      'Everybody',
      { trustIssuer: 'https://token.actions.githubusercontent.com', trustConditions: 'ref=refs/heads/main' },
      'trustConditions',
      'anybody can get a token',
    ],
    ['Platform', { trustPreset: 'kubernetes', trustWorkload: 'a/b' }, 'trustIssuer', 'enter the issuer'],
  ] as const) {
    const page = await add(name, { ...WORKLOAD, ...values })
    expect([name, page.status]).toEqual([name, 400])
    expect(page.text).toMatch(new RegExp(`id="field-${field}-error"[^>]*>[^<]*${error}`, 'i'))
    expect(await server.knex('clients').where({ name })).toEqual([])
  }
})

it('the usage page shows the admin which claim did not match', async () => {
  await add('Refused', { ...WORKLOAD, trustIssuer: github.issuer, trustConditions: 'repository=octo-org/app' })
  const clientId = await clientIdOf('Refused')
  expect(await statusOf(clientId, 'evil-org/app')).toBe(401)
  await expect
    .poll(async () => wordsOf(await admin.visit(`/usage/${clientId}`)))
    .toContain('repository: evil-org/app (required: octo-org/app)')
})

it('is registered by a preset on the command line, and given trusts there and through the API', async () => {
  const cli = keywright(server.env)
  const created = await cli(
    `client create --account ${account} --name Preset --type service --trust-preset github --trust-workload octo-org/app --trust-claim environment=prod --json`,
  )
  expect(created.client_secret).toBeUndefined()
  expect(created).toMatchObject({ auth_method: 'workload_identity' })
  expect(created.secrets[0].trust).toEqual({
    issuer: 'https://token.actions.githubusercontent.com',
    audience: null,
    conditions: [
      { claim: 'repository', any_of: ['octo-org/app'] },
      { claim: 'environment', any_of: ['prod'] },
    ],
    single_use: false,
    has_keys: false,
  })
  const id = created.client_id
  const claims = `--trust-issuer ${github.issuer} --trust-claim repository=octo-org/app --trust-claim repository=octo-org/lib`
  const added = await cli(`client add-trust ${id} ${claims}`)
  expect(added.secrets).toHaveLength(2)
  expect(await statusOf(id, 'octo-org/lib')).toBe(200)
  expect((await runCli(['client', 'add-trust', id, ...claims.split(' ')], server.env)).code).toBe(2)

  const token = await managementToken(server, await managingApplication(server, null))
  const api = rawManagement(server.url, token)
  const trusts = `/applications/${id}/trusts`
  const trust = { issuer: github.issuer, conditions: [{ claim: 'repository', any_of: ['octo-org/third'] }] }
  expect((await api.json('POST', trusts, { trust })).status).toBe(204)
  expect(await statusOf(id, 'octo-org/third')).toBe(200)
  for (const wrong of [{ ...trust, conditions: [] }, { ...trust, issuer: 'x' }, { ...trust, other: 1 }, trust])
    expect((await api.json('POST', trusts, { trust: wrong })).status).toBe(400)
  const { items } = (await api.send('GET', `/applications/${id}/secrets`)).body
  expect(items[0]).toMatchObject({ kind: 'trust', trust: { ...trust, audience: null, single_use: false } })
  const secret = await api.json('POST', '/applications', {
    account_id: account,
    name: 'x',
    type: 'service',
    trust,
    auth_method: 'client_secret',
  })
  expect(secret.status).toBe(400)
})

const checkIn = async (path: string, token: string) =>
  await sendForm(admin, await admin.visit(path), /\/trusts\/check$/, { token })

it('an admin sees in the console which claim of a token a trust does not accept, and nothing of the token is kept', async () => {
  const conditions = 'repository=octo-org/app\nenvironment=prod'
  await add('Compared', { ...WORKLOAD, trustIssuer: github.issuer, trustConditions: conditions })
  const path = `/applications/${await clientIdOf('Compared')}/trusts/check`
  const claims = githubClaims(github.issuer, server.issuer, 'octo-org/app')
  const good = await github.sign(claims)
  expect(wordsOf(await checkIn(path, good))).toContain('The token meets a trust')

  const other = await github.sign({ ...claims, repository: 'octo-org/other' })
  const page = await checkIn(path, other)
  const words = wordsOf(page)
  expect(words).toContain('The token meets no trust')
  expect(words).toMatch(/repository octo-org\/other octo-org\/app Not met/)
  expect(words).toMatch(/environment prod prod Met/)
  expect(page.text).not.toContain(other)

  const kept = { good, other, signature: other.split('.')[2]! }
  expect(foundIn(await allRows(server.knex), kept)).toEqual([])
  expect(foundIn(JSON.stringify(server.logLines()), kept)).toEqual([])
  expect(wordsOf(await checkIn(path, 'no token'))).toContain('The token was not checked')
})

it('says in German which patterns a trust accepts', async () => {
  const conditions = 'repository=octo-org/app\nrepository=octo-org/lib\nrepository=octo-org/web'
  await add('Several', { ...WORKLOAD, trustIssuer: github.issuer, trustConditions: conditions })
  const path = `/applications/${await clientIdOf('Several')}/trusts/check`
  const token = await github.sign(githubClaims(github.issuer, server.issuer, 'octo-org/other'))
  await admin.visit('/language?to=de&return_to=%2F')
  const words = wordsOf(await checkIn(path, token))
  await admin.visit('/language?to=en&return_to=%2F')
  expect(words).toContain('octo-org/app oder octo-org/lib oder octo-org/web')
  expect(wordsOf(await checkIn(path, token))).toContain('octo-org/app or octo-org/lib or octo-org/web')
})

it('admins of an account do not read what answers at the address of an issuer, and operators do', async () => {
  const failing = await startMockIssuer()
  failing.respond = (_, response) => void response.writeHead(503).end()
  await add('Unreachable', { ...WORKLOAD, trustIssuer: failing.issuer, trustConditions: 'sub=x' })
  const id = await clientIdOf('Unreachable')
  const token = await failing.sign({ iss: failing.issuer, sub: 'x', aud: server.issuer, exp: 2e9 })
  const words = wordsOf(await checkIn(`/applications/${id}/trusts/check`, token))
  expect(words).toContain('The keys of the trusted issuer could not be read')
  expect(words).not.toMatch(/503|openid-configuration/)
  const failureFor = async (accountId: string | null) => {
    const api = rawManagement(server.url, await managementToken(server, await managingApplication(server, accountId)))
    return (await api.json('POST', `/applications/${id}/trusts/check`, { token })).body.trusts[0].failure
  }
  expect(await failureFor(account)).toBe('the keys of the issuer could not be read')
  expect(await failureFor(null)).toContain('responded with status 503')
  await failing.stop()
})

it('the API and the command line compare a token to each trust, and say why it could not be verified', async () => {
  await add('Verified', { ...WORKLOAD, trustIssuer: github.issuer, trustConditions: 'repository=octo-org/app' })
  const id = await clientIdOf('Verified')
  const api = rawManagement(server.url, await managementToken(server, await managingApplication(server, null)))
  const compare = async (token: string) => await api.json('POST', `/applications/${id}/trusts/check`, { token })
  const claims = githubClaims(github.issuer, server.issuer, 'octo-org/app')
  const good = await github.sign(claims)
  const met = await compare(good)
  expect([met.status, met.body.is_met, met.body.trusts[0].reason]).toEqual([200, true, null])

  const forged = await signClaims(await newIssuerKey('first'), claims)
  const elsewhere = await github.sign({ ...claims, iss: 'https://issuer.example' })
  for (const [token, expected] of [
    [forged, { is_met: false, reason: 'identity_key', checks: [] }],
    [elsewhere, { is_met: false, reason: 'issuer_not_trusted', checks: [{ claim: 'iss', is_met: false }] }],
    [await github.sign({ ...claims, exp: 1 }), { is_met: false, reason: 'identity_expired', failure: null }],
  ] as const)
    expect((await compare(token)).body.trusts).toMatchObject([expected])
  expect((await compare('no token')).status).toBe(400)

  const cli = keywright({ ...server.env, ISSUER: server.issuer })
  expect(await cli(`client check-token ${id} ${good} --json`)).toMatchObject({ client_id: id, is_met: true })
  const shown = await cli(`client check-token ${id} ${forged} --json`)
  expect(shown.trusts).toMatchObject([{ reason: 'identity_key', failure: expect.stringContaining('signed') }])
})
