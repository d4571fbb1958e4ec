import type { Knex } from 'knex'
import type { Registration } from '../clients/registration.ts'
import type { Claim } from '../refresh/code-tokens.ts'
import { hash } from './adapter.ts'

/** A code that a client presents. */
interface PresentedCode {
  readonly model: string
  readonly id: string
  readonly userId: string
  /** The client as it authenticated. */
  readonly client: Pick<Registration, 'revocationEpoch' | 'codeRevocationEpoch'>
  /** Milliseconds since 1970. */
  readonly arrivedAt: number
}

/**
 * Claims a code in the transaction that issues the tokens and that has locked the user. A request that arrived before the
 * first one's tokens were issued, by the database's clock, overlaps with it; a later one is reuse.
 */
export async function claimCode(trx: Knex, code: PresentedCode): Promise<Claim> {
  const row = { model: code.model, id_hash: hash(code.id) }
  const used = { consumed_at: trx.raw('clock_timestamp()') }
  const claimed = await trx('engine_models')
    .where({
      ...row,
      client_revocation_epoch: code.client.revocationEpoch,
      code_revocation_epoch: code.client.codeRevocationEpoch,
    })
    .where('subject_since', trx('users').where({ id: code.userId }).select('sessions_valid_from'))
    .whereNull('consumed_at')
    .update(used)
  if (claimed > 0)
    return { found: 'first', complete: async () => void (await trx('engine_models').where(row).update(used)) }
  const overlaps = trx.raw('consumed_at > to_timestamp(?) AS overlaps', [code.arrivedAt / 1000])
  const earlier = await trx('engine_models').where(row).first('consumed_at', overlaps)
  if (!earlier?.consumed_at) return { found: 'invalid' }
  return { found: earlier.overlaps ? 'overlapping' : 'reused' }
}
