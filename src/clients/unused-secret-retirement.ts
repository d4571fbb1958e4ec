import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { clientEntry, lockClient, touchClient } from './clients.ts'
import {
  CLOCKS_BEHIND,
  clientsWithUnusedSecrets,
  completeLastUses,
  completeLatestUses,
  type ReadingLimits,
  retireUnused,
} from './unused-secrets.ts'

const ACTOR: Actor = { type: 'system', id: 'unused secrets' }

const MARGIN = CLOCKS_BEHIND * 1000

/** A million tokens, which take a few seconds. */
const LIMITS: ReadingLimits = { tokens: 10_000, statements: 100 }

/**
 * Retires the unused secrets of a client. PostgreSQL decides by the last use, under the lock of the client: a token that is
 * being issued is recorded before, or is refused. `lookedAt`: when its tokens were read, which may be so many that nobody should
 * wait for it; the lock has to wait only for the look at those that came later.
 */
async function retireUnusedOf(knex: Knex, clientId: string, lookedAt: Date): Promise<void> {
  await knex.transaction(async (trx) => {
    const client = await lockClient(trx, clientId)
    await completeLatestUses(trx, client.key, new Date(lookedAt.getTime() - MARGIN))
    const retired = await retireUnused(trx, client.key)
    if (retired.length === 0) return
    await touchClient(trx, client.key)
    const secrets = retired.map(({ kind, last_four, retire_unused_hours }) => ({
      kind,
      last_four,
      unused_hours: retire_unused_hours,
    }))
    await recordAudit(trx, ACTOR, clientEntry('client.secret_retired', client, { secrets }))
  })
}

/**
 * Retires the secrets of at most `limit` clients that were not used for as long as their rotation says. Returns the number of clients.
 * A later run continues with a client that has more tokens than `limits` allow to read.
 */
export async function retireUnusedSecrets(knex: Knex, limit: number, limits = LIMITS): Promise<number> {
  const clients = await clientsWithUnusedSecrets(knex, limit)
  for (const { id, client_id } of clients) {
    const { rows } = await knex.raw('SELECT now() AS now')
    if (await completeLastUses(knex, id, limits)) await retireUnusedOf(knex, client_id, rows[0].now)
  }
  return clients.length
}
