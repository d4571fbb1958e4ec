/** The statements that run often, planned on a filled database: none reads a whole table, none sorts more than a page. */
import type { Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authenticateScimToken } from '../../src/accounts/scim-tokens.ts'
import { deleteExpiredLimits } from '../../src/accounts/sign-in-limits.ts'
import { listUserSessions } from '../../src/accounts/user-sessions.ts'
import { findUserByExternalId } from '../../src/accounts/users-by-external-id.ts'
import { claimDueFetches, claimFetch } from '../../src/clients/client-key-sets.ts'
import { deleteIdleRateLimits } from '../../src/clients/client-rate-limits.ts'
import {
  authenticateRegisteredClient,
  findDueRegistrations,
  hasClientsOfIssuer,
  hasOpenClients,
} from '../../src/clients/dynamic-registrations.ts'
import { findInitialAccessToken } from '../../src/clients/initial-access-tokens.ts'
import { createRegistrations } from '../../src/clients/registrations.ts'
import { deleteRetiredSecrets } from '../../src/clients/retired-secrets.ts'
import { retireUnusedSecrets } from '../../src/clients/unused-secret-retirement.ts'
import { listConnectedApplications } from '../../src/consents/connected-applications.ts'
import { lockConsentShared } from '../../src/consents/consent-locks.ts'
import { findConsent, grantConsent, listConsentsToClient, withdrawConsent } from '../../src/consents/consents.ts'
import type { Database, Statement } from '../../src/database/open-database.ts'
import { lockSubjectToken } from '../../src/exchange/subject-tokens.ts'
import { useChallenge } from '../../src/factors/passkey-challenges.ts'
import { findCredential, listCredentialIds, updateSignCount } from '../../src/factors/passkeys.ts'
import { listFactors } from '../../src/factors/user-factors.ts'
import { listAccounts, setAccountStatus } from '../../src/management/account-operations.ts'
import { archiveApplication, readApplication } from '../../src/management/application-operations.ts'
import { deleteSomeOfClient } from '../../src/management/client-deletion.ts'
import { listApplications, listClients } from '../../src/management/client-list.ts'
import { readClientUsage } from '../../src/management/client-usage-operations.ts'
import { continueDeletions } from '../../src/management/deletion-progress.ts'
import { readIdentityProvider } from '../../src/management/identity-provider-reading.ts'
import { inspect } from '../../src/management/inspection-operations.ts'
import { setInstanceApi } from '../../src/management/instance-operations.ts'
import { readKeyPairDetails } from '../../src/management/key-pair-details.ts'
import { generateKeyPair } from '../../src/management/key-pair-generation.ts'
import { generateKeyPair as generateUserKeyPair } from '../../src/management/key-pair-operations.ts'
import { listLeaks } from '../../src/management/leak-list-operations.ts'
import { MAX_COUNTED, MAX_LIMIT, type PageOf, type PageRequest } from '../../src/management/paging.ts'
import type { Principal } from '../../src/management/principal.ts'
import { readRevocationEffect } from '../../src/management/revocation-effect.ts'
import { getScimUser, listScimUsers } from '../../src/management/scim-users.ts'
import { retireApplicationSecret } from '../../src/management/secret-retirement.ts'
import { findSubject, type SubjectIdentifier } from '../../src/management/subject-identifiers.ts'
import { listGrants, listTokens, revokeAllOfUser } from '../../src/management/token-operations.ts'
import { changeUserStatus } from '../../src/management/user-changes.ts'
import { deleteSomeOfUser } from '../../src/management/user-deletion.ts'
import { searchUsers } from '../../src/management/user-list.ts'
import { readUser } from '../../src/management/user-operations.ts'
import { listWebhookDeliveries, readWebhookDelivery } from '../../src/management/webhook-delivery-operations.ts'
import { addNotices } from '../../src/notices/notice-messages.ts'
import { deleteExpiredRefreshTokens } from '../../src/refresh/refresh-token-families.ts'
import { newId } from '../../src/shared/ids.ts'
import { generateSecret } from '../../src/shared/secrets.ts'
import { readTokensOfKeys } from '../../src/status/revoked-key-tokens.ts'
import { CAUSE_KINDS } from '../../src/status/status-changes.ts'
import { INTROSPECT } from '../../src/tokens/access-token-store.ts'
import {
  RECORD,
  RECORD_EXCHANGED,
  RECORD_WITH_USES,
  RECORD_WITH_USES_UNCONTENDED,
  RECORD_WITHIN_QUOTAS,
  RECORD_WITHIN_QUOTAS_UNCONTENDED,
} from '../../src/tokens/record-statement.ts'
import { deleteExpiredReusableTokens, FIND_FRESH, freshValues } from '../../src/tokens/reusable-tokens.ts'
import { revokeTokensOfHolder } from '../../src/tokens/revocation.ts'
import { deleteExpiredSingleTokens } from '../../src/tokens/single-tokens.ts'
import { recordValues, type TokenRecord } from '../../src/tokens/token-recording.ts'
import { createDeliveries } from '../../src/webhooks/delivery-creation.ts'
import { leaseDue } from '../../src/webhooks/delivery-queues.ts'
import { deleteOldDeliveries } from '../../src/webhooks/webhook-retention.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { claimsOf } from '../support/requests.ts'
import { fillDatabase, IDENTITY_PROVIDER, WEBHOOK } from './filled-database.ts'

