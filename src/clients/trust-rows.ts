import type { Knex } from 'knex'
import { lastFour } from '../shared/secrets.ts'
import { expiryFor, type RequestedExpiry } from './secret-expiry.ts'
import { hashOfTrust, type WorkloadTrust } from './workload-trusts.ts'

/**
 * Stores trusts in issuers. The first one counts as the newest.
 * @param set the set that they join; undefined: they are a new one
 * @throws KeywrightError `invalid_input` (the expiry)
 */
export async function addTrusts(
  trx: Knex,
  clientKey: number,
  trusts: readonly WorkloadTrust[],
  requested: RequestedExpiry = { field: 'expiresAt' },
  set?: string,
): Promise<void> {
  const expiry = await expiryFor(trx, clientKey, requested)
  for (const trust of [...trusts].reverse()) {
    const hash = hashOfTrust(trust)
    await trx('client_secrets').insert({
      client_id: clientKey,
      kind: 'trust',
      hash,
      last_four: lastFour(hash.toString('hex')),
      trust: JSON.stringify(trust),
      ...(set && { key_set: trx.raw('?::timestamptz', [set]) }),
      expires_at: expiry,
      retires_at: expiry,
    })
  }
}
