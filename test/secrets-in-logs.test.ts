import { randomBytes } from 'node:crypto'
import { generate } from 'otplib'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DEVICE_CODE_GRANT } from '../src/clients/grant-types.ts'
import { openDatabase } from '../src/database/open-database.ts'
import { openKeyRings } from '../src/keys/key-ring.ts'
import { createEncryptionKeys } from '../src/shared/encryption-keys.ts'
import { keywright } from './support/cli-in-process.ts'
import type { Environment } from './support/environment.ts'
import { CALLBACK } from './support/factory.ts'
import { together } from './support/load.ts'
import { untilLocked } from './support/lock-waits.ts'
import { createTestDatabase, type TestDatabase } from './support/postgres.ts'
import { basicHeader, endpointsOf, postForm, send } from './support/requests.ts'
import { type Browser, openBrowser, type Page, formsOf as pageForms, signIn } from './support/scriptless-browser.ts'
import { foundIn } from './support/secret-search.ts'
import { type ServerProcess, startServerProcess } from './support/server-process.ts'
import { authorizationOf, linkOf, redemptionOf } from './support/signed-in-browsers.ts'

let database: TestDatabase
let env: Environment
let cli: ReturnType<typeof keywright>
let direct: pg.Client
let server: ServerProcess
let endpoints: ReturnType<typeof endpointsOf>
let metrics = ''
/** Every secret that the run used, by a name that a failure may tell. */
const secrets: Record<string, string> = {}

function keep(name: string, value: unknown): string {
  expect(value, name).toEqual(expect.any(String))
  secrets[`${name} ${Object.keys(secrets).length}`] = value as string
  return value as string
}

interface Client {
  clientId: string
  clientSecret: string
  apiKey?: string
}

function client(name: string, made: { client_id: string; client_secret: string; api_key?: string }): Client {
  if (made.api_key) keep(`API key of ${name}`, made.api_key)
  keep(`Basic of ${name}`, basicHeader({ clientId: made.client_id, clientSecret: made.client_secret }).slice(6))
  const clientSecret = keep(`secret of ${name}`, made.client_secret)
  return { clientId: made.client_id, clientSecret, apiKey: made.api_key }
}

function keepTokens(name: string, body: { access_token?: string; refresh_token?: string }): void {
  keep(`access token of ${name}`, body.access_token)
  keep(`signature of ${name}`, body.access_token!.split('.')[2])
  if (body.refresh_token) keep(`refresh token of ${name}`, body.refresh_token)
}

/** What goes right: every kind of client, token and secret, and their ends. */
async function useEverything(account: string, api: Client): Promise<Client> {
  const owner = `client create --account ${account} --name full --grants client_credentials`
  const on = '--query-credentials on --client-credentials-refresh on --api-key on'
  const full = client('full', await cli(`${owner} ${on}`))
  const headers = { 'x-api-key': full.apiKey! }
  const first = (await endpoints.machineToken(full, {}, { headers })).body
  keepTokens('first', first)
  const query = { grant_type: 'client_credentials', client_id: full.clientId, client_secret: full.clientSecret }
  keepTokens('query', (await endpoints.token({}, { query, headers })).body)
  const refresh = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
  keepTokens('refreshed', (await endpoints.token(refresh, { basic: full, headers })).body)
  keepTokens('retried', (await endpoints.token(refresh, { basic: full, headers })).body)
  for (const asked of [api, full]) await endpoints.introspect(first.access_token, asked)
  const accept = { headers: { accept: 'application/token-introspection+jwt' } }
  keep('signed answer', (await endpoints.introspect(first.access_token, api, accept)).text)
  await endpoints.introspect(first.refresh_token, full)
  await endpoints.revoke(first.access_token, full)
  const rotated = client('rotated', await cli(`client rotate-secret ${full.clientId} --overlap 600`))
  keepTokens('overlap', (await endpoints.machineToken(full, {}, { headers })).body)
  return rotated
}

