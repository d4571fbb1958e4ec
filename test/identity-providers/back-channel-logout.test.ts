/** Logout tokens of a provider (OpenID Connect Back-Channel Logout 1.0), which end the sessions that came of its own. */
import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { lockCredentials } from '../../src/accounts/credentials.ts'
import { networkBudget } from '../../src/accounts/sign-in-limits.ts'
import {
  deleteOldUpstreamSessions,
  endUpstreamSession,
  upstreamSessionHash,
} from '../../src/identity-providers/upstream-sessions.ts'
import {
  deleteIdentity,
  findIdentity,
  insertIdentity,
  isIdentityCurrent,
  recordIdentityUse,
} from '../../src/identity-providers/user-identities.ts'
import { createApplication, goOn } from '../oidc/application-fixtures.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { untilLocked } from '../support/lock-waits.ts'
import { type Answer, claimsOf, metricOf, postForm, send } from '../support/requests.ts'
import type { Browser } from '../support/scriptless-browser.ts'
import { addTestApp } from '../support/second-factors.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { json, type Script, startScriptedProvider } from './scripted-provider.ts'
import { addProvider, openUpstream, signInThrough } from './upstream-environment.ts'

type Upstream = Awaited<ReturnType<typeof openUpstream>>

let upstream: Upstream
let other: Keywright
let acme: string
let person: Person
let listener: Server
/** The logout tokens that an application received. */
const received: string[] = []

beforeAll(async () => {
  listener = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push(new URLSearchParams(body).get('logout_token')!)
    response.end()
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  upstream = await openUpstream()
  const { env } = upstream.server
  other = await startKeywright({ env, databaseUrl: env.DATABASE_URL! })
  acme = await upstream.add()
  person = await newPerson()
})
afterEach(() => upstream.provider.script({}))
afterAll(async () => {
  const failures = upstream.server.logLines().filter((line) => line.status === 500)
  expect(failures).toEqual([])
  await other.stop()
  await upstream.stop()
  listener.close()
})

async function newPerson(): Promise<Person> {
  const { server } = upstream
  const person = await createTestUser(server.knex, server.firstStart.accountId)
  await server.knex('users').where({ id: person.id }).update({ email_verified: true })
  return person
}

const subjectOf = ({ id }: Person) => `sub-${id}`

/** A browser in which somebody signed in by a session of the provider. */
async function enter(sid: string | undefined, who = person): Promise<Browser> {
  const claims = { sub: subjectOf(who), email: who.email, email_verified: true, ...(sid && { sid }) }
  return (await signInThrough(upstream, acme, claims)).browser
}

const isSignedIn = async (browser: Browser): Promise<boolean> =>
  !(await browser.visit('/account/security')).url.includes('/signin')

const announce = (token: string, { url }: { url: string } = other, provider = acme): Promise<Answer> =>
  postForm(`${url}/oauth2/backchannel-logout/${provider}`, { logout_token: token })

const newSid = () => randomUUID()

