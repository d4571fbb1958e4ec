import { Command } from 'commander'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { API_ROUTES } from '../../src/api/api-routes.ts'
import type { ApiRoute } from '../../src/api/route.ts'
import { TOP_LEVEL_COMMANDS } from '../../src/cli/top-level-commands.ts'
import { changeAccountStatus } from '../../src/management/account-changes.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { fillPath, makeSamples, type Samples, sampleBody, stateOf } from '../guarantees/all-routes.ts'
import { runCli } from '../support/cli-in-process.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { managementToken, managingApplication, rawManagement } from '../support/management.ts'
import { createTestUser } from '../support/test-users.ts'

let server: Keywright
let account: string
let samples: Samples
let api: ReturnType<typeof rawManagement>

beforeAll(async () => {
  server = await startKeywright()
  account = await server.make.account()
  samples = await makeSamples(server, account, await createTestUser(server.knex, account, 'admin'))
  api = rawManagement(server.url, await managementToken(server, await managingApplication(server, null)))
})
afterAll(async () => await server?.stop())

const isDestructive = ({ operation }: ApiRoute) => 'dryRun' in operation

/** Enabling stops no caller. */
const ENABLING = ['enableAccount', 'enableAccountApi', 'enableInstanceApi', 'enableUser']

test('every route of an operation that has a dry run accepts dry_run, and no other does', () => {
  const expected = API_ROUTES.filter(isDestructive).map(({ id }) => id)
  const accepting = API_ROUTES.filter(({ dryRun }) => dryRun).map(({ id }) => id)
  expect(accepting.length).toBeGreaterThan(20)
  expect([...accepting, ...ENABLING].sort()).toEqual([...expected, 'updateUser'].sort())
  const parameters = API_ROUTES.filter(({ query }) => 'dry_run' in query.shape).map(({ id }) => id)
  expect(parameters).toEqual(accepting)
})

const routes = API_ROUTES.filter(({ dryRun }) => dryRun)

/** An operator owns no key pair, and what is active is not deleted. */
const EXPECTED: Record<string, number> = {
  generateOwnKeyPair: 403,
  generateOwnNamedKeyPair: 403,
  deleteApplication: 409,
  deleteUser: 409,
  deleteAccount: 409,
}

/** The jobs of the server record events too. */
const auditEvents = async () => await server.knex('audit_log').whereNot({ actor_type: 'system' }).pluck('id')

test.each(routes.map((route) => [route.id, route] as const))(
  '%s with dry_run=true changes nothing',
  async (id, route) => {
    const before = [await stateOf(server, account), await auditEvents()]
    const path = `${fillPath(route.path, samples)}?dry_run=true`
    const body = sampleBody(route, samples)
    const headers = { 'if-match': '*', ...(route.idempotent && { 'idempotency-key': id }) }
    const method = route.method.toUpperCase()
    const answer =
      body === undefined ? await api.send(method, path, { headers }) : await api.json(method, path, body, headers)
    expect([answer.status, answer.text]).toEqual([EXPECTED[id] ?? 200, answer.text])
    if (answer.status === 200) expect(answer.body).toMatchObject({ dry_run: true })
    expect([await stateOf(server, account), await auditEvents()]).toEqual(before)
    expect(await server.knex('idempotency_keys')).toEqual([])
  },
)

test('dry_run=false makes the change, and another value is an error', async () => {
  const client = await server.make.register({ account })
  const path = `/applications/${client.clientId}/archive`
  expect((await api.send('POST', `${path}?dry_run=yes`)).status).toBe(400)
  expect((await api.send('POST', `${path}?dry_run=true`)).body).toMatchObject({ clients: { count: 1, is_more: false } })
  expect((await api.send('POST', `${path}?dry_run=false`)).body).toMatchObject({ status: 'archived' })
  expect((await api.send('POST', `/applications/${client.clientId}/restore?dry_run=true`)).status).toBe(400)
})

/** Commands that stop callers, each with its arguments. */
async function commands(): Promise<string[]> {
  const { client_id, key_pair_id, user_id, account_id, jti } = samples
  const old = await server.make.register({ account })
  await changeClientStatus(server.knex, old.clientId, 'archived', ACTOR)
  const former = await createTestUser(server.knex, account, 'member')
  await changeUserStatus(server.knex, former.id, 'disabled', ACTOR)
  const disabled = await server.make.account()
  await changeAccountStatus(server.knex, disabled, 'disabled', ACTOR)
  const { identifier } = await server.make.api()
  const { kid } = await server.knex('signing_keys').first('kid')
  return [
    `signing-key revoke ${kid}`,
    `client archive ${client_id}`,
    `client delete ${old.clientId}`,
    `client rotate-secret ${client_id}`,
    `client retire-secret ${client_id}`,
    `key-pair stop ${key_pair_id}`,
    `key-pair generate --user ${user_id}`,
    `token revoke --client ${client_id}`,
    `token revoke --jti ${jti}`,
    `token revoke --user ${user_id}`,
    `user disable ${user_id}`,
    `user offboard ${user_id}`,
    `user delete ${former.id}`,
    `user role ${user_id} member`,
    `membership remove ${user_id} --account ${account_id}`,
    `account disable ${account_id}`,
    `account delete ${disabled}`,
    `account api ${account_id} off`,
    `api delete ${identifier}`,
    'instance update --api off',
  ]
}

/** Every command with the option `--dry-run`. */
async function commandsWithDryRun(): Promise<string[]> {
  const program = new Command()
  for (const { name, define } of TOP_LEVEL_COMMANDS) await define(program.command(name), TOP_LEVEL_COMMANDS)
  return program.commands.flatMap((noun) =>
    noun.commands
      .filter(({ options }) => options.some(({ long }) => long === '--dry-run'))
      .map((verb) => `${noun.name()} ${verb.name()}`),
  )
}

test('no command changes anything with --dry-run', async () => {
  const lines = await commands()
  const named = lines.map((line) => line.split(' ').slice(0, 2).join(' '))
  const all = await commandsWithDryRun()
  expect([...new Set(named)].sort()).toEqual(all.sort())
  const before = [await stateOf(server, account), await auditEvents()]
  for (const line of lines) {
    const run = await runCli([...line.split(' '), '--dry-run', '--json'], server.env)
    expect([line, run.code, run.stderr]).toEqual([line, 0, ''])
    const isOfKey = line.startsWith('signing-key')
    expect(run.json).toMatchObject({ dry_run: true, ...(!isOfKey && { has_more_callers: false }) })
    expect([line, await stateOf(server, account), await auditEvents()]).toEqual([line, ...before])
  }
  const text = await runCli(['token', 'revoke', '--client', samples.client_id!, '--dry-run'], server.env)
  expect(text.stdout).toMatch(/Nothing was changed\.[\s\S]*access tokens +1/)
  for (const line of [`account api ${account} on`, `user role ${samples.user_id} admin`, 'instance update --api on'])
    expect((await runCli([...line.split(' '), '--dry-run'], server.env)).code).toBe(2)
})