/** What goes wrong: the secrets in places where they are refused, and where they do not belong. */
async function misuse(good: Client): Promise<void> {
  const { clientId, clientSecret, apiKey } = good
  const headers = { 'x-api-key': apiKey! }
  await endpoints.machineToken({ clientId, clientSecret: keep('wrong secret', `kws_${'Wrong'.repeat(10)}`) }, {}, {})
  await endpoints.machineToken({ clientId: clientSecret, clientSecret: clientId }, {}, { headers })
  await endpoints.machineToken(good, {}, { headers: { 'x-api-key': clientSecret } })
  await endpoints.machineToken(good, { client_secret: clientSecret }, { headers })
  await endpoints.machineToken(good, { scope: 'x', audience: 'urn:x' }, { headers })
  await endpoints.token({ client_id: `${clientId}\0`, client_secret: clientSecret }, { headers })
  await endpoints.token(
    { grant_type: 'refresh_token', refresh_token: keep('made up', `kwr_${'x'.repeat(92)}`) },
    { basic: good, headers },
  )
  await endpoints.token({ grant_type: clientSecret }, { basic: good, headers })
  for (const path of ['/oauth2/token', '/oauth2/introspect', '/nowhere', '/']) {
    const query = { client_secret: clientSecret, token: apiKey!, access_token: apiKey! }
    await endpoints.token(
      {},
      { path, query, headers: { cookie: `session=${clientSecret}`, authorization: `Bearer ${apiKey}` } },
    )
  }
}

/** Whatever of a page its browser alone may know: its cookies, and what its forms carry. */
function keepPage(name: string, browser: Browser, page: Page): Page {
  for (const [cookie, { value }] of browser.cookies) keep(`cookie ${cookie.split(' ')[0]} at ${name}`, value)
  for (const { fields } of pageForms(page)) {
    for (const [field, value] of Object.entries(fields)) {
      if (/^(csrf|xsrf|ticket|offer)$/.test(field)) keep(`${field} at ${name}`, value)
    }
  }
  const [, uid] = /\/interaction\/([^/?]+)/.exec(page.url) ?? []
  if (uid) keep(`interaction at ${name}`, uid)
  return page
}

const keepCode = (name: string, page: Page) => keep(`code of ${name}`, page.left!.searchParams.get('code'))

/** Somebody's first sign-in, with the password that they were given and the one that they choose. */
async function arrive(browser: Browser, app: Client, person: { email: string; password: string }) {
  const { form, verifier } = authorizationOf(app, { scope: 'openid email offline_access all', state: 'x', nonce: 'y' })
  const asked = keepPage('sign-in', browser, await browser.visit(linkOf(form)))
  const wrong = keep('wrong password', 'Not-The-Password-Of-Anybody-7')
  const refused = await signIn(browser, asked, person.email, wrong)
  const choice = keepPage('choice', browser, await signIn(browser, refused, person.email, person.password))
  const password = keep('chosen password', 'A-Walrus-Knits-Quietly-At-Dawn')
  const consent = await browser.submit(choice, /password$/, { password, repeat: password })
  const allowed = await browser.submit(keepPage('consent', browser, consent), /allow$/)
  const code = keepCode('consent', keepPage('allowed', browser, allowed))
  keep('code verifier', verifier)
  return { code, verifier }
}

