import { afterAll, beforeAll, expect, test } from 'vitest'
import { listSecrets } from '../../src/clients/client-secrets.ts'
import { rotateSecret } from '../../src/management/client-secret-rotation.ts'
import { retireSecret } from '../../src/management/secret-retirement.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'

let on: Keywright

beforeAll(async () => {
  on = await startKeywright()
})

afterAll(() => on?.stop())

test('all previous secrets of a client can be retired at once, and the newest secret stays', async () => {
  const first = await on.make.client()
  const { clientId, key } = first
  const rotated = async () => ({
    clientId,
    clientSecret: (await rotateSecret(on.knex, clientId, 3600, ACTOR)).clientSecret!,
  })
  const [second, newest] = [await rotated(), await rotated()]
  const secrets = await listSecrets(on.knex, key)
  const idOf = (isNewest: boolean) => secrets.find(({ retiresAt }) => (retiresAt === null) === isNewest)!.id
  const missing = { code: 'not_found' }
  await expect(retireSecret(on.knex, clientId, idOf(true), ACTOR)).rejects.toMatchObject(missing)
  const other = await on.make.client()
  await expect(retireSecret(on.knex, other.clientId, idOf(false), ACTOR)).rejects.toMatchObject(missing)
  await retireSecret(on.knex, clientId, undefined, ACTOR)
  for (const previous of [first, second]) expect((await on.machineToken(previous)).status).toBe(401)
  expect((await on.machineToken(newest)).status).toBe(200)
  await expect(retireSecret(on.knex, clientId, undefined, ACTOR)).rejects.toMatchObject(missing)
  const again = { code: 'conflict', message: expect.stringContaining('already retired') }
  await expect(retireSecret(on.knex, clientId, idOf(false), ACTOR)).rejects.toMatchObject(again)
})