let on: Keywright
let account: string
let user: string
let client: { clientId: string; key: number }
/** A JWT without its row in the access-token store. */
let unrecorded: string
/** Of a user. */
let subjectToken: Awaited<ReturnType<typeof tokenOfUser>>

/** Tables with so few rows that reading them whole is right. */
const SMALL = new Set([
  'apis',
  'accounts',
  'client_apis',
  'instance_settings',
  'revoked_signing_keys',
  'signing_keys',
  'key_ring',
  'status_lists',
  'scope_texts',
  'audit_chain',
  'webhook_cursor',
  'mail_notice_cursor',
  'webhooks',
  'identity_providers',
])

beforeAll(async () => {
  on = await startKeywright()
  const api = await on.make.api()
  account = await on.make.accountId()
  user = (await on.make.user()).id
  client = (await on.make.client({}, [api.identifier])) as never
  unrecorded = (await on.machineToken(client as never)).body.access_token
  // Its jobs would change what is filled in, at any time.
  await on.stopServing()
  await on
    .knex('access_tokens')
    .where({ jti: claimsOf(unrecorded).jti })
    .delete()
  await fillDatabase(on.knex, on.instance.encryptionKeys, { account, user, client })
  subjectToken = await tokenOfUser(on.knex)
})

afterAll(() => on?.stop())

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
  return type === 'Limit' && rows > MAX_LIMIT + 1 && rows <= MAX_COUNTED + 1 && discarded <= MAX_LIMIT
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

async function findFresh(database: Database): Promise<void> {
  const request = { clientKey: client.key, clientVersion: 1, apiId: 1, apiVersion: 1, scope: 'read', window: 60 }
  const values = freshValues([{ ...request, secretId: 1, apiKeyHash: null, clientSecret: 'x' }])
  await database.query({ name: 'x', text: FIND_FRESH, values })
}

/** A token of each of a hundred clients with quotas. */
async function recordMany(database: Database, text: string, more: Partial<TokenRecord> = {}): Promise<void> {
  const clients = await database.knex('clients').where({ client_id: 'kwc_filled7' }).select('id')
  const token = { apiId: 1, clientVersion: 1, apiVersion: 1, secretId: null, secretRetiresAt: null, subject: '' }
  const times = { issuedAt: 1, expiresAt: Math.floor(Date.now() / 1000) + 60, single: false, grantId: null }
  const records = Array.from({ length: 100 }, (_, n) => ({
    ...token,
    ...times,
    jti: newId(),
    clientKey: clients[0].id + n,
    scope: 'read',
    statusList: 1,
    statusIndex: n,
    quotaKey: clients[0].id + n,
    signingKey: 1,
    ...more,
  }))
  await database.query({ name: 'x', text, values: recordValues(records) })
}

/** A token of a user for an application, as its claims describe it. */
async function tokenOfUser(knex: Knex) {
  const { rows } = await knex.raw(
    `SELECT t.jti, extract(epoch FROM t.expires_at)::float8 AS "expiresAt", u.account_id AS "accountId"
       FROM access_tokens t JOIN users u ON u.id::text = t.subject WHERE t.subject <> '' LIMIT 1`,
  )
  return rows[0]
}

async function findRevokedByCauses(database: Database): Promise<void> {
  const causes = JSON.stringify([
    { client_id: client.key, revocation_epoch: 7, secret_id: 7, api_id: 1, subject: user, sequence: 1 },
  ])
  for (const { by, text } of CAUSE_KINDS) {
    const values = [causes, by === 'subject' ? [user] : [7]]
    await database.query({ name: 'x', text, values })
  }
}