/** A pushed request, and a device. */
async function comeBack(browser: Browser, app: Client): Promise<void> {
  const { form, verifier } = authorizationOf(app, { scope: 'all' })
  const pushed = await postForm(`${server.url}/oauth2/par`, form, { basic: app })
  keep('pushed request', pushed.body.request_uri.split(':').at(-1))
  const link = linkOf({ client_id: app.clientId, request_uri: pushed.body.request_uri })
  const code = keepCode('pushed request', keepPage('pushed request', browser, await browser.visit(link)))
  await browser.visit(link)
  const wrong = { ...redemptionOf({ code, verifier }), code_verifier: keep('wrong verifier', 'w'.repeat(50)) }
  expect((await endpoints.token(wrong, { basic: app })).status).toBe(400)
  keepTokens('pushed request', (await endpoints.token(redemptionOf({ code, verifier }), { basic: app })).body)

  const device = (
    await postForm(`${server.url}/oauth2/device`, { client_id: app.clientId, scope: 'all' }, { basic: app })
  ).body
  keep('device code', device.device_code)
  keep('user code', device.user_code)
  keep('plain user code', device.user_code.replaceAll('-', ''))
  await browser.visit(`/device?user_code=${device.user_code}`)
  const typing = keepPage('device', browser, await browser.visit('/device'))
  const typed = keepPage('typed', browser, await browser.submit(typing, /device$/, { user_code: device.user_code }))
  const poll = { grant_type: DEVICE_CODE_GRANT, device_code: device.device_code }
  await endpoints.token(poll, { basic: app })
  keepPage('connected', browser, await browser.submit(typed, /device$/, { confirm: 'yes' }))
  keepTokens('device', (await endpoints.token(poll, { basic: app })).body)
}

/** Everything of people where it is refused, and where it does not belong. */
async function misuseUsers(browser: Browser, code: string): Promise<void> {
  const uid = keep('made up interaction', 'UiDOfNobodyAtAll_0123456789abcdef')
  const query = `?code=${code}&access_token=${code}&password=${code}`
  for (const path of [`/interaction/${uid}`, `/oauth2/authorize/${uid}`, `/device/${uid}`, '/nowhere', '/signin']) {
    await browser.visit(`${path}${query}`)
    await browser.visit(path, {
      method: 'POST',
      body: new URLSearchParams({ csrf: code, password: code, email: code }),
    })
  }
  const session = [...browser.cookies].find(([name]) => name.includes('session'))![1].value
  await browser.visit(`/oauth2/authorize/${session}`)
}

