import type { Knex } from 'knex'
import { recordAudit } from '../audit/audit-log.ts'

/** Buffers the uses of legacy compatibility options, and writes them to the audit log. */
export interface LegacyOptionUses {
  record(clientId: string, kind: string): void
  /** Writes one audit event per client and option, with the number of uses since the last one. */
  flush(knex: Knex): Promise<void>
}

export function createLegacyOptionUses(): LegacyOptionUses {
  const uses = new Map<string, { clientId: string; kind: string; count: number }>()
  return {
    record(clientId, kind) {
      const key = `${kind} ${clientId}`
      const entry = uses.get(key) ?? { clientId, kind, count: 0 }
      entry.count++
      uses.set(key, entry)
    },
    async flush(knex) {
      if (uses.size === 0) return
      const entries = [...uses.values()].map((entry) => ({ ...entry }))
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
      // Only what was written is removed; uses that were recorded meanwhile stay for the next flush.
      for (const { clientId, kind, count } of entries) {
        const entry = uses.get(`${kind} ${clientId}`)!
        entry.count -= count
        if (entry.count === 0) uses.delete(`${kind} ${clientId}`)
      }
    },
  }
}
