/** The statements that run often, planned on a filled database: none reads a whole table, none sorts more than a page. */
import type { Knex } from 'knex'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteExpiredLimits } from '../../src/accounts/sign-in-limits.ts'
import { deleteIdleRateLimits } from '../../src/clients/client-rate-limits.ts'
import { createRegistrations } from '../../src/clients/registrations.ts'
import { listConnectedApplications } from '../../src/consents/consents.ts'
import type { Database, Statement } from '../../src/database/open-database.ts'
import { listApplications, readApplication } from '../../src/management/application-operations.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import { MAX_LIMIT, MOST_COUNTED, type PageOf, type PageRequest } from '../../src/management/paging.ts'
import type { Principal } from '../../src/management/principal.ts'
import { listGrants, listTokens } from '../../src/management/token-operations.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { readUser, searchUsers } from '../../src/management/user-operations.ts'
import { deleteExpiredRefreshTokens } from '../../src/refresh/refresh-token-families.ts'
import { INTROSPECT } from '../../src/tokens/access-token-store.ts'
import { deleteExpiredSingleTokens } from '../../src/tokens/single-tokens.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'

let on: Keywright
let account: string
let user: string
let client: { clientId: string; key: number }

/** Tables with so few rows that reading them whole is right. */
const SMALL = new Set([
  'apis',
  'accounts',
  'client_apis',
  'instance_settings',
  'key_ring',
  'status_lists',
  'scope_texts',
])

beforeAll(async () => {
  on = await startKeywright()
  const api = await on.make.api()
  account = await on.make.accountId()
  user = (await on.make.user()).id
  client = (await on.make.client({}, [api.identifier])) as never
  await fill(on.knex)
}, 120_000)

afterAll(() => on?.stop())

/** A large client and many small ones; every kind of row that grows. */
async function fill(knex: Knex): Promise<void> {
  const { id: api } = await knex('apis').where({ is_default: false, built_in: false }).first('id')
  const { key } = client
  await knex.raw(
    `INSERT INTO users (id, account_id, email, email_key, role, password_hash)
     SELECT gen_random_uuid(), :account, x.email, x.email, 'admin', 'x' FROM generate_series(1, 5000) n, concat('filled-', n, '@example.com') AS x(email)`,
    { account },
  )
  await knex.raw(
    `INSERT INTO clients (client_id, kind, account_id, user_id, name, grants)
     SELECT 'kwc_filled' || row_number() OVER (), 'key_pair', account_id, id, 'Filled', '{client_credentials}'
       FROM users WHERE email LIKE 'filled-%'`,
  )
  await knex.raw(
    `INSERT INTO clients (client_id, kind, account_id, name, grants)
     SELECT 'kwc_program' || row_number() OVER (), 'application', account_id, 'Program', '{client_credentials}'
       FROM users WHERE email LIKE 'filled-%'`,
  )
  await knex.raw(
    `INSERT INTO client_secrets (client_id, kind, hash, last_four)
     SELECT id, 'secret', sha256(client_id::bytea), 'four' FROM clients WHERE client_id LIKE 'kwc_%' AND NOT EXISTS (
       SELECT FROM client_secrets s WHERE s.client_id = clients.id)`,
  )
  // From tomorrow on, so that no partition is small at the end of a day: PostgreSQL reads a small one whole, and rightly.
  const tomorrow = `(date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC') + interval '1 day'`
  const token = `gen_random_uuid(), ${tomorrow} + make_interval(hours => (n % 600)::int), now() - make_interval(secs => n)`
  await knex.raw(
    `INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, sequence, api_id, revocation_epoch, subject, scope)
     SELECT ${token}, :key, 0, :api, 0, '', 'read' FROM generate_series(1, 30000) n`,
    { key, api },
  )
  await knex.raw(
    `INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, sequence, api_id, revocation_epoch, subject, scope, grant_id)
     SELECT ${token}, c.id, 0, :api, 0, u.id::text, 'read', gen_random_uuid()
       FROM (SELECT id, row_number() OVER () AS n FROM users) u
       JOIN (SELECT id, row_number() OVER () AS n FROM clients WHERE kind = 'application') c USING (n)`,
    { api },
  )
  await knex.raw(
    `INSERT INTO refresh_tokens (grant_id, family_hash, current_hash, client_id, api_id, revocation_epoch, subject, scope, expires_at, created_at)
     SELECT gen_random_uuid(), sha256(n::text::bytea), sha256('t'::bytea), :key, :api, 0, '', 'read',
            now() + interval '30 days', now() - make_interval(secs => n) FROM generate_series(1, 20000) n`,
    { key, api },
  )
  await knex.raw(
    `INSERT INTO consents (id, user_id, client_id, identity_scopes, claims, apis)
     SELECT gen_random_uuid(), u.id, c.id, '{openid}', '{}', '{}' FROM (SELECT id FROM users LIMIT 200) u
       CROSS JOIN (SELECT id FROM clients WHERE kind = 'application' LIMIT 20) c`,
  )
  await knex.raw(
    `INSERT INTO consents (id, user_id, client_id, identity_scopes, claims, apis)
     SELECT gen_random_uuid(), :user, id, '{openid}', '{}', '{}' FROM clients WHERE kind = 'application' LIMIT 10
     ON CONFLICT DO NOTHING`,
    { user },
  )
  await knex.raw(
    `INSERT INTO consents (id, user_id, client_id, identity_scopes, claims, apis)
     VALUES (gen_random_uuid(), :user, :key, '{openid}', '{}', '{}') ON CONFLICT DO NOTHING`,
    { user, key },
  )
  await knex.raw(
    `INSERT INTO single_tokens (client_id, api_id, subject, sequence, expires_at)
     SELECT n, :api, '', 1, now() + interval '31 days' FROM generate_series(1000000, 1020000) n`,
    { api },
  )
  await knex.raw(`INSERT INTO rate_limits SELECT n, now() FROM generate_series(1, 20000) n`)
  await knex.raw(
    `INSERT INTO sign_in_limits SELECT sha256(n::text::bytea), now() + interval '1 hour' FROM generate_series(1, 20000) n`,
  )
  await knex.raw(
    `INSERT INTO refresh_tokens (grant_id, family_hash, current_hash, client_id, api_id, revocation_epoch, subject, scope, expires_at)
     SELECT gen_random_uuid(), sha256(client_id::bytea), sha256('t'::bytea), id, :api, 0, '', 'read', now() + interval '30 days'
       FROM clients WHERE client_id LIKE 'kwc_%'`,
    { api },
  )
  await knex.raw(
    `INSERT INTO client_callers (client_id, ip, api_id, last_used_at)
     SELECT id, '192.0.2.' || n, :api, now() FROM clients CROSS JOIN generate_series(1, 3) n`,
    { api },
  )
  await knex.raw('ANALYZE')
}