/** The people's half: sign-in, consent, codes, pushed requests, devices, refreshing, signing out. */
/** Adds an authenticator app, and signs in elsewhere with wrong codes and a recovery code. */
async function useSecondFactor(browser: Browser, email: string): Promise<void> {
  const page = keepPage('authenticator app', browser, await browser.visit('/account/security/apps'))
  const key = keep('key of an app', /totp-key">([A-Z2-7 ]+)</.exec(page.text)?.[1])
  const secret = keep('secret of an app', key.replaceAll(' ', ''))
  const added = await browser.submit(page, /\/apps$/, { name: '', code: await generate({ secret }) })
  const codes = [...added.text.matchAll(/<li>([0-9a-z-]{19})<\/li>/g)].map(([, code]) => keep('recovery code', code))
  const elsewhere = openBrowser(server.url)
  const asked = await signIn(elsewhere, await elsewhere.visit('/signin'), email, 'A-Walrus-Knits-Quietly-At-Dawn')
  let now = keepPage('second factor', elsewhere, asked)
  for (const code of [secret, codes[0]!])
    now = keepPage('wrong code', elsewhere, await elsewhere.submit(now, /\/factor$/, { code }))
  const form = { ...now, text: now.text.slice(now.text.indexOf('</form>') + 7) }
  await elsewhere.submit(form, /\/factor$/, { recovery_code: codes[1]! })
  keepPage('security', elsewhere, await elsewhere.visit('/account/security'))
}

async function useEngineAccounts(account: string): Promise<void> {
  const owner = `client create --account ${account} --name people --redirect-uri ${CALLBACK} --grants`
  const app = client('application', await cli(owner, `authorization_code refresh_token ${DEVICE_CODE_GRANT}`))
  const person = await cli(`user create --account ${account} --role member --email three@keywright.example`)
  keep('one-time password', person.password)
  const browser = openBrowser(server.url)
  const received = await arrive(browser, app, person)
  const redemption = redemptionOf(received)
  const first = (await endpoints.token(redemption, { basic: app })).body
  keepTokens('person', first)
  keep('ID token', first.id_token)
  const refresh = { grant_type: 'refresh_token', refresh_token: first.refresh_token }
  for (const name of ['refreshed', 'retried']) {
    keepTokens(`person ${name}`, (await endpoints.token(refresh, { basic: app })).body)
  }
  await send(`${server.url}/oauth2/userinfo`, { headers: { authorization: `Bearer ${first.access_token}` } })
  await comeBack(browser, app)
  await failWithCode(browser, app, person.user_id)
  expect((await endpoints.token(redemption, { basic: app })).status).toBe(400)
  const asked = await browser.visit(`/oauth2/logout?id_token_hint=${first.id_token}`)
  await browser.submit(keepPage('sign-out', browser, asked), /confirm$/, { logout: 'yes' })
  await browser.visit('/signin').then((page) => signIn(browser, page, person.email, 'A-Walrus-Knits-Quietly-At-Dawn'))
  keepPage('home', browser, await browser.visit('/'))
  await useSecondFactor(browser, person.email)
  await misuseUsers(browser, received.code)
  // One sign-in stays under way.
  const { form } = authorizationOf(app, { scope: 'openid all', prompt: 'login' })
  keepPage('unfinished', browser, await browser.visit(linkOf(form)))
}

/** The database gives up on a code under way. */
async function failWithCode(browser: Browser, app: Client, userId: string): Promise<void> {
  const { form, verifier } = authorizationOf(app, { scope: 'all' })
  const code = keepCode('failure', await browser.visit(linkOf(form)))
  await direct.query('BEGIN')
  await direct.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [userId])
  expect((await endpoints.token(redemptionOf({ code, verifier }), { basic: app })).status).toBe(503)
  await direct.query('ROLLBACK')
}

