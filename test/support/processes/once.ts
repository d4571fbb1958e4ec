/**
 * Tries to be the one that records or consumes each of some one-time ids, several times at once, and says in one line of
 * JSON how often its claim succeeded. Waits for the advisory lock 1, so that several such processes begin together.
 */

import { openDatabase } from '../../../src/database/open-database.ts'
import { EngineModelAdapter } from '../../../src/oidc/adapter.ts'
import { recordOnce } from '../../../src/oidc/engine-rows.ts'
import { createEncryptionKeys } from '../../../src/shared/encryption-keys.ts'

const [url, what, ...ids] = process.argv.slice(2)
const { knex, close } = openDatabase(url!, { poolMax: 10 })
const adapter = new EngineModelAdapter(knex, createEncryptionKeys([Buffer.alloc(32)]), 'PushedAuthorizationRequest')

const consume = (id: string) =>
  adapter.consume(id).then(
    () => true,
    (error) => {
      if (error.error !== 'invalid_request_uri') throw error
      return false
    },
  )
const record = (id: string) => recordOnce(knex, id, Math.floor(Date.now() / 1000) + 600)
const attempt = what === 'consume' ? consume : record

await knex.raw('SELECT pg_advisory_lock_shared(1)')
const wins: Record<string, number> = {}
for (const id of ids) {
  const results = await Promise.all(Array.from({ length: 10 }, () => attempt(id)))
  wins[id] = results.filter(Boolean).length
}
process.stdout.write(`${JSON.stringify(wins)}\n`)
await close()