interface Plan {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Plan Rows': number
  /** Those of statements that only read, which are run. */
  readonly 'Actual Rows'?: number
  readonly 'Actual Loops'?: number
  /** Of one loop. */
  readonly 'Rows Removed by Filter'?: number
  readonly Plans?: readonly Plan[]
}

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]

/** The planner expects of a large client what an average one has, so the rows that it really read count too. */
const rowsOf = (node: Plan | undefined): number => Math.max(node?.['Plan Rows'] ?? 0, node?.['Actual Rows'] ?? 0)

/** What reads items to count them and nothing else, up to the bound of that: it may read a table that is no larger. */
function isBoundedCount({ 'Node Type': type, 'Actual Rows': rows = Infinity, Plans: [read] = [] }: Plan): boolean {
  const discarded = read?.['Rows Removed by Filter'] ?? 0
  return type === 'Limit' && rows > MAX_LIMIT + 1 && rows <= MOST_COUNTED + 1 && discarded <= MAX_LIMIT
}

/** What is wrong with a plan, in words. */
function fieldErrorsOf(plan: Plan): string[] {
  const isBig = (name: string) => !SMALL.has(name)
  const nodes = nodesOf(plan)
  const counted = new Set(nodes.filter(isBoundedCount).map((node) => node.Plans![0]))
  return nodes.flatMap((node) => {
    if (counted.has(node)) return []
    const table = node['Relation Name']
    if (node['Node Type'] === 'Seq Scan' && table && isBig(table)) {
      // Partitions of days on which nothing expires are empty.
      return node['Plan Rows'] > 1 || !table.startsWith('access_tokens_') ? [`reads all of ${table}`] : []
    }
    const rows = rowsOf(node.Plans?.[0])
    if (node['Node Type'] === 'Sort' && rows > MAX_LIMIT + 1) return [`sorts ${rows} rows`]
    const discarded = (node['Rows Removed by Filter'] ?? 0) * (node['Actual Loops'] ?? 1)
    return discarded > MAX_LIMIT && table && isBig(table) ? [`discards ${discarded} rows of ${table}`] : []
  })
}

const ONLY_READS = /^\s*select\b(?!.*\bfor (no key )?(update|share))/is
const READS_OR_WRITES = /^\s*(with|select|update|delete|insert)\b/i

