import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listSecrets, newestSecretId } from '../../src/clients/client-secrets.ts'
import { lockClient } from '../../src/clients/clients.ts'
import { retireUnusedSecrets } from '../../src/clients/unused-secret-retirement.ts'
import { retireUnused } from '../../src/clients/unused-secrets.ts'
import { scheduleOf } from '../../src/jobs/schedule.ts'
import { rotateApiSecret } from '../../src/management/api-operations.ts'
import { rotateApplicationSecret } from '../../src/management/application-operations.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { commandLinePrincipal } from '../../src/management/principal.ts'
import { planApplicationSecretRetirement, retireApplicationSecret } from '../../src/management/secret-retirement.ts'
import { ACTOR } from '../support/factory.ts'
import { until } from '../support/load.ts'
import { openManagement, operator } from './principals.ts'

const HOUR = 3_600_000
const MINUTE = 60_000

let on: Awaited<ReturnType<typeof openManagement>>

beforeAll(async () => {
  on = await openManagement()
})
afterAll(async () => await on?.close())

/** A client whose previous secret and API key retire after 24 unused hours, at the latest in 7 days. */
async function rotated(unusedHours: number | null = 24) {
  const client = await on.make.client([], { apiKeyRequired: true })
  await rotateSecret(on.knex, client.clientId, 7 * 86_400, ACTOR, { unusedHours })
  const previous = await on
    .knex('client_secrets')
    .where({ client_id: client.key })
    .whereNotNull('retires_at')
    .orderBy('id')
    .pluck('id')
  return { ...client, secretId: previous[0] as number, apiKeyId: previous[1] as number }
}

/** Sets the times of a secret, in milliseconds before now. */
const age = (id: number, { from, used }: { from: number; used: number | null }) =>
  on
    .knex('client_secrets')
    .where({ id })
    .update({
      retire_unused_from: new Date(Date.now() - from),
      last_used_at: used === null ? null : new Date(Date.now() - used),
    })

async function worksStill(key: number, id: number): Promise<boolean> {
  return (await listSecrets(on.knex, key)).some((secret) => secret.id === id)
}

const eventsOf = (clientId: string, action: string) => on.knex('audit_log').where({ target_id: clientId, action })

/** The row of a token that the secret obtained so many milliseconds ago. */
const tokenOf = (key: number, secretId: number, ago: number) => ({
  jti: randomUUID(),
  expires_at: new Date(Date.now() + HOUR),
  issued_at: new Date(Date.now() - ago),
  ...{ client_id: key, secret_id: secretId, sequence: 0, api_id: 1, revocation_epoch: 0, subject: '', scope: '' },
})

async function waitingSessions(): Promise<number> {
  const waiting = { datname: on.knex.raw('current_database()'), wait_event_type: 'Lock' }
  return (await on.knex('pg_stat_activity').where(waiting).select('pid')).length
}

const runJob = async () => {
  const jobs = scheduleOf({ database: { knex: on.knex } } as never)
  await jobs.find(({ name }) => name === 'retire unused secrets')!.run(false)
}

