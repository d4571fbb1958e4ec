/** Ways around a wall or a role that were found once, each closed. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { setAccountStatus } from '../../src/management/account-operations.ts'
import { updateApi } from '../../src/management/api-changes.ts'
import { readApplication, updateApplication } from '../../src/management/application-operations.ts'
import { updateClient } from '../../src/management/client-registration.ts'
import { generateKeyPair } from '../../src/management/key-pair-operations.ts'
import { MANAGEMENT_API } from '../../src/management/management-scopes.ts'
import { listGrants, listTokens, revokeOneGrant } from '../../src/management/token-operations.ts'
import { setRole } from '../../src/management/user-operations.ts'
import { createApplication, getTokens, isAllow, openBrowserOn } from '../oidc/application-fixtures.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { together, until } from '../support/load.ts'
import { signIn } from '../support/scriptless-browser.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { adminOf, operator } from './principals.ts'

let server: Keywright
let home: string
let admin: Person
const management = () => ({ knex: server.knex, encryptionKeys: server.instance.encryptionKeys })

beforeAll(async () => {
  server = await startKeywright()
  home = server.firstStart.accountId
  admin = await createTestUser(server.knex, home, 'admin')
})
afterAll(async () => await server.stop())

describe('an application of an account', () => {
  it.each(['skip', 'skip_own_account'] as const)(
    'always shows the consent page for the management API: consent %s',
    async (consent) => {
      const application = await createApplication(server, { consent }, { apis: [MANAGEMENT_API] })
      const browser = openBrowserOn(server)
      await signIn(browser, await browser.visit('/signin'), admin.email, admin.password)
      const link = application.link({ scope: 'openid key_pairs:write' })
      expect(isAllow(await browser.visit(link))).toBe(true)
      const harmless = await createApplication(server, { consent })
      expect((await browser.visit(harmless.link({ scope: 'openid all' }))).left).toBeDefined()
    },
  )

  it('does not see email addresses of users of other accounts who consented', async () => {
    const stranger = await createTestUser(server.knex, await server.make.account())
    const application = await createApplication(server, { consent: 'skip' })
    await getTokens(server, application, stranger, { params: { scope: 'all' } })
    const { clientId } = application
    for (const list of [listTokens, listGrants]) {
      const asked = await list(management(), adminOf(home), { clientId })
      expect(asked.items).toMatchObject([{ userId: stranger.id, email: null }])
      expect((await list(management(), adminOf(home), { clientId, search: 'person' })).items).toEqual([])
      expect((await list(management(), operator, { clientId })).items).toMatchObject([{ email: stranger.email }])
      expect((await list(management(), operator, { clientId, search: stranger.email })).items).toHaveLength(1)
    }
    const [grant] = (await listGrants(management(), adminOf(home), { clientId })).items
    await revokeOneGrant(management(), adminOf(home), { clientId, grantId: grant!.id })
    const entry = await server
      .knex('audit_log')
      .where({ action: 'refresh_token.revoked', target_id: grant!.id })
      .first()
    expect(entry).toMatchObject({ account_id: home, detail: { client_id: clientId } })
  })

  it('keeps the settings of an operator when an admin saves at the same time', async () => {
    for (let n = 0; n < 10; n++) {
      const { clientId } = await server.make.client({ consent: 'skip', rateLimit: { count: 5, period: 1 } })
      const { client: seen } = await readApplication(management(), operator, { clientId })
      const limits = { consent: 'show', rateLimit: { count: 1, period: 1 } } as const
      await Promise.allSettled([
        updateApplication(management(), operator, { clientId, settings: limits }),
        updateApplication(management(), adminOf(home), { clientId, settings: { ...seen, name: 'Mine' } }),
      ])
      const { client } = await readApplication(management(), operator, { clientId })
      expect(client).toMatchObject(limits)
    }
  })
})

it('a key pair keeps the settings of operators when its owner loses and regains the admin role', async () => {
  const { id } = await createTestUser(server.knex, home, 'admin')
  const own = adminOf(home, id)
  const { clientId } = await generateKeyPair(management(), own, {})
  const rateLimit = { count: 7, period: 60 }
  await updateClient(server.knex, clientId, { settings: { rateLimit } }, ACTOR)
  for (const role of ['member', 'admin'] as const) await setRole(management(), adminOf(home), { userId: id, role })
  const next = await generateKeyPair(management(), own, {})
  const row = await server.knex('clients').where({ client_id: next.clientId }).first()
  expect([row.rate_limit_count, row.rate_limit_period]).toEqual([rateLimit.count, rateLimit.period])
})

it('disabling and enabling an account during changes of its applications causes no deadlock', async () => {
  const account = await server.make.account()
  const clients = await together(6, () => server.make.register({ account }))
  const change = (n: number, round: number) => {
    const accessType = round % 2 ? 'client' : 'both'
    return updateClient(server.knex, clients[n]!.clientId, { settings: { accessType } }, ACTOR)
  }
  const status = (round: number) => (round % 2 ? 'disabled' : 'active')
  const outcomes = await Promise.allSettled([
    ...Array.from({ length: 6 }, async (_, n) => {
      for (let round = 0; round < 20; round++) await change(n, round)
    }),
    (async () => {
      for (let round = 1; round <= 20; round++) {
        await setAccountStatus(management(), operator, { accountId: account, status: status(round) })
      }
    })(),
  ])
  expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([])
})

it('a scope cannot become a default scope while it is removed from its API', async () => {
  const { identifier } = await server.make.api({ scopes: ['keep', 'go'] })
  const { clientId } = await server.make.client({}, [identifier])
  const trx = await server.knex.transaction()
  await updateApi(trx, identifier, { scopes: ['keep'] }, ACTOR)
  const asked = updateClient(server.knex, clientId, { settings: { defaultScopes: ['go'] } }, ACTOR)
  asked.catch(() => {})
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
  await until(async () => (await server.knex.raw(waiting)).rows.length > 0)
  await trx.commit()
  await expect(asked).rejects.toMatchObject({ code: 'invalid_input', fieldErrors: [{ field: 'defaultScopes' }] })
})
