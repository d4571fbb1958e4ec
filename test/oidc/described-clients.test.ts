/**
 * Clients whose client ID is the URL of a document that describes them (draft-ietf-oauth-client-id-metadata-document; MCP authorization,
 * revision 2026-07-28): from the first request of a stranger to the tokens of a user.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runCli } from '../support/cli-in-process.ts'
import { assertionForm, newClientKey, signAssertion } from '../support/client-assertions.ts'
import { type DocumentHost, documentText, startDocumentHost } from '../support/document-host.ts'
import { jwkSet } from '../support/key-server.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together, until } from '../support/load.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { claimsOf, send } from '../support/requests.ts'
import { createPkce, openBrowser, type Page, signIn } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { enter, wordsOf } from '../web/console/console-visits.ts'
import { answerOf, CALLBACK, goOn, isAllow, isSignIn } from './application-fixtures.ts'

let server: Keywright
let host: DocumentHost
let account: string
let api: { identifier: string }
let person: Person

const permit = (value: string, hosts: string[] = []) =>
  server.knex('instance_settings').update({ client_id_documents: value, client_id_document_hosts: hosts })

beforeAll(async () => {
  host = await startDocumentHost()
  server = await startKeywright({ env: { OUTGOING_ALLOW: 'localhost' } })
  account = await server.make.account()
  api = await server.make.api({ scopes: ['read', 'write'] })
  person = await createTestUser(server.knex, server.firstStart.accountId)
  await server.knex('instance_settings').update({
    open_registration_account: account,
    open_registration_apis: [api.identifier],
    open_registration_scopes: ['read'],
  })
})

afterAll(async () => {
  await server?.stop()
  host?.stop()
})

beforeEach(async () => {
  await permit('open')
  // What a test asks for does not count against the limits of the next one.
  await server.knex('sign_in_limits').delete()
})

const pkce = createPkce()

const linkOf = (clientId: string, params: Record<string, string> = {}) =>
  `/oauth2/authorize?${new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    redirect_uri: CALLBACK,
    state: 'state-1',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
    ...params,
  })}`

const redeem = (clientId: string, code: string, redirectUri = CALLBACK, more: Record<string, string> = {}) =>
  server.token({
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: pkce.verifier,
    client_id: clientId,
    ...more,
  })

const clientsOf = (url: string) => server.knex('clients').where({ client_id: url })

/** Makes the document one that is to be fetched again. */
const expire = (url: string) =>
  server
    .knex('client_id_documents')
    .where({ client_id: url })
    .update({ fresh_until: server.knex.raw('now()'), claimed_at: server.knex.raw(`now() - interval '11 seconds'`) })

const visit = (link: string): Promise<Page> => openBrowser(server.url).visit(link)

