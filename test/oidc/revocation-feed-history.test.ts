/** A client without a cursor gets a history that no cached list can lack, for every configured list lifetime. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { deleteOldRevocations, saveCheckpoint } from '../../src/status/feed-cursors.ts'
import { revokeToken } from '../../src/tokens/revocation.ts'
import { ACTOR } from '../support/factory.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { type Credentials, claimsOf } from '../support/requests.ts'
import { openFeed } from '../support/status.ts'

let server: Keywright
let api: Credentials & { identifier: string }

beforeAll(async () => {
  // The longest that can be set.
  server = await startKeywright({ env: { STATUS_LIST_TTL: '3600' } })
  api = await server.make.api()
})
afterAll(() => server.stop())

const issueTo = async (client: Credentials) => (await server.machineToken(client)).body.access_token as string

/** As if so much time had gone by since. */
async function age(minutes: number): Promise<void> {
  const at = server.knex.raw('at - make_interval(mins => ?)', [minutes])
  await server.knex('revocation_checkpoints').update({ at })
  await server.knex('revocations').update({ at })
}

test('a client without a cursor gets the revocations and retired secrets of twice the list lifetime', async () => {
  const [one, other] = [await server.make.client({}, [api.identifier]), await server.make.client({}, [api.identifier])]
  const [revoked, ofSecret] = [await issueTo(one), await issueTo(other)]
  await server.knex('revocation_checkpoints').delete()
  await saveCheckpoint(server.knex)
  await age(10)
  await revokeToken(server.knex, String(claimsOf(revoked).jti), ACTOR)
  await saveCheckpoint(server.knex)
  // With an overlap that ended then; what the rotation said itself was read long before.
  const retires_at = server.knex.raw(`now() - interval '45 minutes'`)
  await server
    .knex('client_secrets')
    .where('client_id', server.knex('clients').where('client_id', other.clientId).select('id'))
    .update({ retires_at })
  await server.knex('revocations').whereNotNull('secret_id').delete()
  await age(115)
  await saveCheckpoint(server.knex)
  await deleteOldRevocations(server.knex, 500)
  const feed = await openFeed(server, api)
  await feed.current(0)
  expect([feed.isTold(revoked), feed.isTold(ofSecret)]).toEqual([true, true])
  await feed.close()
})
