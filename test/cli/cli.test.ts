import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCliProcess } from '../support/cli.ts'
import { keywright, runCli } from '../support/cli-in-process.ts'
import type { Environment } from '../support/environment.ts'
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const SECRET = /^kws_[0-9A-Za-z]{49}$/
const API_KEY = /^kwk_[0-9A-Za-z]{49}$/
const PASSWORD = /^kwp_[0-9A-Za-z]{49}$/
const UUID = /^[0-9a-f-]{36}$/
const API = 'https://cli.example.com'

let database: TestDatabase
let env: Environment
let cli: ReturnType<typeof keywright>
let account: string
let admin: { user_id: string; email: string }

beforeAll(async () => {
  database = await createTestDatabase()
  env = { DATABASE_URL: database.url, ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  cli = keywright(env)
})

afterAll(() => database.drop())

describe('a command with --json prints one JSON object', () => {
  test('bootstrap sets up an empty database, and does nothing the second time', async () => {
    const made = await cli('bootstrap')
    expect(made).toMatchObject({
      created: true,
      operator: { email: expect.any(String), password: expect.stringMatching(PASSWORD) },
      admin: { email: expect.any(String), password: expect.stringMatching(PASSWORD) },
      account_id: expect.stringMatching(UUID),
      api: { identifier: expect.any(String), client_secret: expect.stringMatching(SECRET) },
      client_id: expect.stringMatching(/^kwc_/),
      client_secret: expect.stringMatching(SECRET),
    })
    expect(await cli('bootstrap')).toEqual({ created: false })
  })

  test('migrate prints the applied migrations: all on an empty database, none on this one', async () => {
    expect(await cli('migrate')).toEqual({ applied: [] })
    const empty = await createEmptyDatabase()
    const { applied } = await keywright({ ...env, DATABASE_URL: empty.url })('migrate')
    expect(applied.length).toBeGreaterThan(5)
    await empty.drop()
  })

  test('account create, list, disable and enable print the account', async () => {
    const created = await cli('account create --name', 'ACME Corp')
    expect(created).toMatchObject({ account_id: expect.stringMatching(UUID), name: 'ACME Corp', status: 'active' })
    account = created.account_id
    const { accounts } = await cli('account list')
    expect(accounts).toContainEqual(expect.objectContaining({ account_id: account, name: 'ACME Corp' }))
    expect(await cli(`account disable ${account}`)).toMatchObject({ account_id: account, status: 'disabled' })
    expect(await cli(`account enable ${account}`)).toMatchObject({ account_id: account, status: 'active' })
  })

  test('user create prints a one-time password for an admin, a member and an operator', async () => {
    admin = await cli(`user create --account ${account} --email ann@acme.example --role admin`)
    const member = await cli(`user create --account ${account} --email mel@acme.example --role member`)
    const operator = await cli('user create --operator --email ops@acme.example')
    expect([admin, member, operator].map(({ email_verified }) => email_verified)).toEqual([false, false, false])
    const vera = await cli(`user create --account ${account} --email vera@acme.example --role member --email-verified`)
    expect(vera.email_verified).toBe(true)
    expect((await cli('user update vera@acme.example --no-email-verified')).email_verified).toBe(false)
    for (const user of [admin, member, operator]) {
      expect(user).toMatchObject({
        user_id: expect.stringMatching(UUID),
        password: expect.stringMatching(PASSWORD),
      })
    }
  })

  test('api create and list print the settings of an API', async () => {
    const settings = ['--token-ttl', '600', '--policy', 'single', '--alg', 'EdDSA', '--default']
    const api = await cli(`api create --identifier ${API} --scopes`, 'read write', ...settings)
    expect(api).toEqual({
      identifier: API,
      scopes: 'read write',
      token_ttl: 600,
      policy: 'single',
      alg: 'EdDSA',
      token_type: 'at+jwt',
      networks_claim: 'off',
      dpop: 'optional',
      claims: '',
      key_pairs: 'one',
      max_secret_lifetime: null,
      default: true,
      client_id: expect.stringMatching(/^kwa_/),
      client_secret: expect.stringMatching(SECRET),
    })
    const plain = await cli('api create --identifier urn:example:plain --scopes all')
    expect(plain).toMatchObject({ token_ttl: 3600, policy: 'none', alg: 'ES256', default: false })
    const { apis } = await cli('api list')
    expect(apis.filter((one: { default: boolean }) => one.default)).toEqual([
      expect.objectContaining({ identifier: API }),
    ])
  })

  test('api list shows the text that describe-scope sets, and the scope itself without a text', async () => {
    const text = { title: 'See your orders', description: 'All of them.' }
    const described = await cli(`api describe-scope ${API} read --title`, text.title, '--description', text.description)
    expect(described).toEqual({ identifier: API, scope: 'read', ...text })
    const textsOf = async (identifier: string) =>
      (await cli('api list')).apis.find((one: { identifier: string }) => one.identifier === identifier).scope_texts
    const write = { scope: 'write', title: 'write', description: '', translations: {} }
    expect(await textsOf(API)).toEqual([{ scope: 'read', ...text, translations: {} }, write])
    await cli(`api describe-scope ${API} read --title Orders`)
    const orders = { scope: 'read', title: 'Orders', description: '' }
    expect(await textsOf(API)).toEqual([{ ...orders, translations: {} }, write])
    expect((await runCli(['api', 'list'], env)).stdout).toMatch(/^https:\/\/cli\.example\.com +read +Orders$/m)
    const german = await cli(`api describe-scope ${API} read --title Bestellungen --language DE`)
    expect(german.translations).toEqual({ DE: { title: 'Bestellungen', description: '' } })
    await cli(`api describe-scope ${API} read --title Orders`)
    const translations = { de: { title: 'Bestellungen', description: '' } }
    expect(await textsOf(API)).toEqual([{ ...orders, translations }, write])
    await cli(`api describe-scope ${API} read --language de --remove`)
    expect(await textsOf(API)).toEqual([{ ...orders, translations: {} }, write])
  })

  test('the API of the first start has a text for its scope', async () => {
    const { apis } = await cli('api list')
    const first = {
      identifier: 'https://api.keywright.example',
      scope_texts: [expect.objectContaining({ scope: 'all' })],
    }
    expect(apis).toContainEqual(expect.objectContaining(first))
    expect(JSON.stringify(apis)).toContain('"Full access to the API"')
  })

  test('key-pair generate takes an ID or email address and prints the number of revoked tokens', async () => {
    const first = await cli(`key-pair generate --user ${admin.user_id}`)
    const second = await cli('key-pair generate --user ANN@acme.example --api urn:example:plain --api', API)
    for (const pair of [first, second]) {
      expect(pair).toEqual({
        client_id: expect.stringMatching(/^kwc_/),
        client_secret: expect.stringMatching(SECRET),
        revoked: 0,
      })
    }
    expect(second.client_id).not.toBe(first.client_id)
    const { apis } = await cli(`client show ${second.client_id}`)
    expect(apis.map((api: { identifier: string }) => api.identifier)).toEqual(['urn:example:plain', API])
  })

  test('key-pair generate and client create take the expiry of the client secret', async () => {
    const time = '2101-02-03T04:05:06.000Z'
    const create = `client create --account ${account} --grants client_credentials --name x --secret-expires-at`
    const { client_id: id } = await cli(`${create} ${time}`)
    const { clients } = await cli(`client list --account ${account}`)
    expect(clients.find((one: { client_id: string }) => one.client_id === id).secret_expires_at).toBe(time)
    const generate = `key-pair generate --user ${admin.user_id} --secret-expires-at`
    const pair = await cli(`${generate} ${time}`)
    const secrets = await cli(`client show ${pair.client_id}`)
    expect(JSON.stringify(secrets)).toContain(time)
    expect((await runCli(`${generate} 2020-01-01T00:00:00Z`.split(' '), env)).code).toBe(2)
    expect((await runCli(`${generate} soon`.split(' '), env)).code).toBe(2)
  })

  test('client create, show, update, list, archive and restore print the settings that the options set', async () => {
    const options = {
      ...{ '--access-token-ttl': '7200', '--refresh-token-ttl': '86400', '--consent': 'skip', '--policy': 'single' },
      ...{ '--rate-limit': '600/min', '--query-credentials': 'on', '--client-credentials-refresh': 'on' },
      ...{ '--api-key': 'on', '--api': API, '--scopes': 'read', '--name': 'Night job', '--account': account },
      ...{ '--grants': 'client_credentials refresh_token authorization_code' },
      ...{ '--redirect-uri': 'com.example.app:/callback' },
    }
    const created = await cli('client create', ...Object.entries(options).flat())
    const settings = {
      ...{ client_id: expect.stringMatching(/^kwc_/), account_id: account, name: 'Night job', status: 'active' },
      ...{ access_token_ttl: 7200, refresh_token_ttl: 86_400, consent: 'skip', policy: 'single', public: false },
      ...{ rate_limit: '600/min', query_credentials: 'on', client_credentials_refresh: 'on' },
      ...{ grants: 'client_credentials refresh_token authorization_code' },
      ...{ redirect_uris: ['com.example.app:/callback'], apis: [{ identifier: API, scopes: ['read'] }] },
    }
    const secrets = { client_secret: expect.stringMatching(SECRET), api_key: expect.stringMatching(API_KEY) }
    expect(created).toMatchObject({ ...settings, ...secrets })

    const id = created.client_id
    const shown = await cli(`client show ${id}`)
    expect(shown).toMatchObject(settings)
    expect(shown).not.toHaveProperty('client_secret')
    const changed = await cli(`client update ${id} --rate-limit off --consent show --api-key off`)
    expect(changed).toMatchObject({ ...settings, rate_limit: null, consent: 'show' })
    const { clients } = await cli('client list')
    expect(clients).toContainEqual(expect.objectContaining({ client_id: id, name: 'Night job' }))
    expect((await cli(`client list --account ${account}`)).clients.length).toBeLessThan(clients.length)
    expect(await cli(`client archive ${id}`)).toMatchObject({ client_id: id, status: 'archived' })
    expect(await cli(`client restore ${id}`)).toMatchObject({ client_id: id, status: 'active' })
  })

  test('client update sets and resets each option for sign-in, and shows it as the option is written', async () => {
    const id = (await cli(`client create --account ${account} --grants client_credentials --name people`)).client_id
    const lists = { '--grants': 'authorization_code device_code refresh_token', '--default-scopes': 'openid read' }
    const uris = [
      '--redirect-uri',
      'http://127.0.0.1/cb',
      '--post-logout-redirect-uri',
      'https://a.example/',
      'a.b:/bye',
    ]
    const words =
      '--pkce optional --consent skip_own_account --refresh-token-rotation off --refresh-tokens offline_access --id-token-alg ES256'
    const logout = '--backchannel-logout-uri https://a.example/logout --refresh-token-max-age 31536000'
    const said = {
      grants: 'authorization_code urn:ietf:params:oauth:grant-type:device_code refresh_token',
      ...{ redirect_uris: ['http://127.0.0.1/cb'], post_logout_redirect_uris: ['https://a.example/', 'a.b:/bye'] },
      ...{ backchannel_logout_uri: 'https://a.example/logout', pkce: 'optional', consent: 'skip_own_account' },
      ...{ default_scopes: 'openid read', refresh_token_max_age: 31_536_000 },
      ...{ refresh_token_rotation: 'off', refresh_tokens: 'offline_access', id_token_alg: 'ES256' },
    }
    expect(await cli(`client update ${id} ${words} ${logout}`, ...uris, ...Object.entries(lists).flat())).toMatchObject(
      said,
    )
    expect(await cli(`client show ${id}`)).toMatchObject(said)
    expect(await cli(`client update ${id} --name others-stay`)).toMatchObject(said)

    const back =
      '--pkce required --consent skip --refresh-token-rotation on --refresh-tokens always --default-scopes all'
    const off = '--post-logout-redirect-uri off --backchannel-logout-uri off --refresh-token-max-age off'
    const taken = {
      ...{ post_logout_redirect_uris: [], backchannel_logout_uri: null, pkce: 'required', consent: 'skip' },
      ...{ default_scopes: 'all', refresh_token_max_age: null, refresh_token_rotation: 'on', refresh_tokens: 'always' },
    }
    expect(await cli(`client update ${id} ${back} ${off}`)).toMatchObject({ ...said, ...taken })
  })

  test('a device client needs no redirect URI', async () => {
    const made = await cli(`client create --account ${account} --name tv --grants device_code --public`)
    expect(made.grants).toBe('urn:ietf:params:oauth:grant-type:device_code')
  })

  test('client create shows --api-key and --public under their names', async () => {
    const base = `client create --account ${account} --grants client_credentials --name x`
    expect(await cli(`${base} --api-key on`)).toMatchObject({ api_key_required: 'on' })
    const open = await cli(`client create --account ${account} --name y --grants`, ...publicClient)
    expect(open).toMatchObject({ public: true })
    expect(open).not.toHaveProperty('client_secret')
  })

  const publicClient = ['authorization_code', '--redirect-uri', 'https://app.example.com/', '--public']

  test('client rotate-secret lists both secrets during the overlap', async () => {
    const { client_id } = await cli(`client create --account ${account} --grants client_credentials --name z`)
    const rotated = await cli(`client rotate-secret ${client_id} --overlap 3600`)
    expect(rotated).toMatchObject({ client_id, client_secret: expect.stringMatching(SECRET) })
    expect(rotated.secrets).toHaveLength(2)
    expect(rotated.secrets.filter((one: { retires_at: string | null }) => one.retires_at)).toHaveLength(1)
    expect((await cli(`client rotate-secret ${client_id}`)).secrets).toHaveLength(1)
  })

  test('token list and revoke print active tokens and the number of revoked ones', async () => {
    const { client_id } = await cli(`client create --account ${account} --grants client_credentials --name t`)
    expect(await cli(`token list --client ${client_id}`)).toEqual({ tokens: [] })
    for (const who of [
      ['--client', client_id],
      ['--user', 'ann@acme.example'],
      ['--jti', admin.user_id],
    ]) {
      expect(await cli('token revoke', ...who)).toEqual({ revoked: 0 })
    }
  })

  test('signing-key list and rotate print kid, algorithm, state and age', async () => {
    const { keys } = await cli('signing-key list')
    const key = { kid: expect.any(String), algorithm: 'ES256', age: expect.any(Number) }
    expect(keys).toContainEqual(expect.objectContaining({ ...key, state: 'current' }))
    expect(keys).toContainEqual(expect.objectContaining({ ...key, state: 'next' }))
    const rotated = await cli('signing-key rotate')
    expect(rotated.rotated.sort()).toEqual(['ES256', 'EdDSA', 'RS256'])
    expect(rotated.keys.map((one: { kid: string }) => one.kid)).toEqual(
      expect.arrayContaining(keys.map((one: { kid: string }) => one.kid)),
    )
  })
})

describe('a failed command exits with 2 for a usage error or 1, and prints nothing to standard output', () => {
  const nobody = '01890000-0000-7000-8000-000000000000'
  const WRONG = [
    ...['', 'nonsense', 'account', 'account create', 'account create --name', 'client show', 'token list'],
    ...['client update x --policy sometimes', 'client update x --api-key maybe', 'client update x --nonsense'],
    ...['user create --email a@b.c', 'user create --email a@b.c --operator --role admin', 'token revoke'],
    ...['api create --identifier nowhere --scopes a', `api create --identifier ${API}/2 --scopes a --alg HS256`],
    ...[`api create --identifier ${API}/2 --scopes a --token-ttl 1h`, 'token revoke --jti a --client b'],
    ...[`api create --identifier ${API}/2 --scopes a --token-ttl 59`, 'user create --operator --email nobody'],
    ...[
      'client update x --pkce sometimes',
      'client update x --refresh-tokens never',
      'client update x --id-token-alg HS256',
      'client update x --consent ask',
    ],
    ...['client update x --refresh-token-max-age 1y', 'client update x --refresh-token-rotation maybe'],
    ...[`api create --identifier ${API}/2 --scopes openid`, `api describe-scope ${API} read`],
    ...[`api describe-scope ${API} read --remove`, `api describe-scope ${API} read --title x --language de_DE`],
    `api describe-scope ${API} read --title x --language de --remove`,
  ]
  test.concurrent.each(WRONG)('2: keywright %s', async (command) => {
    const run = await runCli([...command.split(' ').filter(Boolean), '--json'], env)
    expect([run.code, run.stdout]).toEqual([2, ''])
    expect(run.stderr).not.toBe('')
  })

  const IMPOSSIBLE = [
    ...['client show kwc_nobody', 'client archive kwc_nobody', 'client rotate-secret kwc_nobody'],
    ...[`account disable ${nobody}`, 'account enable no-uuid', 'key-pair generate --user nobody@acme.example'],
    ...['token list --client kwc_nobody', 'token revoke --client kwc_nobody', 'token revoke --user nobody'],
    ...[`user create --account ${nobody} --role admin --email b@acme.example`, `client show a'b"c`],
    ...['user create --operator --email ANN@acme.example', `api create --identifier ${API} --scopes a`],
    ...[`client create --account ${nobody} --name x --grants client_credentials`],
    ...[`client list --account ${nobody}`, 'client list --account no-uuid', 'user list --account no-uuid'],
    ...[`api describe-scope ${API} unheard-of --title x`, 'api describe-scope https://nowhere.example read --title x'],
  ]
  test.concurrent.each(IMPOSSIBLE)('1: keywright %s', async (command) => {
    const run = await runCli([...command.split(' '), '--json'], env)
    expect([run.code, run.stdout]).toEqual([1, ''])
    // A sentence that says what is wrong, not a stack.
    expect(run.stderr).toMatch(/^keywright: .+\n$/)
  })

  test.each([
    ['--version', 0],
    ['client show kwc_nobody', 1],
    ['nonsense', 2],
  ])('the process of keywright %s ends with the code %i', async (command, code) => {
    expect((await runCliProcess(command.split(' '), env)).code).toBe(code)
  })

  test('a database error exits with 1 and one sentence without the password', async () => {
    const gone = { ...env, DATABASE_URL: 'postgresql://someone:hush-hush@127.0.0.1:1/nowhere' }
    const empty = await createEmptyDatabase()
    const cases: [Environment, RegExp][] = [
      [gone, /database cannot be reached/],
      [{ ...env, ENCRYPTION_KEY: '' }, /ENCRYPTION_KEY: required/],
      [{ ...env, PORT: 'x', DATABASE_POOL_MAX: '1' }, /PORT.*\n.*DATABASE_POOL_MAX/],
      [{ ...env, DATABASE_URL: empty.url }, /npm run migrate/],
    ]
    for (const [faulty, message] of cases) {
      const run = await runCliProcess(['client', 'list', '--json'], faulty)
      expect([run.code, run.stdout]).toEqual([1, ''])
      expect(run.stderr).toMatch(message)
      expect(run.stderr).not.toMatch(/hush-hush|\n {4}at /)
    }
    await empty.drop()
  })
})

test('every command prints its help to standard output and exits with 0, without a database', async () => {
  const commandsOf = (help: string) => {
    const list = /^Commands:\n((?: {2}.*\n)+)/m.exec(help)?.[1] ?? ''
    return [...list.matchAll(/^ {2}([a-z-]+)/gm)].map(([, name]) => name!).filter((name) => name !== 'help')
  }
  const seen: string[] = []
  async function explain(path: string[]): Promise<void> {
    const run = await runCli([...path, '--help'], {})
    expect([path, run.code, run.stderr]).toEqual([path, 0, ''])
    expect(run.stdout).toContain(`Usage: keywright${path.map((name) => ` ${name}`).join('')} `)
    const below = commandsOf(run.stdout)
    if (below.length === 0) seen.push(path.join(' '))
    await Promise.all(below.map((name) => explain([...path, name])))
  }
  await explain([])
  expect(seen).toEqual(expect.arrayContaining(['serve', 'migrate', 'key-pair generate', 'client rotate-secret']))
  expect(seen.length).toBeGreaterThanOrEqual(23)
})