describe('a client that describes itself', () => {
  test('is stored when its user has signed in, not before, and gets tokens within what the operator permits', async () => {
    const { url, requests } = host.publish({ scope: 'read write' })
    const browser = openBrowser(server.url)
    const first = await browser.visit(linkOf(url))
    expect([first.status, isSignIn(first)]).toEqual([200, true])
    expect(first.text).toContain('Editor')
    expect(await clientsOf(url)).toEqual([])

    const asked = await signIn(browser, first, person.email, person.password)
    expect(isAllow(asked)).toBe(true)
    expect(asked.text).toContain(host.host)
    expect(await clientsOf(url)).toMatchObject([{ account_id: account, is_public: true, name: 'Editor' }])
    const left = await goOn(browser, asked, person)
    const { code, iss } = answerOf(left)
    expect(iss).toBe(server.issuer)
    const { body } = await redeem(url, code!)
    expect(claimsOf(body.access_token)).toMatchObject({ client_id: url, aud: api.identifier, scope: 'read' })
    const refreshed = await server.token({
      grant_type: 'refresh_token',
      refresh_token: body.refresh_token,
      client_id: url,
    })
    expect(refreshed.status).toBe(200)
    expect(requests()).toBe(1)
  })

  test('asks its user once, and again when its document has other redirect URIs', async () => {
    const site = host.publish()
    const browser = openBrowser(server.url)
    await goOn(browser, await browser.visit(linkOf(site.url)), person)
    expect((await browser.visit(linkOf(site.url))).left).toBeDefined()

    await expire(site.url)
    const moved = 'https://app.example.com/moved'
    site.describe({ redirect_uris: [moved] })
    const asked = await browser.visit(linkOf(site.url, { redirect_uri: moved }))
    expect([asked.left, isAllow(asked)]).toEqual([undefined, true])
    const { code } = answerOf(await goOn(browser, asked, person))
    expect((await redeem(site.url, code!, moved)).status).toBe(200)
    expect((await browser.visit(linkOf(site.url, { redirect_uri: moved }))).left).toBeDefined()
    const refused = await browser.visit(linkOf(site.url))
    expect([refused.status, refused.left]).toEqual([400, undefined])
    const events = await server.knex('audit_log').where({ target_id: site.url, action: 'client.updated' })
    expect(events.map(({ actor_id }) => actor_id)).toEqual([site.url])
  })

  test('gets nothing back of what its user had allowed before its redirect URIs changed', async () => {
    await server.knex('instance_settings').update({ open_registration_scopes: null })
    const site = host.publish()
    const browser = openBrowser(server.url)
    await goOn(browser, await browser.visit(linkOf(site.url, { scope: 'read write' })), person)
    await expire(site.url)
    site.describe({ redirect_uris: [CALLBACK, 'https://app.example.com/more'] })
    await goOn(browser, await browser.visit(linkOf(site.url, { scope: 'read' })), person)
    const consents = server.knex('consents').join('clients', 'clients.id', 'consents.client_id')
    const [{ apis }] = await consents.where('clients.client_id', site.url).select('apis')
    expect(apis).toEqual({ [api.identifier]: ['read'] })
    await server.knex('instance_settings').update({ open_registration_scopes: ['read'] })
  })

  test('is shown with a warning where all of its redirect URIs are on the device of the user', async () => {
    const site = host.publish({ redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'] })
    const browser = openBrowser(server.url)
    const link = linkOf(site.url, { redirect_uri: 'http://127.0.0.1:5000/callback' })
    const asked = await signIn(browser, await browser.visit(link), person.email, person.password)
    expect(asked.text).toContain('It runs on your device')
    expect(asked.text).toContain(host.host)
  })

  test('can have keys on its own host if the operator has named it, and authenticates by them from then on', async () => {
    const key = await newClientKey('ES256', { kid: 'a' })
    const keys = host.publish()
    keys.respondText(jwkSet(key))
    const members = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: keys.url }
    const site = host.publish(members)
    expect((await visit(linkOf(site.url))).text).toContain('invalid_client')
    await permit('open', [host.host])
    const browser = openBrowser(server.url)
    const { code } = answerOf(await goOn(browser, await browser.visit(linkOf(site.url)), person))
    expect((await redeem(site.url, code!)).body.error).toBe('invalid_client')
    const assertion = await signAssertion(key, { clientId: site.url, audience: server.issuer })
    const { status, body } = await redeem(site.url, code!, CALLBACK, assertionForm(assertion))
    expect([status, claimsOf(body.access_token).client_id]).toEqual([200, site.url])

    await expire(site.url)
    site.describe({})
    const changed = await browser.visit(linkOf(site.url))
    expect([changed.status, changed.left]).toEqual([400, undefined])
    expect(await clientsOf(site.url)).toMatchObject([{ is_public: false, auth_method: 'private_key_jwt' }])
  })

  test('is archived by an admin, and then no user can sign in to it again', async () => {
    const site = host.publish()
    const browser = openBrowser(server.url)
    await goOn(browser, await browser.visit(linkOf(site.url)), person)
    await clientsOf(site.url).update({ status: 'archived' })
    for (const page of [await browser.visit(linkOf(site.url)), await visit(linkOf(site.url))])
      expect([page.status, page.left, isSignIn(page)]).toEqual([400, undefined, false])
    expect(await clientsOf(site.url)).toMatchObject([{ status: 'archived' }])
  })

  test('is fetched at no other endpoint, where it is known only once it is stored', async () => {
    const site = host.publish()
    const form = { grant_type: 'authorization_code', code: 'x', client_id: site.url }
    expect((await server.token(form)).body.error).toBe('invalid_client')
    const pushed = await send(`${server.url}/oauth2/par`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: site.url, response_type: 'code', redirect_uri: CALLBACK }),
    })
    expect([pushed.status, pushed.body.error]).toEqual([401, 'invalid_client'])
    expect(site.requests()).toBe(0)
  })
})

