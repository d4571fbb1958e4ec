import type { Knex } from 'knex'
import { recordSecretUses } from './client-secrets.ts'

/** Collects when and from where secrets are used, each once until told to `forget`, and writes it behind the requests. */
export interface SecretUses {
  note(secretId: number, ip: string): void
  flush(knex: Knex): Promise<void>
  /** Lets every secret be noted again. */
  forget(): void
}

export function createSecretUses(): SecretUses {
  const seen = new Set<number>()
  const pending = new Map<number, { id: number; at: Date; ip: string }>()
  return {
    note(secretId, ip) {
      if (seen.has(secretId)) return
      seen.add(secretId)
      pending.set(secretId, { id: secretId, at: new Date(), ip })
    },
    async flush(knex) {
      if (pending.size === 0) return
      const uses = [...pending.values()]
      pending.clear()
      await recordSecretUses(knex, uses)
    },
    forget: () => seen.clear(),
  }
}