const admin = (): Principal =>
  ({ role: 'admin', accountId: account, userId: user, scopes: null, actor: ACTOR }) as unknown as Principal
const management = (knex: Knex) => ({ knex, encryptionKeys: on.instance.encryptionKeys })

/** Inspects as an operator and as an admin. @param text what the database holds nothing or one of, unless it is a name */
async function inspectAs(knex: Knex, text: string): Promise<void> {
  for (const who of [admin(), instanceOperator()]) await inspect(management(knex), who, { text })
}

const INSPECTED: Readonly<Record<string, () => string | Promise<string>>> = {
  'a jti': async () => (await on.knex('access_tokens').first('jti')).jti,
  'a client secret': () => generateSecret('clientSecret'),
  'the last four characters of 10,000 secrets': () => 'four',
  'a client ID': () => 'kwc_program7',
  'the client ID of a deleted client': () => 'kwc_gone7',
  'a JWT that is no longer recorded': () => unrecorded,
  'a name of 5,000 applications': () => 'prog',
  'a rare name': () => 'zanzibar',
  'an email address': () => 'filled-7@example.com',
}

const CASES: [string, (knex: Knex, database: Database) => Promise<unknown>][] = [
  ['fetches of keys that are due', (knex) => claimDueFetches(knex, 20)],
  ['a fetch because of an unknown key', (knex) => claimFetch(knex, 5)],
  ['the sessions of a user', (knex) => listUserSessions(knex, user)],
  ['the applications that a user connected', (knex) => listConnectedApplications(knex, user)],
  [
    'a consent that is given, required and withdrawn',
    async (knex) => {
      const parties = { userId: user, accountId: account, clientKey: client.key }
      await grantConsent(knex, parties, { identityScopes: ['openid'], claims: [], apis: {} }, ACTOR)
      const { id: consentId } = (await findConsent(knex, parties))!
      const required = { userId: user, consentId, api: '', scope: 'openid' }
      await knex.transaction((trx) => lockConsentShared(trx, required))
      await withdrawConsent(knex, { userId: user, clientId: client.clientId, accountId: account }, ACTOR)
    },
  ],
  [
    'the revocation of what acts for a user in one account',
    (knex) => revokeTokensOfHolder(knex, { userId: user, accountId: account }),
  ],
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
  ['a page of the reports of leaks', (knex) => listLeaks(management(knex), admin(), {})],
  ['a page of the reports of leaks of all accounts', (knex) => listLeaks(management(knex), instanceOperator(), {})],
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
  ['the recording of tokens', (_, database) => recordMany(database, RECORD)],
  [
    'the recording of exchanged tokens',
    async (_, database) => await recordMany(database, RECORD_EXCHANGED, { subjectToken: subjectToken }),
  ],
  [
    'the recording of tokens with the uses of client assertions',
    async (_, database) => {
      for (const [text, used] of [
        [RECORD_WITH_USES, '01'],
        [RECORD_WITH_USES_UNCONTENDED, '02'],
      ] as const)
        await recordMany(database, text, { quotaKey: null, assertionUse: { hash: used, rememberUntil: 1 } })
    },
  ],
  ['the locks of a token exchange', (knex) => lockSubjectToken(knex, subjectToken, client.key)],
  ['the tokens that a cause revokes, with those that were exchanged', (_, database) => findRevokedByCauses(database)],
  // The statements of the triggers `revoke_tokens_of_identity` and `revoke_tokens_of_provider`, with their settings.
  [
    'the tokens of an identity and of a provider',
    async (knex) => {
      const tokens = 'UPDATE access_tokens t SET revoked_at = now()'
      const active = 't.expires_at > now() AND t.revoked_at IS NULL'
      await knex.raw(`${tokens} WHERE t.grant_id = gen_random_uuid() AND ${active}`)
      await knex.raw('SET LOCAL enable_hashjoin TO off')
      await knex.raw('SET LOCAL enable_mergejoin TO off')
      const [{ id }] = await knex('identity_providers').limit(1).select('id')
      await knex.raw(`${tokens} FROM user_identities i WHERE i.provider_id = ? AND t.grant_id = i.id AND ${active}`, [
        id,
      ])
    },
  ],
  ['the recording of tokens within quotas', (_, database) => recordMany(database, RECORD_WITHIN_QUOTAS)],
  ['the same without waiting', (_, database) => recordMany(database, RECORD_WITHIN_QUOTAS_UNCONTENDED)],
  [
    'the usage of a client, with its quotas',
    async (knex) => await readClientUsage(management(knex), admin(), { clientId: 'kwc_filled7', step: 'hour' }),
  ],
  ...Object.entries(INSPECTED).map(
    ([name, text]) =>
      [`the inspection of ${name}`, async (knex: Knex) => await inspectAs(knex, await text())] as [
        string,
        (knex: Knex) => Promise<void>,
      ],
  ),
  ['the tokens of a revoked signing key', (_, database) => Array.fromAsync(readTokensOfKeys(database, [1]))],
  ['the fresh token of a request', (_, database) => findFresh(database)],
  ['a page of applications', async (knex) => await listApplications(management(knex), admin(), {})],
  [
    'the key pairs of an owner',
    async (knex) => await listClients(management(knex), instanceOperator(), { search: 'filled-7@example.com' }),
  ],
  [
    'the clients of an owner',
    async (knex) => await listClients(management(knex), instanceOperator(), { owner: 'filled-7@example.com' }),
  ],
  [
    'clients with a rare grant type',
    async (knex) => await listClients(management(knex), instanceOperator(), { grant: 'refresh_token', counted: true }),
  ],
  ['one key pair', async (knex) => await readKeyPairDetails(management(knex), admin(), { clientId: 'kwc_filled7' })],
  [
    'the effect of a revocation',
    async (knex) => await readRevocationEffect(management(knex), instanceOperator(), { clientId: client.clientId }),
  ],
  ['one application', async (knex) => await readApplication(management(knex), admin(), { clientId: 'kwc_program7' })],
  [
    'the account with an external ID',
    async (knex) => await listAccounts(management(knex), instanceOperator(), { externalId: 'filled-7' }),
  ],
  [
    'a search for accounts by name or external ID',
    async (knex) => await listAccounts(management(knex), instanceOperator(), { search: 'filled-7' }),
  ],
  [
    'a search for users by name, address or external ID',
    async (knex) => await searchUsers(management(knex), instanceOperator(), { search: 'filled-7' }),
  ],
  [
    'a search for users of an account',
    async (knex) => await searchUsers(management(knex), admin(), { search: 'filled-7@', counted: true }),
  ],
  ['the user with an external ID', async (knex) => await findUserByExternalId(knex, 'filled-7')],
  [
    'the client with an external ID',
    async (knex) => await listClients(management(knex), instanceOperator(), { externalId: 'filled-7' }),
  ],
  ['a page of users', async (knex) => await searchUsers(management(knex), admin(), {})],
  [
    'a page of the users of an account, for an operator',
    async (knex) => await searchUsers(management(knex), instanceOperator(), { accountId: account, counted: true }),
  ],
  [
    'the sign-in with a passkey',
    async (knex) => {
      const { credential_id } = await knex('passkeys').where({ user_id: user }).first('credential_id')
      const credential = await findCredential(knex, credential_id)
      await useChallenge(knex, { value: 'x', expiresAt: Date.now(), purpose: 'sign-in', browser: 'x' })
      expect(await updateSignCount(knex, credential!.id, 1)).toBe(true)
    },
  ],
  ['the passkeys and second factors of a user', (knex) => listFactors(knex, user)],
  ['the passkeys that an authenticator gets', (knex) => listCredentialIds(knex, user)],
  ['one user', async (knex) => await readUser(management(knex), admin(), { userId: user })],
  ['the dry run about a client', (knex) => archiveApplication.dryRun(management(knex), admin(), client)],
  [
    'the dry run about a secret',
    async (knex) => {
      const { id } = await knex('client_secrets').where({ client_id: client.key }).first('id')
      await knex('client_secrets')
        .where({ id })
        .update({ retires_at: knex.raw(`now() + interval '1 hour'`) })
      await knex('client_secrets').insert({
        client_id: client.key,
        kind: 'secret',
        hash: Buffer.alloc(32),
        last_four: 'four',
      })
      await retireApplicationSecret.dryRun(management(knex), admin(), { ...client, secretId: id })
    },
  ],
  ['the dry run about a user', (knex) => revokeAllOfUser.dryRun(management(knex), admin(), { userId: user })],
  [
    'the dry run about a key pair',
    (knex) => generateUserKeyPair.dryRun(management(knex), instanceOperator(), { userId: user }),
  ],
  [
    'the dry run about an account',
    (knex) => setAccountStatus.dryRun(management(knex), instanceOperator(), { accountId: account }),
  ],
  ['the dry run about the instance', (knex) => setInstanceApi.dryRun(management(knex), instanceOperator(), {})],
  ['the deletion of a client', (knex) => deleteSomeOfClient(knex, client.key, 500)],
  ['the deletion of a user', (knex) => deleteSomeOfUser(knex, user, 500)],
  [
    'a page of the deliveries of a webhook',
    async (knex) => await listWebhookDeliveries(management(knex), admin(), { webhookId: WEBHOOK }),
  ],
  [
    'one delivery of a webhook',
    async (knex) => {
      const { id } = await on.knex('webhook_deliveries').where({ webhook_id: WEBHOOK, seq: 7 }).first('id')
      await readWebhookDelivery(management(knex), admin(), { webhookId: WEBHOOK, deliveryId: id })
    },
  ],
  [
    'the page of an identity provider',
    async (knex) => await readIdentityProvider(management(knex), admin(), { providerId: IDENTITY_PROVIDER }),
  ],
  ...[{ userName: 'ada@example.com' }, { email: 'ada@example.com' }, { externalId: 'filled-7' }].map(
    (filter): (typeof CASES)[number] => [
      `SCIM users by ${Object.keys(filter)}`,
      async (knex) => void (await listScimUsers(knex, account, filter, { offset: 0, limit: 100 })),
    ],
  ),
  ['a SCIM user', async (knex) => void (await getScimUser(knex, account, user))],
  [
    'an initial access token',
    async (knex) => void (await findInitialAccessToken(knex, generateSecret('initialAccessToken'))),
  ],
  ['the registrations whose time to be used is over', async (knex) => void (await findDueRegistrations(knex, 500))],
  [
    'a client with its registration access token',
    async (knex) =>
      void (await authenticateRegisteredClient(knex, 'kwc_filled1', generateSecret('registrationAccessToken'))),
  ],
  [
    'the clients of an issuer of software statements',
    async (knex) => void (await hasClientsOfIssuer(knex, 'https://directory.example.com', 10_000)),
  ],
  ['the clients that strangers registered', async (knex) => void (await hasOpenClients(knex, account, 10_000))],
  ['a SCIM token', async (knex) => void (await authenticateScimToken(knex, generateSecret('scimToken')))],
  ...(
    [['email'], ['opaque'], ['iss_sub', 'https://own.example'], ['iss_sub', 'https://provider.example']] as const
  ).map((named): (typeof CASES)[number] => [
    `the subject of a revocation by ${named.join(' of ')}`,
    async (knex) => {
      const [format, iss] = named
      const subject = { format, email: 'ada@example.com', id: user, iss, sub: user } as SubjectIdentifier
      await findSubject(knex, { ...admin(), accountId: account }, subject, 'https://own.example').catch(() => undefined)
    },
  ]),
  ['the deliveries of webhooks that are due', (knex) => leaseDue(knex, 32, [])],
  ['the creation of deliveries', (knex) => createDeliveries(knex, 500)],
  ['the search for objects to delete', (knex) => continueDeletions(knex, 500)],
  [
    'the notices of what happened',
    async (knex) => {
      await knex('mail_notice_cursor').delete()
      await knex.raw('INSERT INTO mail_notice_cursor (seq) SELECT head_seq - 20 FROM audit_chain')
      await addNotices(knex, 50)
    },
  ],
  ['the deletion of refresh tokens', (knex) => deleteExpiredRefreshTokens(knex, 500)],
  ['the deletion of retired secrets', (knex) => deleteRetiredSecrets(knex, 500)],
  ['the deletion of reusable tokens', (knex) => deleteExpiredReusableTokens(knex, 500)],
  ['the deletion of expired single tokens', (knex) => deleteExpiredSingleTokens(knex, 500)],
  ['the deletion of rate limits', (_, database) => deleteIdleRateLimits(database, 500)],
  ['the deletion of sign-in limits', (knex) => deleteExpiredLimits(knex, 500)],
  ['the consents of a user to a client', (knex) => listConsentsToClient(knex, user, client.key)],
  ['the deletion of old deliveries', (knex) => deleteOldDeliveries(knex, 500)],
]

