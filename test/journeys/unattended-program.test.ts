/** Seed 001, what its readers ask for: a registered application that works without any person. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keywright, runCli } from '../support/cli-in-process.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import type { Credentials } from '../support/requests.ts'

const MONTH = 2_592_000

let server: Keywright
let cli: ReturnType<typeof keywright>

beforeAll(async () => {
  server = await startKeywright()
  cli = keywright(server.env)
})

afterAll(() => server.stop())

/** Without the policy `single`, under which a later token would end what must end for another reason. */
async function register(...options: string[]): Promise<Credentials & { clientSecret: string }> {
  const owner = `client create --account ${server.firstStart.accountId} --grants client_credentials --policy none`
  const made = await cli(`${owner} --name Nightly`, ...options)
  return { clientId: made.client_id, clientSecret: made.client_secret }
}

async function isActive(token: string): Promise<boolean> {
  return (await server.introspect(token, server.firstStart.api)).body.active
}

test('an application of its own gets a token without a person, for as long as a month', async () => {
  const program = await register('--access-token-ttl', `${MONTH}`)
  const { status, body } = await server.machineToken(program)
  expect([status, body.expires_in]).toEqual([200, MONTH])
  expect(await isActive(body.access_token)).toBe(true)
  expect((await cli(`token list --client ${program.clientId}`)).tokens).toHaveLength(1)
})

test('a life of more than a month is refused, not shortened', async () => {
  const owner = ['--account', server.firstStart.accountId, '--name', 'x', '--grants', 'client_credentials']
  const run = await runCli(['client', 'create', ...owner, '--access-token-ttl', `${MONTH + 1}`, '--json'], server.env)
  expect([run.code, run.stdout]).toEqual([2, ''])
  expect(run.stderr).toContain(`${MONTH}`)
})

test('Generate key gives a new secret; with an overlap the old one works on, without one it ends at once', async () => {
  const program = await register()
  const rotated = await cli(`client rotate-secret ${program.clientId} --overlap 3600`)
  const next = { clientId: program.clientId, clientSecret: rotated.client_secret }
  const bridged = await server.machineToken(program)
  expect(bridged.status).toBe(200)
  expect((await server.machineToken(next)).status).toBe(200)

  const last = await cli(`client rotate-secret ${program.clientId}`)

  expect((await server.machineToken(program)).body.error).toBe('invalid_client')
  expect((await server.machineToken(next)).body.error).toBe('invalid_client')
  expect(await isActive(bridged.body.access_token)).toBe(false)
  expect((await server.machineToken({ ...next, clientSecret: last.client_secret })).status).toBe(200)
})

test('archive stops it at once; restore lets it work again and revives no token', async () => {
  const program = await register()
  const { access_token: before } = (await server.machineToken(program)).body
  expect(await isActive(before)).toBe(true)

  expect(await cli(`client archive ${program.clientId}`)).toMatchObject({ status: 'archived' })
  const refused = await server.machineToken(program)
  expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client'])
  expect(await isActive(before)).toBe(false)

  const restored = await cli(`client restore ${program.clientId}`)
  expect(restored).toMatchObject({ status: 'active', client_secret: expect.any(String) })
  expect((await server.machineToken(program)).status).toBe(401)
  const renewed = await server.machineToken({ ...program, clientSecret: restored.client_secret })
  expect(renewed.status).toBe(200)
  expect(await isActive(renewed.body.access_token)).toBe(true)
  expect(await isActive(before)).toBe(false)
})

test('restore keeps the archived secret only on request', async () => {
  const program = await register()
  await cli(`client archive ${program.clientId}`)
  expect(await cli(`client restore ${program.clientId} --keep-secret`)).not.toHaveProperty('client_secret')
  expect((await server.machineToken(program)).status).toBe(200)
})

test('a previous secret is retired before its overlap is over, with its tokens; the newest one stays', async () => {
  const program = await register()
  const before = (await server.machineToken(program)).body.access_token
  const rotated = await cli(`client rotate-secret ${program.clientId} --overlap 3600`)
  const next = { ...program, clientSecret: rotated.client_secret }
  const after = (await server.machineToken(next)).body.access_token
  expect(await isActive(before)).toBe(true)
  const { secrets } = await cli(`client retire-secret ${program.clientId}`)
  expect(secrets).toHaveLength(1)
  expect((await server.machineToken(program)).status).toBe(401)
  expect([await isActive(before), await isActive(after)]).toEqual([false, true])
  expect((await server.machineToken(next)).status).toBe(200)
})

test('the operator sets a rate limit; beyond it the client gets Retry-After, and other clients do not', async () => {
  const [program, other] = [await register(), await register()]
  expect(await cli(`client update ${program.clientId} --rate-limit 2/h`)).toMatchObject({ rate_limit: '2/h' })
  const statuses = []
  for (let n = 0; n < 3; n++) statuses.push((await server.machineToken(program)).status)
  expect(statuses).toEqual([200, 200, 429])
  const { headers, body } = await server.machineToken(program)
  const wait = Number(headers.get('retry-after'))
  expect(wait).toBeGreaterThan(1700)
  expect(wait).toBeLessThanOrEqual(1800)
  expect(body).toMatchObject({ error: expect.any(String), error_description: expect.any(String) })
  expect((await server.machineToken(other)).status).toBe(200)

  await cli(`client update ${program.clientId} --rate-limit off`)
  expect((await server.machineToken(program)).status).toBe(200)
})

test('a grant that is taken away is gone for the very next request', async () => {
  const program = await register()
  expect((await server.machineToken(program)).status).toBe(200)
  await cli(`client update ${program.clientId} --grants authorization_code --redirect-uri https://app.example.com/`)
  const refused = await server.machineToken(program)
  expect([refused.status, refused.body.error]).toEqual([400, 'unauthorized_client'])
})

test('a request that fails to authenticate takes nothing from the allowance of the client that it names', async () => {
  const program = await register('--rate-limit', '1/h')
  for (let n = 0; n < 3; n++) {
    const wrong = await server.machineToken({ ...program, clientSecret: `${program.clientSecret.slice(0, -1)}!` })
    expect(wrong.status).toBe(401)
  }
  expect((await server.machineToken(program)).status).toBe(200)
})
