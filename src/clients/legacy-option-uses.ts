import type { Knex } from 'knex'
import { recordAudit } from '../audit/audit-log.ts'

/** Remembers which clients made use of what they are allowed against the standard, until it is written down. */
export interface LegacyOptionUses {
  note(clientId: string, kind: string): void
  /** Writes one audit entry for each client and kind since the last time, with how often. */
  flush(knex: Knex): Promise<void>
}

export function createLegacyOptionUses(): LegacyOptionUses {
  const noted = new Map<string, { clientId: string; kind: string; count: number }>()
  return {
    note(clientId, kind) {
      const key = `${kind} ${clientId}`
      const entry = noted.get(key) ?? { clientId, kind, count: 0 }
      entry.count++
      noted.set(key, entry)
    },
    async flush(knex) {
      if (noted.size === 0) return
      const entries = [...noted.values()].map((entry) => ({ ...entry }))
      const known: { client_id: string; account_id: string }[] = await knex('clients')
        .whereIn(
          'client_id',
          entries.map((entry) => entry.clientId),
        )
        .select('client_id', 'account_id')
      const accounts = new Map(known.map((row) => [row.client_id, row.account_id]))
      await recordAudit(
        knex,
        { type: 'system' },
        ...entries.map(({ clientId, kind, count }) => ({
          action: 'client.legacy_option_used',
          target: { type: 'client', id: clientId },
          accountId: accounts.get(clientId) ?? null,
          detail: { kind, count },
        })),
      )
      // Not before they are written; what was noted meanwhile stays for the next time.
      for (const { clientId, kind, count } of entries) {
        const entry = noted.get(`${kind} ${clientId}`)!
        entry.count -= count
        if (entry.count === 0) noted.delete(`${kind} ${clientId}`)
      }
    },
  }
}