/** Runs `work` in a transaction that is taken back; answers the faults of every statement that it ran. */
async function fieldErrorsIn(work: (knex: Knex, database: Database) => Promise<unknown>): Promise<string[]> {
  const statements: { sql: string; bindings: readonly unknown[] }[] = []
  const trx = await on.knex.transaction()
  trx.on('query', ({ sql, bindings }) => statements.push({ sql, bindings }))
  const database = {
    knex: trx,
    async query({ text, values }: Statement) {
      statements.push({ sql: text, bindings: values })
      return (await trx.client.query(await trx.client.acquireConnection(), { sql: text, bindings: values })).response
        .rows
    },
  } as unknown as Database
  try {
    await work(trx, database)
    const own = statements.filter(({ sql }) => READS_OR_WRITES.test(sql))
    const fieldErrors: string[] = []
    for (const { sql, bindings } of own) {
      const numbered = sql.replaceAll('\\?', '?')
      const { response } = await trx.client.query(await trx.client.acquireConnection(), {
        sql: `EXPLAIN (FORMAT JSON, ANALYZE ${ONLY_READS.test(sql)}) ${numbered}`,
        bindings,
      })
      const [{ Plan: plan }] = response.rows[0]['QUERY PLAN']
      fieldErrors.push(
        ...fieldErrorsOf(plan).map((fieldError) => `${fieldError}: ${sql.replaceAll(/\s+/g, ' ').slice(0, 300)}`),
      )
    }
    expect(own.length).toBeGreaterThan(0)
    return fieldErrors
  } finally {
    await trx.rollback()
  }
}

const admin = (): Principal =>
  ({ role: 'admin', accountId: account, userId: user, scopes: null, actor: ACTOR }) as unknown as Principal
const management = (knex: Knex) => ({ knex, encryptionKeys: on.instance.encryptionKeys })

const CASES: [string, (knex: Knex, database: Database) => Promise<unknown>][] = [
  ['the applications that a user connected', (knex) => listConnectedApplications(knex, user)],
  [
    'a page of the access tokens of a client',
    async (knex) => await listTokens(management(knex), admin(), { clientId: client.clientId }),
  ],
  [
    'the next page of them',
    async (knex) => {
      const { next } = await listTokens(management(knex), admin(), { clientId: client.clientId })
      await listTokens(management(knex), admin(), { clientId: client.clientId, after: next! })
    },
  ],
  [
    'a page of the refresh tokens of a client',
    async (knex) => await listGrants(management(knex), admin(), { clientId: client.clientId }),
  ],
  ['the sequence of a key pair', (knex) => generateKeyPair(knex, { user: 'filled-9@example.com', apis: [] }, ACTOR)],
  ['the disabling of a user', (knex) => changeUserStatus(knex, 'filled-10@example.com', 'disabled', ACTOR)],
  ['a registration', (_, database) => createRegistrations(database, 0).fresh('kwc_filled7')],
  [
    'an introspection',
    (_, database) =>
      database.query({
        name: 'x',
        text: INTROSPECT,
        values: ['[{"n":0,"caller":1,"caller_version":1,"jti":"00000000-0000-7000-8000-000000000000","exp":1}]'],
      }),
  ],
  ['a page of applications', async (knex) => await listApplications(management(knex), admin(), {})],
  ['one application', async (knex) => await readApplication(management(knex), admin(), { clientId: 'kwc_program7' })],
  ['a page of users', async (knex) => await searchUsers(management(knex), admin(), {})],
  ['one user', async (knex) => await readUser(management(knex), admin(), { userId: user })],
  ['the deletion of expired single tokens', (knex) => deleteExpiredSingleTokens(knex, 500)],
  ['the deletion of rate limits', (_, database) => deleteIdleRateLimits(database, 500)],
  ['the deletion of sign-in limits', (knex) => deleteExpiredLimits(knex, 500)],
  ['the deletion of refresh tokens', (knex) => deleteExpiredRefreshTokens(knex, 500)],
]

const instanceOperator = (): Principal =>
  ({ role: 'operator', accountId: null, userId: null, scopes: null, actor: ACTOR }) as unknown as Principal

type Lists = Record<
  string,
  (knex: Knex, who: Principal, request: PageRequest & { sort?: never }) => Promise<PageOf<unknown>>
>

const LISTS: Lists = {
  applications: (knex, who, request) => listApplications(management(knex), who, request),
  users: (knex, who, request) => searchUsers(management(knex), who, request),
}

const SORTS = { applications: ['name', '-name', 'added', '-added'], users: ['name', '-name', 'added', '-added'] }

/** The first page with its count, the next one, and back again; for an admin, and for an operator who sees all accounts. */
async function walkSorted(knex: Knex, list: keyof typeof SORTS, sort: string): Promise<void> {
  for (const who of [admin(), instanceOperator()]) {
    const page = async (request: PageRequest) => await LISTS[list]!(knex, who, { ...request, sort: sort as never })
    const first = await page({ counted: true })
    const second = await page({ after: first.next!, counted: true })
    await page({ before: second.previous!, counted: true })
  }
}

const SORTED = Object.entries(SORTS).flatMap(([list, sorts]) =>
  sorts.map((sort): (typeof CASES)[number] => [
    `a counted list of ${list}, sorted by ${sort}, paged both ways`,
    (knex) => walkSorted(knex, list as keyof typeof SORTS, sort),
  ]),
)

test.each([...CASES, ...SORTED])('%s: no statement reads a whole table or sorts more than a page', async (_, work) => {
  expect(await fieldErrorsIn(work)).toEqual([])
})