describe('a previous secret that retires after 24 unused hours', () => {
  test.each([
    ['stays until nodes must have written every use', 25 * HOUR, 24 * HOUR + 9 * MINUTE, true],
    ['retires after its last use', 25 * HOUR, 24 * HOUR + 11 * MINUTE, false],
    ['retires without any use', 25 * HOUR, null, false],
    ['stays after a use, however long ago the decision was', 100 * HOUR, HOUR, true],
    ['stays for its hours after the decision, however long ago its last use was', HOUR, 100 * HOUR, true],
  ])('%s', async (_, from, used, isKept) => {
    const { key, clientId, secretId } = await rotated()
    await age(secretId, { from, used })
    await runJob()
    expect(await worksStill(key, secretId)).toBe(isKept)
    const [event] = await eventsOf(clientId, 'client.secret_retired')
    if (isKept) expect(event).toBeUndefined()
    else
      expect(event).toMatchObject({ actor_type: 'system', detail: { secrets: [{ kind: 'secret', unused_hours: 24 }] } })
  })

  test('stays after a use that its node could not write, because a token was issued', async () => {
    const { key, secretId } = await rotated()
    await age(secretId, { from: 30 * HOUR, used: 30 * HOUR })
    await on.knex('access_tokens').insert(tokenOf(key, secretId, 2 * HOUR))
    await runJob()
    expect(await worksStill(key, secretId)).toBe(true)
  })

  test('stays after a use while the job waits for the lock of the client', async () => {
    const { key, clientId, secretId } = await rotated()
    await age(secretId, { from: 30 * HOUR, used: null })
    let job: Promise<void> | undefined
    await on.knex.transaction(async (trx) => {
      await lockClient(trx, clientId)
      job = runJob()
      await until(async () => (await waitingSessions()) > 0)
      await trx('access_tokens').insert(tokenOf(key, secretId, 0))
    })
    await job
    expect(await worksStill(key, secretId)).toBe(true)
  })

  /** Tokens that another secret of the client obtained, some in the same second. */
  const insertOthers = (key: number, count: number) =>
    on.knex.raw(
      `INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, secret_id, sequence, api_id, revocation_epoch, subject, scope)
       SELECT gen_random_uuid(), now() + interval '1 hour', now() - make_interval(mins => 60 + (n / 15) * 10), ?, 0, 0, 1, 0, '', ''
         FROM generate_series(0, ?) n`,
      [key, count - 1],
    )

  const FEW = { tokens: 10, statements: 3 }
  const progress = async (secretId: number) =>
    (await on.knex('client_secrets').where({ id: secretId }).first()).unused_until?.getTime() as number | undefined

  test('stays after a use that is found among many tokens of another secret', async () => {
    const { key, secretId } = await rotated()
    await age(secretId, { from: 30 * HOUR, used: 30 * HOUR })
    await insertOthers(key, 1000)
    await on.knex('access_tokens').insert(tokenOf(key, secretId, 2 * HOUR))
    await retireUnusedSecrets(on.knex, 100, { tokens: 10, statements: 1000 })
    expect(await worksStill(key, secretId)).toBe(true)
  })

  test('stays until a later run has read the rest of many tokens, and retires then', async () => {
    const { key, secretId } = await rotated()
    await age(secretId, { from: 30 * HOUR, used: 30 * HOUR })
    await insertOthers(key, 150)
    await retireUnusedSecrets(on.knex, 100, FEW)
    const first = await progress(secretId)
    await retireUnusedSecrets(on.knex, 100, FEW)
    expect(await progress(secretId)).toBeGreaterThan(first!)
    expect(await worksStill(key, secretId)).toBe(true)
    await on.knex('access_tokens').insert(tokenOf(key, 0, 0))
    await until(async () => {
      await retireUnusedSecrets(on.knex, 100, FEW)
      return !(await worksStill(key, secretId))
    })
  })

  test('is examined with more tokens in the last minute than one statement reads', async () => {
    const { key, secretId } = await rotated()
    await age(secretId, { from: 30 * HOUR, used: 30 * HOUR })
    for (let n = 0; n < 25; n++) await on.knex('access_tokens').insert(tokenOf(key, 0, n * 1000))
    await retireUnusedSecrets(on.knex, 100, { tokens: 10, statements: 3 })
    expect(await worksStill(key, secretId)).toBe(false)
  })

  test('retires alone: its API key and the current secrets stay', async () => {
    const { key, secretId, apiKeyId } = await rotated()
    await age(secretId, { from: 30 * HOUR, used: null })
    await runJob()
    expect([await worksStill(key, secretId), await worksStill(key, apiKeyId)]).toEqual([false, true])
    expect(await listSecrets(on.knex, key)).toHaveLength(3)
  })

  test('is not retired again by a transaction that began before it was retired', async () => {
    const { key, secretId } = await rotated()
    await age(secretId, { from: 30 * HOUR, used: null })
    await on.knex.transaction(async (earlier) => {
      await earlier.raw('SELECT now()')
      await runJob()
      expect(await retireUnused(earlier, key)).toEqual([])
    })
  })

  test('retires once, whatever runs concurrently', async () => {
    const { clientId, secretId } = await rotated()
    await age(secretId, { from: 30 * HOUR, used: null })
    await Promise.all(Array.from({ length: 4 }, () => retireUnusedSecrets(on.knex, 100)))
    expect(await eventsOf(clientId, 'client.secret_retired')).toHaveLength(1)
  })
})