describe('a sign-out at the provider', () => {
  test('ends the session here that came of its session, at any node, and no other', async () => {
    const [sid, otherSid] = [newSid(), newSid()]
    const [ended, kept] = [await enter(sid), await enter(otherSid)]
    const { status, headers } = await announce(upstream.provider.logoutToken({ sid, sub: subjectOf(person) }))
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
    expect([await isSignedIn(ended), await isSignedIn(kept)]).toEqual([false, true])
    expect((await announce(upstream.provider.logoutToken({ sid: otherSid }))).status).toBe(200)
    expect(await isSignedIn(kept)).toBe(false)
  })

  test('from all its sessions ends all that came of them, and none of another user or another way to sign in', async () => {
    const neighbour = await newPerson()
    const sessions = [await enter(newSid()), await enter(undefined)]
    const beside = await enter(newSid(), neighbour)
    expect((await announce(upstream.provider.logoutToken({ sub: subjectOf(person) }))).status).toBe(200)
    for (const browser of sessions) expect(await isSignedIn(browser)).toBe(false)
    expect(await isSignedIn(beside)).toBe(true)
    expect(await isSignedIn(await enter(newSid()))).toBe(true)
  })

  test('ends sessions whose ID token named no session of the provider', async () => {
    const browser = await enter(undefined)
    await announce(upstream.provider.logoutToken({ sub: subjectOf(person), sid: newSid() }))
    expect(await isSignedIn(browser)).toBe(false)
  })

  test('notifies the applications of the session, and the activity log names the provider', async () => {
    const { server, provider } = upstream
    const uri = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/logout`
    const application = await createApplication(server, { backchannelLogoutUri: uri, consent: 'skip' })
    const sid = newSid()
    const browser = await enter(sid)
    const left = await goOn(browser, await browser.visit(application.link()), person)
    expect(left.searchParams.get('code')).toBeTruthy()
    await announce(provider.logoutToken({ sid }))
    expect(received.map((token) => claimsOf(token))).toMatchObject([{ sub: person.id, aud: application.clientId }])
    const events = await server.knex('audit_log').where({ action: 'user.sessions_ended_by_provider' })
    expect(events.at(-1)).toMatchObject({ target_id: person.id, detail: { identity_provider: acme, sessions: 1 } })
  })

  test.each(['sid', 'sub'])('ends a sign-in that is still under way (%s)', async (by) => {
    const careful = await newPerson()
    const app = await addTestApp(upstream.server.knex, upstream.server.instance.encryptionKeys, careful.id)
    const sid = newSid()
    const claims = { sub: subjectOf(careful), email: careful.email, email_verified: true, sid }
    const { page, browser } = await signInThrough(upstream, acme, claims)
    await announce(upstream.provider.logoutToken(by === 'sid' ? { sid } : { sub: subjectOf(careful) }))
    await app.forgetUse()
    await browser.submit(page, /\/factor$/, { code: await app.code() })
    expect(await isSignedIn(browser)).toBe(false)
  })

  test('waits for a sign-in that is being recorded, and ends the session of the user', async () => {
    const { knex } = upstream.server
    const busy = await newPerson()
    const browser = await enter(undefined, busy)
    const { id } = (await findIdentity(knex, acme, subjectOf(busy)))!
    const token = upstream.provider.logoutToken({ sub: subjectOf(busy) })
    const { answer } = await knex.transaction(async (trx) => {
      await lockCredentials(trx, busy.id)
      const answer = announce(token)
      await untilLocked({ query: (text) => knex.raw(text) }, answer)
      await recordIdentityUse(trx, id)
      return { answer }
    })
    expect((await answer).status).toBe(200)
    expect(await isSignedIn(browser)).toBe(false)
  })

  test('ends the sessions of an identity that was removed and linked again while the token waited', async () => {
    const { knex } = upstream.server
    const busy = await newPerson()
    await enter(undefined, busy)
    const provider = { providerId: acme, subject: subjectOf(busy) }
    const { id } = (await findIdentity(knex, acme, subjectOf(busy)))!
    const token = upstream.provider.logoutToken({ sub: subjectOf(busy) })
    const linked = await knex.transaction(async (trx) => {
      await lockCredentials(trx, busy.id)
      const answer = announce(token)
      await untilLocked({ query: (text) => knex.raw(text) }, answer)
      await deleteIdentity(trx, { userId: busy.id, identityId: id })
      return { answer, identityId: await insertIdentity(trx, { ...provider, userId: busy.id }) }
    })
    expect((await linked.answer).status).toBe(200)
    const began = { id: linked.identityId!, revocationEpoch: 1, identityEpoch: 1 }
    expect(await isIdentityCurrent(knex, began)).toBe(false)
    expect(await isIdentityCurrent(knex, { ...began, identityEpoch: 2 })).toBe(true)
  })

  test('of an unknown session or subject ends nothing, and is accepted', async () => {
    const browser = await enter(newSid())
    for (const claims of [{ sid: newSid() }, { sub: 'nobody' }])
      expect((await announce(upstream.provider.logoutToken(claims))).status).toBe(200)
    expect(await isSignedIn(browser)).toBe(true)
  })
})

describe('the end of a session of a provider', () => {
  test('is kept while a session here, or a sign-in that is under way, may come of it, and no longer', async () => {
    const { knex } = upstream.server
    const [old, recent, present] = [newSid(), newSid(), newSid()]
    const browser = await enter(present)
    for (const sid of [old, recent, present]) await endUpstreamSession(knex, upstreamSessionHash(acme, sid))
    const ended = (sid: string) =>
      knex('ended_upstream_sessions').where({ session_hash: upstreamSessionHash(acme, sid) })
    for (const sid of [old, present]) await ended(sid).update({ ended_at: knex.raw(`now() - interval '3 hours'`) })
    while ((await deleteOldUpstreamSessions(knex, 1000)) > 0);
    expect(await Promise.all([old, recent, present].map(async (sid) => (await ended(sid)).length))).toEqual([0, 1, 1])
    expect(await isSignedIn(browser)).toBe(false)
  })
})

describe('a logout token', () => {
  test('is used once, by whichever node', async () => {
    const token = upstream.provider.logoutToken({ sub: 'nobody' })
    const nodes = [upstream.server, other]
    const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => announce(token, nodes[n % 2]!)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const refused = answers.filter(({ status }) => status === 400)
    expect(refused).toHaveLength(9)
    expect(refused[0]!.body).toMatchObject({
      error: 'invalid_request',
      error_description: expect.stringMatching(/used before/),
    })
  })

  const now = () => Math.floor(Date.now() / 1000)
  const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
  const foreignKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

  const WRONG: readonly (readonly [string, Script])[] = [
    ['another issuer', { claims: { iss: 'https://other.example.com' } }],
    ['another audience', { claims: { aud: 'another-client' } }],
    ['no audience', { claims: { aud: undefined } }],
    ['an end in the past', { claims: { exp: now() - 600 } }],
    ['no end', { claims: { exp: undefined } }],
    ['a begin in the future', { claims: { iat: now() + 600 } }],
    ['a begin long ago', { claims: { iat: now() - 86_400, exp: now() + 86_400 } }],
    ['no begin', { claims: { iat: undefined } }],
    ['no events', { claims: { events: undefined } }],
    ['another event', { claims: { events: { 'http://schemas.example.com/event': {} } } }],
    ['an event that is no object', { claims: { events: { [EVENT]: 'yes' } } }],
    ['events in a list', { claims: { events: [EVENT] } }],
    ['a nonce', { claims: { nonce: 'n' } }],
    ['no jti', { claims: { jti: undefined } }],
    ['a jti that is no text', { claims: { jti: 7 } }],
    ['neither sub nor sid', { claims: { sid: undefined, sub: undefined } }],
    ['a sid that is no text', { claims: { sid: { a: 1 } } }],
    ['a long sid', { claims: { sid: 'x'.repeat(300) } }],
    ['the key of another', { signsWith: foreignKey }],
    ['an unknown key', { header: { kid: 'unknown' } }],
    ['no algorithm', { header: { alg: 'none' } }],
    ['the type of an access token', { header: { typ: 'at+jwt' } }],
    ['an unknown critical header', { header: { crit: ['x'], x: 1 } }],
  ]

  test.each(WRONG)('with %s is refused and ends nothing', async (_, script) => {
    const sid = newSid()
    const browser = await enter(sid)
    upstream.provider.script(script)
    const { status, body } = await announce(upstream.provider.logoutToken({ sid, sub: subjectOf(person) }))
    expect([status, body.error]).toEqual([400, 'invalid_request'])
    expect(await isSignedIn(browser)).toBe(true)
  })

  test('that is signed with the client secret is refused', async () => {
    const { provider } = upstream
    const [, claims] = provider.logoutToken({ sub: subjectOf(person) }).split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'logout+jwt' })).toString('base64url')
    const signature = createHmac('sha256', provider.clientSecret).update(`${header}.${claims}`).digest('base64url')
    expect((await announce(`${header}.${claims}.${signature}`)).status).toBe(400)
  })

  test('of another provider, of one that is disabled, or of none is refused', async () => {
    const second = await startScriptedProvider()
    const secondId = await addProvider(upstream.server, second)
    const token = upstream.provider.logoutToken({ sub: subjectOf(person) })
    for (const id of [secondId, randomUUID(), 'x']) expect((await announce(token, other, id)).status).toBe(400)
    await upstream.server.knex('identity_providers').where({ id: secondId }).update({ status: 'disabled' })
    expect((await announce(second.logoutToken({ sub: 'x' }), other, secondId)).status).toBe(400)
    second.stop()
  })

  test('cannot be verified while the keys cannot be read: the provider may try again', async () => {
    const second = await startScriptedProvider()
    const secondId = await addProvider(upstream.server, second)
    second.script({ jwks: (response) => json(response, { error: 'server_error' }, 500) })
    const token = second.logoutToken({ sub: 'x' })
    expect((await announce(token, other, secondId)).status).toBe(503)
    second.script({})
    expect((await announce(token, upstream.server, secondId)).status).toBe(200)
    second.stop()
  })

  test.each([
    ['no token', ''],
    ['an empty token', 'logout_token='],
    ['two tokens', 'logout_token=a&logout_token=b'],
    ['no JWT', 'logout_token=abc'],
    ['a NUL', 'logout_token=%00'],
    ['a large body', `logout_token=${'a'.repeat(70_000)}`],
  ])('is missing or malformed: %s', async (_, body) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const { status } = await send(`${other.url}/oauth2/backchannel-logout/${acme}`, { method: 'POST', headers, body })
    expect([400, 413]).toContain(status)
  })

  test('is sent by POST', async () => {
    expect((await send(`${other.url}/oauth2/backchannel-logout/${acme}`)).status).toBe(405)
    expect(await metricOf(other.url, 'keywright_upstream_logouts_total', 'outcome="accepted"')).toBeGreaterThan(0)
  })

  test('is refused while its network has no attempts left, which only those that are not valid use up', async () => {
    const limit = () => upstream.server.knex('sign_in_limits').where({ key: networkBudget('127.0.0.1').key })
    await limit().delete()
    const token = () => upstream.provider.logoutToken({ sub: 'nobody' })
    expect((await announce(token())).status).toBe(200)
    expect(await limit().whereRaw('arrival_at > now()')).toEqual([])
    expect((await announce('wrong')).status).toBe(400)
    await limit().update({ arrival_at: upstream.server.knex.raw(`now() + interval '1 hour'`) })
    const { status, headers, body } = await announce(token())
    expect([status, body.error]).toEqual([429, 'rate_limit_exceeded'])
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    await limit().delete()
  })

  test('counts under one endpoint label, whichever provider it is for', async () => {
    const labels = 'endpoint="/oauth2/backchannel-logout",error="invalid_request"'
    await announce('wrong', other, randomUUID())
    expect(await metricOf(other.url, 'keywright_requests_refused_total', labels)).toBeGreaterThan(0)
  })
})