describe('a document that cannot be used', () => {
  const cases: [string, (site: ReturnType<DocumentHost['publish']>) => void][] = [
    ['of another URL', ({ respondText }) => respondText(documentText('https://other.example.com/client.json'))],
    [
      'with duplicate members',
      ({ url, respondText }) => respondText(`{"client_id":"${url}",${documentText(url).slice(1)}`),
    ],
    ['of 100 MB', ({ respond }) => respond(sendMuch)],
    [
      'that redirects to a private address',
      ({ respond }) => respond((response) => response.writeHead(302, { location: 'https://10.0.0.1/' }).end()),
    ],
    ['that is missing', ({ respond }) => respond((response) => response.writeHead(404).end())],
    ['with a client secret', ({ describe: say }) => say({ client_secret: 'secret' })],
    [
      'with keys on another host',
      ({ describe: say }) =>
        say({ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://other.example.com/jwks' }),
    ],
    ['without redirect URIs', ({ describe: say }) => say({ redirect_uris: undefined })],
    ['that is no JSON', ({ respondText }) => respondText('<html>')],
  ]

  test.each(cases)('%s is refused on a page, without a redirect, and nothing is stored', async (_name, prepare) => {
    const site = host.publish()
    prepare(site)
    const anonymous = await visit(linkOf(site.url))
    expect([anonymous.status, anonymous.left]).toEqual([400, undefined])
    const browser = await signedIn()
    const page = await browser.visit(linkOf(site.url))
    expect([page.status, page.left]).toEqual([400, undefined])
    expect(page.text).toContain('invalid_client')
    expect(await clientsOf(site.url)).toEqual([])
    const [{ settings }] = await server.knex('client_id_documents').where({ client_id: site.url })
    expect(settings).toBeNull()
    expect(site.requests()).toBe(1)
  })

  test('that is slow to arrive ends after five seconds', async () => {
    const site = host.publish()
    site.respond((response) => void response.writeHead(200, { 'content-type': 'application/json' }).write('{'))
    const page = await visit(linkOf(site.url))
    expect([page.status, page.left]).toEqual([400, undefined])
    expect(await clientsOf(site.url)).toEqual([])
  })

  test('at a private address is not called, and neither are other forms of a URL', async () => {
    const urls = [
      'https://10.0.0.1/client.json',
      'https://[::1]/client.json',
      `https://${host.host}/clients/../clients/1.json`,
      `https://user@${host.host}/clients/1.json`,
      `https://${host.host}/clients/1.json#fragment`,
      `https://${host.host}`,
    ]
    for (const url of urls) expect((await visit(linkOf(url))).status).toBe(400)
    expect(await server.knex('client_id_documents').whereIn('client_id', urls)).toEqual([])
  })
})

const sendMuch = (response: import('node:http').ServerResponse) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  const chunk = Buffer.alloc(64 * 1024, ' ')
  let left = 1600
  const go = () => {
    while (left-- > 0) if (!response.write(chunk)) return void response.once('drain', go)
    response.end()
  }
  response.on('error', () => undefined)
  go()
}

async function signedIn() {
  const browser = openBrowser(server.url)
  const { clientId } = await server.make.client(
    { grants: ['authorization_code'], isPublic: true, redirectUris: [CALLBACK] },
    [api.identifier],
  )
  await goOn(browser, await browser.visit(linkOf(clientId)), person)
  return browser
}

describe('the operator', () => {
  test('permits hosts: no other one is called', async () => {
    await permit('allowed_hosts', [host.host])
    const site = host.publish()
    expect(isSignIn(await visit(linkOf(site.url)))).toBe(true)
    await permit('allowed_hosts', ['app.example.com'])
    const other = host.publish()
    expect((await visit(linkOf(other.url))).status).toBe(400)
    expect((await visit(linkOf(site.url))).status).toBe(400)
    expect(other.requests()).toBe(0)
  })

  test('who permits none calls none, and lets a user sign in to no client that is known from before', async () => {
    const site = host.publish()
    const browser = openBrowser(server.url)
    await goOn(browser, await browser.visit(linkOf(site.url)), person)
    await permit('off')
    for (const url of [site.url, host.publish().url]) {
      const page = await browser.visit(linkOf(url))
      expect([page.status, page.left]).toEqual([400, undefined])
    }
    expect(site.requests()).toBe(1)
  })

  test('is protected from strangers who ask for many documents of one host', async () => {
    const sites = Array.from({ length: 25 }, () => host.publish())
    const pages = await together(25, (n) => visit(linkOf(sites[n]!.url)))
    const fetched = sites.filter(({ requests }) => requests() > 0).length
    expect(fetched).toBeGreaterThanOrEqual(20)
    expect(fetched).toBeLessThan(25)
    expect(pages.filter(({ status }) => status === 429)).toHaveLength(25 - fetched)
    const { url } = sites.find(({ requests }) => requests() === 0)!
    expect(await server.knex('client_id_documents').where({ client_id: url })).toEqual([])
  })

  test('lets the discovery documents say so', async () => {
    const isSupported = async () =>
      (await send(`${server.url}/.well-known/oauth-authorization-server`)).body.client_id_metadata_document_supported
    await until(async () => (await isSupported()) === true)
    await permit('off')
    await until(async () => (await isSupported()) === undefined)
  })

  test('and admins find such a client in the console, the API and the command line by its URL', async () => {
    const { url } = host.publish({ client_name: 'Notebook' })
    const browser = openBrowser(server.url)
    await goOn(browser, await browser.visit(linkOf(url)), person)
    const path = `/applications/${encodeURIComponent(url)}`
    const admin = await enter(server, await createTestUser(server.knex, account, 'admin'))
    const list = await admin.visit(`/applications?search=${encodeURIComponent(url)}`)
    expect(list.text).toContain(`href="${path}"`)
    expect((await admin.visit('/activity')).text).toContain(`href="${path}"`)
    for (const rest of ['', '/edit', '/archive']) {
      const page = await admin.visit(path + rest)
      expect([rest, page.status]).toEqual([rest, 200])
    }
    expect(wordsOf(await admin.visit(path))).toContain('by its client ID metadata document')

    const application = await managingApplication(server, account)
    const management = rawManagement(server.url, await managementToken(server, application))
    const { status, body } = await management.send('GET', path)
    expect([status, body]).toMatchObject([200, { client_id: url, registration: { source: 'metadata_document' } }])
    const shown = await runCli(['client', 'show', url, '--json'], server.env)
    expect(shown.json).toMatchObject({ client_id: url })
    expect((await management.json('POST', `${path}/archive`, {})).status).toBe(200)
    expect((await browser.visit(linkOf(url))).status).toBe(400)
  })

  test('sees which client ID was refused', async () => {
    const { url, respond } = host.publish()
    respond((response) => response.writeHead(404).end())
    await visit(linkOf(url))
    const samples = () => server.knex('refusal_samples').where({ claimed_id: url }).pluck('reason')
    await until(async () => (await samples()).length > 0)
    expect(await samples()).toEqual(['unknown_client'])
  })
})