test('a secret without a number of hours retires at its end only', async () => {
  const { key, secretId } = await rotated(null)
  await on
    .knex('client_secrets')
    .where({ id: secretId })
    .update({ last_used_at: new Date(Date.now() - 100 * HOUR) })
  await runJob()
  expect(await worksStill(key, secretId)).toBe(true)
})

describe('the retirement of a previous secret', () => {
  const plan = (input: object) => planApplicationSecretRetirement(on.management, operator, input as never)
  const selected = async () => {
    const { clientId, secretId, key } = await rotated(null)
    return { clientId, secretId, key }
  }

  test('is changed: hours without a use, and an earlier end', async () => {
    const { key, ...one } = await selected()
    const latestAt = new Date(Date.now() + HOUR)
    await plan({ ...one, unusedHours: 5, latestAt })
    const row = await on.knex('client_secrets').where({ id: one.secretId }).first()
    expect(row).toMatchObject({ retire_unused_hours: 5, retires_at: latestAt })
    await plan({ ...one, unusedHours: null })
    expect(await on.knex('client_secrets').where({ id: one.secretId }).first()).toMatchObject({
      retire_unused_hours: null,
      retires_at: latestAt,
    })
    const [event] = await eventsOf(one.clientId, 'client.secret_retirement_planned')
    expect(event.detail).toMatchObject({ kind: 'secret', unused_hours: 5 })
  })

  test.each([
    ['an end in the past', { latestAt: new Date(Date.now() - 1000) }, 'invalid_input'],
    ['a later end', { latestAt: new Date(Date.now() + 8 * 24 * HOUR) }, 'invalid_input'],
    ['no hour', { unusedHours: 0 }, 'invalid_input'],
    ['too many hours', { unusedHours: 8785 }, 'invalid_input'],
    ['a fraction of an hour', { unusedHours: 1.5 }, 'invalid_input'],
    ['an earlier revision', { revision: 1 }, 'stale'],
    ['another secret', { secretId: 999_999_999 }, 'not_found'],
  ])('is refused with %s', async (_, change, code) => {
    const { key, ...one } = await selected()
    await expect(plan({ ...one, unusedHours: 5, ...change })).rejects.toMatchObject({ code })
  })

  test('is refused for the newest secret, and after the retirement', async () => {
    const { key, ...one } = await selected()
    const newest = (await newestSecretId(on.knex, key))!
    await expect(plan({ ...one, secretId: newest, unusedHours: 5 })).rejects.toMatchObject({ code: 'not_found' })
    await retireApplicationSecret(on.management, operator, one)
    await expect(plan({ ...one, unusedHours: 5 })).rejects.toMatchObject({ code: 'conflict' })
  })
})

test('a rotation is refused with hours without a use but without an overlap', async () => {
  const { clientId } = await on.make.client([])
  const rotation = { clientId, overlap: 0, unusedHours: 5 }
  const refused = rotateApplicationSecret(on.management, commandLinePrincipal('ops'), rotation)
  await expect(refused).rejects.toMatchObject({ code: 'invalid_input' })
})

test('of two rotations of an API that begin with the same secret, one is refused, and the secret of the other works', async () => {
  const { identifier, clientId } = await on.make.api()
  const { id: key } = await on.knex('clients').where({ client_id: clientId }).first('id')
  const newest = (await newestSecretId(on.knex, key))!
  const rotate = () => rotateApiSecret(on.management, operator, { identifier, overlap: 0, newest })
  const outcomes = await Promise.allSettled([rotate(), rotate()])
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  expect(refused.map(({ reason }) => reason.code)).toEqual(['stale'])
  const shown = outcomes.find((outcome) => outcome.status === 'fulfilled')!.value.clientSecret!
  expect((await listSecrets(on.knex, key)).map(({ lastFour }) => lastFour)).toEqual([shown.slice(-4)])
})
