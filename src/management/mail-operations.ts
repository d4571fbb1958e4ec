import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { findUser } from '../accounts/users.ts'
import { type Actor, type AuditEntry, recordAudit } from '../audit/audit-log.ts'
import { renewLink } from '../mail/mail-links.ts'
import { isMessageKind, MESSAGE_KINDS } from '../mail/message-kinds.ts'
import { addMessage, requeueMessage } from '../mail/outbox.ts'
import { KeywrightError, notFound } from '../shared/errors.ts'
import { isId } from '../shared/ids.ts'
import { idKey, momentKey } from './list-order.ts'
import { operation } from './operation.ts'
import { type PagedRow, type PageOf, type PageRequest, readPage } from './paging.ts'

export const MESSAGE_STATUSES = ['queued', 'sent', 'failed'] as const
export type MessageStatus = (typeof MESSAGE_STATUSES)[number]

/** A message in the outbox, without its content. */
export interface MailMessage {
  readonly id: string
  /** A message kind of this version, or of another one. */
  readonly kind: string
  readonly recipient: string
  readonly userId: string
  readonly accountId: string | null
  readonly status: MessageStatus
  readonly attempts: number
  /** Why the last attempt failed; null: none did, or the message was sent. */
  readonly error: string | null
  readonly createdAt: Date
  /** Null unless queued: when the next attempt is due. */
  readonly nextAttemptAt: Date | null
  /** Null: queued. */
  readonly finishedAt: Date | null
}

interface MessageRow extends PagedRow {
  id: string
  kind: string
  recipient: string
  user_id: string
  account_id: string | null
  status: MessageStatus
  attempts: number
  error: string | null
  created_at: Date
  next_attempt_at: Date | null
  finished_at: Date | null
}

const toMessage = (row: MessageRow): MailMessage => ({
  id: row.id,
  kind: row.kind,
  recipient: row.recipient,
  userId: row.user_id,
  accountId: row.account_id,
  status: row.status,
  attempts: row.attempts,
  error: row.error,
  createdAt: row.created_at,
  nextAttemptAt: row.next_attempt_at,
  finishedAt: row.finished_at,
})

const COLUMNS = [
  'id',
  'kind',
  'recipient',
  'user_id',
  'account_id',
  'status',
  'attempts',
  'error',
  'created_at',
  'next_attempt_at',
  'finished_at',
].map((column) => `mail_messages.${column}`)

const ORDER = { keys: [momentKey('mail_messages.created_at'), idKey('mail_messages.id')], isDescending: true }

/** The latest first. Messages are kept for 30 days, those that were sent without their content. */
export const listMailMessages = operation<PageRequest & { status?: MessageStatus | undefined }, PageOf<MailMessage>>(
  PERMISSIONS.viewInstance,
  async ({ knex }, _principal, { status, ...request }) => {
    const base = knex('mail_messages')
    if (status) base.where('mail_messages.status', status)
    const select = (query: Knex.QueryBuilder) => query.select(COLUMNS)
    return await readPage<MessageRow, MailMessage>(knex, { base, order: ORDER }, request, select, toMessage)
  },
)

interface MessageSelector {
  readonly messageId: string
}

/** @throws KeywrightError `not_found` */
export const readMailMessage = operation<MessageSelector, MailMessage>(
  PERMISSIONS.viewInstance,
  async ({ knex }, _principal, { messageId }) => {
    const row = isId(messageId) ? await knex('mail_messages').where({ id: messageId }).first(COLUMNS) : undefined
    if (!row) throw notFound('message', messageId)
    return toMessage(row)
  },
)

const conflict = (message: string) => new KeywrightError('conflict', message)

const entryOf = (
  action: string,
  { kind, user_id, account_id }: Pick<MessageRow, 'kind' | 'user_id' | 'account_id'>,
): AuditEntry => ({
  action,
  target: { type: 'user', id: user_id },
  accountId: account_id,
  detail: { kind },
})

async function requeue(trx: Knex, messageId: string, actor: Actor): Promise<void> {
  const row = isId(messageId) ? await trx('mail_messages').where({ id: messageId }).first() : undefined
  if (!row) throw notFound('message', messageId)
  if (!isMessageKind(row.kind)) throw conflict('this version of Keywright cannot send the message')
  if (row.link_id !== null && !(await renewLink(trx, row.link_id))) {
    throw conflict('the link of the message was used; send a new message instead')
  }
  if (!(await requeueMessage(trx, messageId, row.kind))) throw conflict('only a message that failed can be sent again')
  await recordAudit(trx, actor, entryOf('mail.sent_again', row))
}

/**
 * Sends a failed message again, with the same Message-ID. Its link gets its whole lifetime again.
 * @throws KeywrightError `not_found`, `conflict` (it has not failed, or its link was used)
 */
export const sendMailAgain = operation<MessageSelector, void>(
  PERMISSIONS.manageInstance,
  async ({ knex }, { actor }, { messageId }) => await knex.transaction((trx) => requeue(trx, messageId, actor)),
)

/** Sends a test message to the operator. @throws KeywrightError `conflict` (the instance sends no e-mail, or no user asks) */
export const sendTestMail = operation<object, void>(
  PERMISSIONS.manageInstance,
  async ({ knex, mail }, { userId, actor }) => {
    if (!mail) throw conflict('this instance sends no e-mail')
    if (userId === null) throw conflict('a test message is sent to the operator who is signed in')
    await knex.transaction(async (trx) => {
      const to = await findUser(trx, userId)
      await addMessage(trx, { kind: 'test', to, parameters: {} })
      await recordAudit(
        trx,
        actor,
        entryOf('mail.test_sent', { kind: 'test', user_id: to.id, account_id: to.accountId }),
      )
    })
  },
)

/** The kinds of messages, with the name that the API and the console show. */
export const messageLabel = (kind: string): string => (isMessageKind(kind) ? MESSAGE_KINDS[kind].label : kind)
