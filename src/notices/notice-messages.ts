import type { Knex } from 'knex'
import { type AuditFollower, beginFollowing, followAudit } from '../audit/audit-follower.ts'
import { asUuid } from '../audit/audit-visibility.ts'
import { NOTICE_KINDS, type NoticeKind, type NoticeKindName } from '../mail/notice-kinds.ts'
import type { NoticeParameters } from '../mail/notice-texts.ts'
import { addMessage } from '../mail/outbox.ts'
import {
  type EmailChanges,
  findClientRecipients,
  findFormerAddress,
  findUserRecipient,
  type Recipient,
} from './notice-recipients.ts'

/** An event of the activity log that may get a notice. */
interface NoticeEvent {
  action: string
  at: Date
  actor_type: string
  actor_id: string | null
  account_id: string | null
  target_type: string
  target_id: string
  ip: string | null
  detail: Record<string, unknown>
  /** JSON: what describes the user whom the event is about. */
  personal: string | null
  actor_email: string | null
  actor_account: string | null
  client_name: string | null
  client_owner: string | null
}

const KINDS = Object.entries(NOTICE_KINDS) as [NoticeKindName, NoticeKind][]

const ACTIONS = [...new Set(KINDS.flatMap(([, { notice }]) => notice.actions))]

/** SQL. Older events are of no use: e-mail was switched off for a while. */
const MAX_AGE = `interval '1 day'`

/** About clients, what others than users cause, and who is responsible must learn of. */
const BY_ANYBODY = `('leak.reported', 'client.secret_expires')`

// A program that rotates the secrets of a thousand applications would send thousands of messages. What the server itself does, such
// as the first start, needs no notice.
const EVENTS = `
  SELECT l.action, l.at, l.actor_type, l.actor_id, l.account_id, l.target_type, l.target_id, l.ip, l.detail, l.personal,
         u.email AS actor_email, u.account_id AS actor_account, c.name AS client_name, c.user_id AS client_owner
    FROM audit_log l
    LEFT JOIN users u ON u.id = ${asUuid('l', 'actor', 'user')}
    LEFT JOIN clients c ON l.target_type = 'client' AND c.client_id = l.target_id
   WHERE l.seq > ? AND l.seq <= ? AND l.action = ANY (?) AND l.at > now() - ${MAX_AGE}
     AND (l.actor_type IN ('user', 'cli') OR (l.actor_type = 'client' AND l.target_type = 'user') OR l.action IN ${BY_ANYBODY})
   ORDER BY l.seq`

function actorOf(event: NoticeEvent): string | null {
  const { actor_type, actor_id, actor_email, actor_account, account_id, target_id, client_owner } = event
  if (actor_type === 'user' && (actor_id === target_id || actor_id === client_owner)) return null
  // Who operates the instance is not the business of an account (tenant isolation).
  if (actor_type === 'user') return actor_account !== null && actor_account === account_id ? actor_email : 'operator'
  if (actor_type === 'client') return 'program'
  return actor_type === 'cli' ? 'operator' : null
}

function parametersOf(event: NoticeEvent): NoticeParameters {
  const isOwn = event.actor_type === 'user' && event.actor_id === event.target_id
  const isClient = event.target_type === 'client'
  return {
    action: event.action,
    at: event.at.toISOString(),
    by: actorOf(event),
    ip: isOwn ? event.ip : null,
    client: event.client_name,
    clientId: isClient ? event.target_id : null,
    detail: event.detail,
  }
}

const changesOf = ({ personal }: NoticeEvent): EmailChanges =>
  personal === null ? undefined : JSON.parse(personal).changes

async function recipientsOf(trx: Knex, { notice }: NoticeKind, event: NoticeEvent): Promise<Recipient[]> {
  if (notice.recipients === 'user') return await findUserRecipient(trx, event.target_id)
  if (notice.recipients === 'former_address') return await findFormerAddress(trx, event.target_id, changesOf(event))
  return await findClientRecipients(trx, { owner: event.client_owner, accountId: event.account_id })
}

async function addNoticesOf(trx: Knex, event: NoticeEvent): Promise<void> {
  for (const [kind, declaration] of KINDS) {
    const { actions, applies = () => true } = declaration.notice
    if (!actions.includes(event.action) || !applies(event.detail)) continue
    const parameters = parametersOf(event)
    for (const to of await recipientsOf(trx, declaration, event)) await addMessage(trx, { kind, to, parameters })
  }
}

const NOTICES: AuditFollower = {
  cursor: 'mail_notice_cursor',
  start: '0',
  async process(trx, after, end) {
    const { rows } = await trx.raw(EVENTS, [after, end, ACTIONS] as never)
    for (const event of rows as NoticeEvent[]) await addNoticesOf(trx, event)
    return rows.length
  },
}

/** Called before the first request is served: the events of the time until `addNotices` runs get their notices too. */
export const beginNotices = (knex: Knex): Promise<void> => beginFollowing(knex, NOTICES)

/**
 * Adds the notices of the events that are new in the activity log, `limit` events in a transaction. Of several nodes one does it.
 * Without new events it costs one small statement.
 */
export async function addNotices(knex: Knex, limit: number): Promise<void> {
  await followAudit(knex, NOTICES, limit)
}
