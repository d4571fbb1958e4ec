import type { Knex } from 'knex'
import { newId } from '../shared/ids.ts'
import { tracing } from '../shared/tracing.ts'
import { commit } from './audit-commitments.ts'
import { boundDetail } from './audit-detail.ts'

/** On whose behalf something is done, and through which request. */
export interface Actor {
  readonly type: 'system' | 'cli' | 'user' | 'client'
  readonly id?: string
  /** The client that acted in a person's name. */
  readonly through?: string
  readonly ip?: string
  readonly requestId?: string
}

export interface AuditEntry {
  /** `noun.verb`, in the past tense: `client.archived`. */
  readonly action: string
  readonly target: { readonly type: string; readonly id: string }
  readonly accountId?: string | null
  /** What changed; never a secret. What is long is cut (`boundDetail`). */
  readonly detail?: Record<string, unknown>
  /** The part of the detail that describes the user who is the target: erased when the user is deleted. */
  readonly personal?: Record<string, unknown>
}

const isGiven = (personal: AuditEntry['personal']): personal is Record<string, unknown> =>
  personal !== undefined && Object.keys(personal).length > 0

function toErasable(actor: Actor, { personal }: AuditEntry) {
  const [ip, about] = [commit(actor.ip ?? null), commit(isGiven(personal) ? boundDetail(personal) : null)]
  return {
    format: 2,
    ip: ip.value,
    ip_salt: ip.salt,
    ip_commitment: ip.commitment,
    personal: about.value,
    personal_salt: about.salt,
    personal_commitment: about.commitment,
  }
}

const toRow = (actor: Actor, entry: AuditEntry, traceparent: string | undefined) => ({
  id: newId(),
  action: entry.action,
  actor_type: actor.type,
  actor_id: actor.id ?? null,
  account_id: entry.accountId ?? null,
  target_type: entry.target.type,
  target_id: entry.target.id,
  ...toErasable(actor, entry),
  request_id: actor.requestId ?? null,
  detail: boundDetail({ ...entry.detail, ...(actor.through && { through: actor.through }) }),
  ...(traceparent && { traceparent }),
})

/**
 * Writes entries in the transaction of the acts they tell of, so that neither is without the other; answers their ids, in
 * their order.
 */
export async function recordAudit(db: Knex, actor: Actor, ...entries: AuditEntry[]): Promise<string[]> {
  const traceparent = tracing()?.traceparent()
  const rows = entries.map((entry) => toRow(actor, entry, traceparent))
  await db('audit_log').insert(rows)
  return rows.map(({ id }) => id)
}
