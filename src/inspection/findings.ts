import type { InspectionReason } from './inspection-reasons.ts'

export type FindingKind = 'access_token' | 'client_secret' | 'api_key' | 'client' | 'user'

interface FoundToken {
  readonly jti: string
  readonly scope: string
  /** Null: the client acts for an account, or for itself. */
  readonly userId: string | null
  /** Of a token that acts for an account without a user; null for others. */
  readonly accountId: string | null
  readonly issuedAt: string
  readonly expiresAt: string
}

interface FoundSecret {
  readonly id: number
  readonly lastFour: string
  readonly createdAt: string
  readonly retiresAt: string | null
}

/** A credential, client or user, whose it is, and whether it works. Times are ISO 8601. */
export interface Finding {
  readonly kind: FindingKind
  readonly works: boolean
  /** Null: it works. */
  readonly reason: InspectionReason | null
  /** When it stopped working, if that is recorded. */
  readonly since: string | null
  /** Who stopped it, if that is recorded. A label is an email address or a name. */
  readonly by: { readonly type: string; readonly id: string | null; readonly label: string | null } | null
  /** Client ID of the key pair that replaced this one, if that is recorded. */
  readonly replacedBy: string | null
  readonly account: { readonly id: string; readonly name: string } | null
  /** The owner of a key pair, or the user. */
  readonly user: { readonly id: string; readonly email: string } | null
  readonly client: {
    readonly clientId: string
    /** The client ID if the client was deleted. */
    readonly name: string
    readonly kind: 'key_pair' | 'application' | 'api'
    readonly status: string
    /** The API whose client this is. */
    readonly apiId: number | null
  } | null
  /** Identifier of the API that the token is for. */
  readonly api: string | null
  readonly token: FoundToken | null
  readonly secret: FoundSecret | null
}

/** The columns of `ACT_COLUMNS`. */
export interface ActColumns {
  stopped_at: Date | null
  act_action: string | null
  act_target: string | null
  actor_type: string | null
  actor_id: string | null
  actor_label: string | null
}

/** The columns of `CLIENT_COLUMNS`. */
export interface ClientColumns extends ActColumns {
  client_id: string
  client_kind: 'key_pair' | 'application' | 'api'
  client_name: string
  client_status: 'active' | 'archived' | 'replaced' | 'deleting' | 'deleted'
  client_api_id: number | null
  account_id: string | null
  account_name: string | null
  account_status: string | null
  owner_id: string | null
  owner_email: string | null
  owner_status: string | null
  api_enabled: boolean
}

export interface Verdict {
  readonly reason: InspectionReason | null
  readonly since?: Date | null
}

function reasonOf(row: ClientColumns): InspectionReason | null {
  if (row.client_status === 'replaced')
    return row.act_action === 'key_pair.ended' ? 'key_pair_ended' : 'key_pair_replaced'
  if (row.client_status === 'deleting' || row.client_status === 'deleted') return 'client_deleted'
  if (row.client_status !== 'active') return row.client_kind === 'key_pair' ? 'key_pair_stopped' : 'client_archived'
  if (row.account_status !== null && row.account_status !== 'active') return 'account_disabled'
  if (!row.api_enabled) return 'api_disabled'
  return row.owner_status === null || row.owner_status === 'active' ? null : 'owner_disabled'
}

/** Why a client cannot be used; no reason: it can. */
export function verdictOnClient(row: ClientColumns): Verdict {
  const reason = reasonOf(row)
  return reason === null ? { reason } : { reason, since: row.stopped_at }
}

/** Reasons that are nobody's act. The event that `stoppedBy` finds is about another reason. */
const WITHOUT_ACTOR: ReadonlySet<InspectionReason | null> = new Set([null, 'token_expired', 'token_replaced'] as const)

export function actorOf(row: ActColumns, reason: InspectionReason | null): Finding['by'] {
  if (WITHOUT_ACTOR.has(reason) || row.actor_type === null) return null
  return { type: row.actor_type, id: row.actor_id, label: row.actor_label }
}

const successorOf = ({ act_action, act_target }: ClientColumns, { reason }: Verdict): string | null =>
  reason === 'key_pair_replaced' && act_action === 'key_pair.generated' ? act_target : null

/** A finding about a client or what belongs to it. */
export const findingOf = (
  row: ClientColumns,
  verdict: Verdict,
  parts: Pick<Finding, 'kind'> & Partial<Finding>,
): Finding => ({
  works: verdict.reason === null,
  reason: verdict.reason,
  since: (verdict.since ?? null)?.toISOString() ?? null,
  by: actorOf(row, verdict.reason),
  replacedBy: successorOf(row, verdict),
  account: row.account_id === null ? null : { id: row.account_id, name: row.account_name! },
  user: row.owner_id === null ? null : { id: row.owner_id, email: row.owner_email! },
  client: {
    clientId: row.client_id,
    name: row.client_name,
    kind: row.client_kind,
    status: row.client_status,
    apiId: row.client_api_id,
  },
  api: null,
  token: null,
  secret: null,
  ...parts,
})
