import type { Knex } from 'knex'
import { newId } from '../shared/ids.ts'

/** On whose behalf something is done, and through which request. */
export interface Actor {
  readonly type: 'system' | 'cli' | 'user' | 'client'
  readonly id?: string
  readonly ip?: string
  readonly requestId?: string
}

export interface AuditEntry {
  /** `noun.verb`, in the past tense: `client.archived`. */
  readonly action: string
  readonly target: { readonly type: string; readonly id: string }
  readonly accountId?: string | null
  /** What changed; never a secret. */
  readonly detail?: Record<string, unknown>
}

/** Writes entries in the transaction of the acts they tell of, so that neither is without the other. */
export async function recordAudit(db: Knex, actor: Actor, ...entries: AuditEntry[]): Promise<void> {
  const rows = entries.map((entry) => ({
    id: newId(),
    action: entry.action,
    actor_type: actor.type,
    actor_id: actor.id ?? null,
    account_id: entry.accountId ?? null,
    target_type: entry.target.type,
    target_id: entry.target.id,
    ip: actor.ip ?? null,
    request_id: actor.requestId ?? null,
    detail: JSON.stringify(entry.detail ?? {}),
  }))
  await db('audit_log').insert(rows)
}