const instanceOperator = (): Principal =>
  ({ role: 'operator', accountId: null, userId: null, scopes: null, actor: ACTOR }) as unknown as Principal

type Lists = Record<
  string,
  (knex: Knex, who: Principal, request: PageRequest & { sort?: never }) => Promise<PageOf<unknown>>
>

const LISTS: Lists = {
  applications: (knex, who, request) => listApplications(management(knex), who, request),
  'applications and key pairs': (knex, who, request) => listClients(management(knex), who, request),
  'clients with a common grant type': (knex, who, request) =>
    listClients(management(knex), who, { ...request, grant: 'client_credentials' }),
  'unused clients': (knex, who, request) => listClients(management(knex), who, { ...request, unusedDays: 90 }),
  'unused applications': (knex, who, request) =>
    listClients(management(knex), who, { ...request, unusedDays: 90, kind: 'application' }),
  'unused key pairs': (knex, who, request) =>
    listClients(management(knex), who, { ...request, unusedDays: 90, kind: 'key_pair' }),
  'expiring clients': (knex, who, request) => listClients(management(knex), who, { ...request, expiringDays: 30 }),
  'expiring applications': (knex, who, request) =>
    listClients(management(knex), who, { ...request, expiringDays: 30, kind: 'application' }),
  'expiring key pairs': (knex, who, request) =>
    listClients(management(knex), who, { ...request, expiringDays: 30, kind: 'key_pair' }),
  'key pairs': (knex, who, request) => listClients(management(knex), who, { ...request, kind: 'key_pair' }),
  users: (knex, who, request) => searchUsers(management(knex), who, request),
}