/** The database fails while secrets are under way: what libraries say of it goes to the log with its causes. */
async function failInside(good: Client): Promise<void> {
  const headers = { 'x-api-key': good.apiKey! }
  await direct.query('BEGIN')
  await direct.query('SELECT 1 FROM clients WHERE client_id = $1 FOR UPDATE', [good.clientId])
  const waiting = together(4, () => endpoints.machineToken(good, {}, { headers }))
  await untilLocked(direct, waiting)
  await direct.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                       WHERE datname = current_database() AND application_name = 'keywright server'`)
  await waiting
  expect((await endpoints.machineToken(good, {}, { headers })).status).toBeGreaterThanOrEqual(500)
  await direct.query('ROLLBACK')
}

beforeAll(async () => {
  database = await createTestDatabase()
  direct = new pg.Client(database.url)
  await direct.connect()
  const encryptionKey = keep('encryption key', randomBytes(32).toString('base64'))
  const metricsToken = keep('metrics token', 'scrape-me-9f8e7d6c5b4a')
  const limits = { DATABASE_STATEMENT_TIMEOUT: '2000', METRICS_TOKEN: metricsToken, LOG_LEVEL: 'trace' }
  env = { DATABASE_URL: database.url, ENCRYPTION_KEY: encryptionKey, ...limits }
  // A PostgreSQL that trusts its own machine has none; nothing would be found everywhere.
  const { password } = new URL(database.url)
  if (password) keep('password of the database', decodeURIComponent(password))
  cli = keywright(env)
  const made = await cli('bootstrap')
  for (const who of ['operator', 'admin']) keep(`password of ${who}`, made[who].password)
  const api = client('API', made.api)
  server = await startServerProcess(env)
  endpoints = endpointsOf(server.url)
  keepTokens('pair', (await endpoints.machineToken(client('pair', made))).body)
  const pair = client('next pair', await cli(`key-pair generate --user ${made.admin.email}`))
  keepTokens('next pair', (await endpoints.machineToken(pair)).body)
  keep('password of a user', (await cli('user create --operator --email two@keywright.example')).password)
  const rotated = await useEverything(made.account_id, api)
  await misuse(rotated)
  await useEngineAccounts(made.account_id)
  await failInside(rotated)
  metrics = (await send(`${server.url}/metrics`, { headers: { authorization: `Bearer ${metricsToken}` } })).text
  expect(await server.stop()).toBe(0)
})

afterAll(async () => {
  await server?.kill()
  await direct.end()
  await database.drop()
})

/** Every row of every table as text; binary columns stand in it in hexadecimal. */
async function dump(): Promise<string> {
  const { rows: tables } = await direct.query(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
  )
  const text = []
  for (const { name } of tables) {
    const { rows } = await direct.query(`SELECT t::text AS row FROM ${name} t`)
    text.push(...rows.map((one) => one.row))
  }
  return text.join('\n')
}

test('the run used secrets of every kind, and the log tells of it in JSON lines on standard error', () => {
  expect(Object.keys(secrets).length).toBeGreaterThan(80)
  expect(server.output.stdout).not.toMatch(/kw[skrp]_/)
  const lines = server.output.stderr.trim().split('\n')
  const parsed = lines.map((line) => JSON.parse(line))
  const statuses = new Set(parsed.map((line) => line.status))
  for (const status of [200, 400, 401, 404]) expect(statuses).toContain(status)
  expect([...statuses].some((status) => status >= 500)).toBe(true)
  expect(parsed.filter((line) => line.request_id).length).toBeGreaterThan(25)
})

test('the search finds what is there, in each of its forms', () => {
  const secret = 'kws_Secret+With/Odd=Characters'
  const forms = [secret, encodeURIComponent(secret), Buffer.from(secret).toString('hex')]
  for (const lead of ['', 'a', 'ab', 'abc:']) {
    forms.push(Buffer.from(`${lead}${secret}tail`).toString('base64'), Buffer.from(lead + secret).toString('base64url'))
  }
  for (const form of forms) expect(foundIn(`before ${form} after`, { secret }), form).toEqual(['secret'])
  expect(foundIn('before and after', { secret })).toEqual([])
})

test('no secret is in the log at its most talkative, nor in the metrics', () => {
  expect(foundIn(server.output.stderr, secrets)).toEqual([])
  expect(foundIn(metrics, secrets)).toEqual([])
  expect(metrics).toContain('keywright_tokens_issued_total')
})

test('no secret and no token is at rest in the database; passwords are argon2id', async () => {
  const rows = await dump()
  expect(rows.length).toBeGreaterThan(5000)
  expect(foundIn(rows, secrets)).toEqual([])
  const hashes: { password_hash: string }[] = (await direct.query('SELECT password_hash FROM users')).rows
  expect(hashes).toHaveLength(4)
  for (const { password_hash } of hashes) expect(password_hash).toMatch(/^\$argon2id\$/)
})

test('the private half of no signing key is at rest in clear', async () => {
  const own = openDatabase(database.url)
  const rings = await openKeyRings(own, createEncryptionKeys([Buffer.from(env.ENCRYPTION_KEY!, 'base64')]))
  const privates = Object.fromEntries(rings.ring.keys.map((key) => [key.kid, key.secret!.jwk.d!]))
  await own.close()
  const rows = await dump()
  expect(Object.keys(privates).length).toBeGreaterThanOrEqual(2)
  for (const d of Object.values(privates)) expect(d.length).toBeGreaterThan(40)
  expect(foundIn(rows, privates)).toEqual([])
  const raw = Object.values(privates).map((d) => Buffer.from(d, 'base64url').toString('hex'))
  expect(raw.filter((hex) => rows.includes(hex))).toEqual([])
  expect(foundIn(server.output.stderr, privates)).toEqual([])
})
