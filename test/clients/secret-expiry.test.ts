import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addExpiryNotices } from '../../src/clients/secret-expiry.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { changeClientStatus } from '../../src/management/client-status.ts'
import type { Management } from '../../src/management/operation.ts'
import { readAccountOverview } from '../../src/management/overview-operations.ts'
import { adminOf } from '../management/principals.ts'
import { newClientKey } from '../support/client-assertions.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { claimsOf } from '../support/requests.ts'

const DAY = 86_400_000

let server: Keywright
let api: Awaited<ReturnType<Keywright['make']['api']>>

beforeAll(async () => {
  server = await startKeywright()
  api = await server.make.api()
})
afterAll(() => server?.stop())

const newestOf = (key: number) => server.knex('client_secrets').where({ client_id: key }).orderBy('id', 'desc').first()
const rotate = (clientId: string, expiresAt: Date | null) =>
  rotateSecret(server.knex, clientId, 0, ACTOR, { expiresAt })
const daysUntil = (time: Date): number => Math.round((time.getTime() - Date.now()) / DAY)

test('an expired client secret stops working, and the tokens that it obtained are inactive', async () => {
  const { clientId } = await server.make.client({}, [api.identifier])
  let expiry = new Date()
  let client = { clientId, clientSecret: '' }
  let token = ''
  // On a slow machine a secret can expire before the answer.
  await until(async () => {
    expiry = new Date(Date.now() + 3000)
    client = { clientId, clientSecret: (await rotate(clientId, expiry)).clientSecret! }
    const { status, body } = await server.machineToken(client)
    token = body.access_token
    return status === 200
  })
  expect(Number(claimsOf(token).exp) * 1000).toBeLessThanOrEqual(expiry.getTime())
  await until(async () => (await server.machineToken(client)).status === 401)
  expect(Date.now()).toBeGreaterThanOrEqual(expiry.getTime() - 1000)
  expect((await server.introspect(token, api)).body).toEqual({ active: false })
})

describe('the longest lifetime', () => {
  const limited = async (accountDays: number | null, apiDays: number | null) => {
    const account = await server.make.account()
    const seconds = (days: number | null) => (days === null ? null : days * 86_400)
    await server
      .knex('accounts')
      .where({ id: account })
      .update({ max_secret_lifetime: seconds(accountDays) })
    const own = await server.make.api({ maxSecretLifetime: seconds(apiDays) })
    return await server.make.register({ apis: [own.identifier], account })
  }

  test.each([
    ['of the account', 30, null, 30],
    ['of the API', null, 20, 20],
    ['that is shorter', 30, 20, 20],
  ])('%s is the expiry of a secret without one, and the latest of others', async (_, accountDays, apiDays, days) => {
    const { key, clientId } = await limited(accountDays, apiDays)
    expect(daysUntil((await newestOf(key)).expires_at)).toBe(days)
    await rotate(clientId, new Date(Date.now() + 10 * DAY))
    expect(daysUntil((await newestOf(key)).expires_at)).toBe(10)
    await rotate(clientId, new Date(Date.now() + days * DAY + 1000))
    expect(daysUntil((await newestOf(key)).expires_at)).toBe(days)
    const refused = rotate(clientId, new Date(Date.now() + (days + 1) * DAY))
    await expect(refused).rejects.toMatchObject({ code: 'invalid_input', fieldErrors: [{ field: 'expiresAt' }] })
  })

  test('that is absent lets a secret live without an end', async () => {
    const { key } = await limited(null, null)
    expect(await newestOf(key)).toMatchObject({ expires_at: null, retires_at: null })
  })
})

test('an overlap ends with the expiry of the previous secret', async () => {
  const { key, clientId } = await server.make.client()
  const expiry = new Date(Date.now() + DAY)
  await rotate(clientId, expiry)
  const { id } = await newestOf(key)
  await rotateSecret(server.knex, clientId, 7 * 86_400, ACTOR)
  expect((await server.knex('client_secrets').where({ id }).first()).retires_at).toEqual(expiry)
})

test('a secret that another authentication method has replaced is not the next one that expires', async () => {
  const { key, clientId } = await server.make.client()
  const expiry = async () => (await server.knex('clients').where({ id: key }).first()).secret_expires_at
  const in30Days = new Date(Date.now() + 30 * DAY)
  await rotate(clientId, in30Days)
  expect(await expiry()).toEqual(in30Days)
  const { parsed: keys } = await newClientKey()
  await rotateSecret(server.knex, clientId, 600, ACTOR, { authMethod: 'private_key_jwt', keys })
  expect(await expiry()).toBeNull()
})

describe('notices', () => {
  async function expiring(days: number, account?: string) {
    const client = await server.make.register({ account })
    await rotate(client.clientId, new Date(Date.now() + days * DAY))
    return client
  }
  const pass = (key: number, days: number) =>
    server.knex.raw(
      `UPDATE client_secrets SET created_at = created_at - make_interval(days => :days),
              expires_at = expires_at - make_interval(days => :days), retires_at = retires_at - make_interval(days => :days)
        WHERE client_id = :key AND retires_at > now()`,
      { days, key },
    )
  const noticesOf = async (clientId: string): Promise<number[]> => {
    const rows = await server
      .knex('audit_log')
      .where({ target_id: clientId, action: 'client.secret_expires' })
      .orderBy('at')
    return rows.map(({ detail }) => detail.days)
  }
  const runOnNodes = () => Promise.all(Array.from({ length: 4 }, () => addExpiryNotices(server.knex, 500)))

  test('are written 90, 30, 14, 7 and 1 days before the expiry, once each over concurrent nodes', async () => {
    const { key, clientId } = await expiring(100)
    const seen: number[][] = []
    for (const days of [0, 11, 60, 16, 7, 5]) {
      await pass(key, days)
      await runOnNodes()
      seen.push(await noticesOf(clientId))
    }
    expect(seen).toEqual([[], [90], [90, 30], [90, 30, 14], [90, 30, 14, 7], [90, 30, 14, 7, 1]])
  })

  test('of a secret with a short lifetime begin with the first one that comes later', async () => {
    const { key, clientId } = await expiring(10)
    await runOnNodes()
    expect(await noticesOf(clientId)).toEqual([])
    await pass(key, 4)
    await runOnNodes()
    expect(await noticesOf(clientId)).toEqual([7])
  })

  test('leave out replaced secrets and archived clients', async () => {
    const [replaced, archived] = [await expiring(10), await expiring(10)]
    await rotateSecret(server.knex, replaced.clientId, 30 * 86_400, ACTOR)
    await changeClientStatus(server.knex, archived.clientId, 'archived', ACTOR)
    for (const { key } of [replaced, archived]) await pass(key, 4)
    await runOnNodes()
    expect([await noticesOf(replaced.clientId), await noticesOf(archived.clientId)]).toEqual([[], []])
  })

  test('are shown to the admins of the account, until the secret is replaced', async () => {
    const [home, foreign] = [await server.make.account(), await server.make.account()]
    const { key, clientId } = await expiring(10, home)
    await pass(key, 4)
    await runOnNodes()
    const shown = async (account: string) => {
      const overview = await readAccountOverview({ knex: server.knex } as Management, adminOf(account), {})
      return overview.expiringSecrets.map((one) => one.clientId)
    }
    expect([await shown(home), await shown(foreign)]).toEqual([[clientId], []])
    await rotateSecret(server.knex, clientId, 86_400, ACTOR)
    expect(await shown(home)).toEqual([])
  })
})