const BOTH_WAYS = ['name', '-name', 'added', '-added']

const SORTS = {
  applications: BOTH_WAYS,
  'applications and key pairs': BOTH_WAYS,
  'clients with a common grant type': BOTH_WAYS,
  'unused clients': ['added'],
  'unused applications': ['added'],
  'unused key pairs': ['added'],
  'key pairs': BOTH_WAYS,
  users: BOTH_WAYS,
}

/** The first page with its count, the next one, and back again; for an admin, and for an operator who sees all accounts. */
async function walkSorted(knex: Knex, list: keyof typeof LISTS, sort: string): Promise<void> {
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

// A twentieth of the applications lists as expiring: for a tenth, reading all of them is about as fast, and either plan is right.
// CREATE OR REPLACE FUNCTION would lose the settings.
test('the check of a subject token is planned once, by indexes', async () => {
  const check = await on.knex('pg_proc').where({ proname: 'is_subject_token_active' }).first('proconfig')
  expect(check.proconfig.toSorted()).toEqual([
    'enable_hashjoin=off',
    'enable_mergejoin=off',
    'enable_seqscan=off',
    'plan_cache_mode=force_generic_plan',
  ])
})

describe('with secrets that expire', () => {
  beforeAll(async () => {
    await on.knex.raw(
      `UPDATE clients SET secret_expires_at = now() + make_interval(days => (id % 120)::int + 1)
        WHERE client_id LIKE 'kwc_filled1%' OR client_id LIKE 'kwc_program1%'`,
    )
    await on.knex.raw(
      `UPDATE client_secrets s SET expires_at = c.secret_expires_at, retires_at = c.secret_expires_at
         FROM clients c WHERE c.id = s.client_id AND c.secret_expires_at IS NOT NULL`,
    )
    await on.knex.raw(
      `UPDATE client_secrets
          SET retires_at = now() + interval '90 days', retire_unused_hours = 24, retire_unused_from = now() - interval '1 day'
        WHERE expires_at IS NULL AND id % 100 = 0`,
    )
    await on.knex.raw('CLUSTER clients USING clients_pkey')
    // With as few accounts as here, an index that begins with the account serves statements without one (skip scans of PostgreSQL 18).
    await on.knex.raw('ALTER TABLE clients ALTER COLUMN account_id SET (n_distinct = 200)')
    await on.knex.raw('ANALYZE clients, client_secrets')
  })

  test('the retirement of unused secrets: no statement reads a whole table or sorts more than a page', async () => {
    expect(await fieldErrorsIn((knex) => retireUnusedSecrets(knex, 500))).toEqual([])
  })

  test.each(['expiring clients', 'expiring applications', 'expiring key pairs'])(
    'a counted list of %s, paged both ways: no statement reads a whole table or sorts more than a page',
    async (list) => {
      expect(await fieldErrorsIn((knex) => walkSorted(knex, list, '-added'))).toEqual([])
    },
  )
})
