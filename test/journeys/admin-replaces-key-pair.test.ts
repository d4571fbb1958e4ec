/** Seed 000: each admin of an enterprise account has a key pair, and a new pair is the way to take access away. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keywright, runCli } from '../support/cli-in-process.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'

interface Pair {
  client_id: string
  client_secret: string
  revoked: number
}

let server: Keywright
let cli: ReturnType<typeof keywright>
let api: { client_id: string; client_secret: string }
let account: string

beforeAll(async () => {
  server = await startKeywright()
  cli = keywright(server.env)
  const scopes = ['--scopes', 'all', '--token-ttl', '36000', '--default']
  api = await cli('api create --identifier https://app.example.com/api', ...scopes)
  account = (await cli('account create --name', 'Cloud School')).account_id
})

afterAll(() => server.stop())

const addAdmin = (email: string) => cli(`user create --account ${account} --role admin --email ${email}`)
const generate = (user: string): Promise<Pair> => cli(`key-pair generate --user ${user}`)

/** curl --data "grant_type=client_credentials&client_id=…&client_secret=…" https://…/oauth2/token/ */
const curl = ({ client_id, client_secret }: Pair) =>
  server.token({ grant_type: 'client_credentials', client_id, client_secret }, { path: '/oauth2/token/' })

async function isActive(token: string): Promise<boolean> {
  const answer = await server.introspect(token, { clientId: api.client_id, clientSecret: api.client_secret })
  expect(answer.status).toBe(200)
  return answer.body.active
}

test('each admin has a pair of their own, and curl trades it for a token of 10 hours with scope all', async () => {
  await addAdmin('ann@school.example')
  await addAdmin('bob@school.example')
  const [ann, bob] = [await generate('ann@school.example'), await generate('bob@school.example')]
  expect(ann.client_id).not.toBe(bob.client_id)
  expect(ann.client_secret).not.toBe(bob.client_secret)
  for (const pair of [ann, bob]) {
    const { status, body } = await curl(pair)
    expect(status).toBe(200)
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 36_000,
      scope: 'all',
    })
    expect(await isActive(body.access_token)).toBe(true)
  }
})

test('a new pair ends the old one with its tokens at once, and nobody else is touched', async () => {
  await addAdmin('cid@school.example')
  await addAdmin('dee@school.example')
  const [old, colleague] = [await generate('cid@school.example'), await generate('dee@school.example')]
  const tokens = [await curl(old), await curl(old)].map((answer) => answer.body.access_token)
  const { access_token: spared } = (await curl(colleague)).body

  const replacement = await generate('cid@school.example')

  expect(replacement.revoked).toBe(2)
  const refused = await curl(old)
  expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client'])
  expect(await Promise.all(tokens.map(isActive))).toEqual([false, false])
  expect(await isActive(spared)).toBe(true)
  expect((await curl(colleague)).status).toBe(200)
  const renewed = await curl(replacement)
  expect(renewed.status).toBe(200)
  expect(await isActive(renewed.body.access_token)).toBe(true)
})

test('the new secret does not open the old client ID, nor the old secret the new one', async () => {
  await addAdmin('eve@school.example')
  const [first, second] = [await generate('eve@school.example'), await generate('eve@school.example')]
  const mixed = [
    { ...first, client_secret: second.client_secret },
    { ...second, client_secret: first.client_secret },
  ]
  for (const pair of mixed) expect((await curl(pair)).status).toBe(401)
})

test('a secret is shown once: afterwards only its last four characters are known', async () => {
  await addAdmin('fay@school.example')
  const pair = await generate('fay@school.example')
  const shown = await cli(`client show ${pair.client_id}`)
  expect(shown.secrets).toMatchObject([{ kind: 'secret', last_four: pair.client_secret.slice(-4) }])
  expect(JSON.stringify(shown)).not.toContain(pair.client_secret)
})

test('only an admin of an account has a key pair: an operator and a member are refused, with exit code 2', async () => {
  await cli('user create --operator --email ops@keywright.example')
  await cli(`user create --account ${account} --role member --email mel@school.example`)
  for (const user of ['ops@keywright.example', 'mel@school.example']) {
    const run = await runCli(['key-pair', 'generate', '--user', user, '--json'], server.env)
    expect([user, run.code, run.stdout]).toEqual([user, 2, ''])
    expect(run.stderr).toMatch(/admin/)
  }
})
