import type { Knex } from 'knex'
import { deleteInBatches } from '../database/delete-in-batches.ts'
import type { LanguageCode } from '../languages/languages.ts'
import { newId } from '../shared/ids.ts'
import { LINK_LIFETIMES } from './mail-links.ts'
import { MESSAGE_KINDS, type MessageKindName, type ParametersOf } from './message-kinds.ts'

/** A message to one user. */
export interface NewMessage<Name extends MessageKindName> {
  readonly kind: Name
  readonly to: { readonly id: string; readonly email: string; readonly accountId: string | null }
  readonly parameters: ParametersOf<Name>
  /** Of a kind with a purpose. */
  readonly linkId?: string
  /** Of the page on which the recipient requested the message, for recipients whose language is not stored. */
  readonly pageLanguage?: LanguageCode | undefined
}

/** Seconds after which a message without a link is no longer of use. */
const USEFUL_FOR = 24 * 3600

function usefulFor(kind: MessageKindName): number {
  const { purpose } = MESSAGE_KINDS[kind]
  return purpose ? LINK_LIFETIMES[purpose] : USEFUL_FOR
}

const secondsFromNow = (db: Knex, seconds: number) => db.raw('now() + make_interval(secs => ?)', [seconds])

const LANGUAGE = `
  coalesce((SELECT language FROM users WHERE id = ?), ?::text, (SELECT default_language FROM instance_settings))`

/**
 * Writes a message to the outbox, in the transaction of its cause. Its language is fixed here, so that every attempt sends the same
 * text: that of the user, else that of the page, else that of the instance. Returns its id, which is also its Message-ID.
 */
export async function addMessage<Name extends MessageKindName>(trx: Knex, message: NewMessage<Name>): Promise<string> {
  const { kind, to, parameters, linkId, pageLanguage } = message
  const id = newId()
  await trx('mail_messages').insert({
    id,
    kind,
    recipient: to.email,
    language: trx.raw(LANGUAGE, [to.id, pageLanguage ?? null]),
    user_id: to.id,
    account_id: to.accountId,
    link_id: linkId ?? null,
    parameters: JSON.stringify(parameters),
    give_up_at: secondsFromNow(trx, usefulFor(kind)),
  })
  return id
}

/** A message that this node sends now. */
export interface ClaimedMessage {
  readonly id: string
  readonly kind: string
  readonly recipient: string
  /** A language of this version, or of another one. */
  readonly language: string
  readonly parameters: object
  readonly createdAt: Date
  /** Which attempt this is, from 1. */
  readonly attempt: number
  /** It is no longer of use, and is not sent. */
  readonly isLate: boolean
  /** Null: it has no link, or the link was deleted. */
  readonly link: { readonly id: string; readonly expiresAt: Date } | null
}

interface ClaimedRow {
  id: string
  kind: string
  recipient: string
  language: string
  parameters: object
  created_at: Date
  attempts: number
  is_late: boolean
  link_id: string | null
  link_expires_at: Date | null
}

const toClaimed = ({
  created_at,
  attempts,
  is_late,
  link_id,
  link_expires_at,
  ...row
}: ClaimedRow): ClaimedMessage => ({
  ...row,
  createdAt: created_at,
  attempt: attempts,
  isLate: is_late,
  link: link_id !== null && link_expires_at !== null ? { id: link_id, expiresAt: link_expires_at } : null,
})

/** Seconds after which another node may send a message that this one has claimed: more than the longest attempt. */
export const CLAIM_LIFETIME = 120

const CLAIM = `
  UPDATE mail_messages AS m
     SET attempts = m.attempts + 1, next_attempt_at = clock_timestamp() + interval '${CLAIM_LIFETIME} seconds'
   WHERE m.id IN (SELECT id FROM mail_messages
                   WHERE status = 'queued' AND next_attempt_at <= clock_timestamp()
                   ORDER BY next_attempt_at LIMIT ? FOR UPDATE SKIP LOCKED)
  RETURNING m.id, m.kind, m.recipient, m.language, m.parameters, m.created_at, m.attempts, m.link_id,
            m.give_up_at <= clock_timestamp() AS is_late,
            (SELECT l.expires_at FROM mail_links l WHERE l.id = m.link_id) AS link_expires_at`

/** Claims at most `limit` messages that are due. */
export async function claimMessages(knex: Knex, limit: number): Promise<ClaimedMessage[]> {
  const { rows } = await knex.raw(CLAIM, [limit])
  return (rows as ClaimedRow[]).map(toClaimed)
}

/** Deletes the content: it is of no use any more. */
export async function saveSent(knex: Knex, { id }: ClaimedMessage): Promise<void> {
  const sent = { status: 'sent', parameters: null, next_attempt_at: null, error: null, finished_at: knex.fn.now() }
  await knex('mail_messages').where({ id, status: 'queued' }).update(sent)
}

/** The message, unless another node has claimed it meanwhile. */
const claimed = (knex: Knex, { id, attempt }: ClaimedMessage) =>
  knex('mail_messages').where({ id, status: 'queued', attempts: attempt })

/** The content stays, so that an operator can send the message again. */
export async function saveFailed(knex: Knex, message: ClaimedMessage, error: string | null): Promise<void> {
  const failed = { status: 'failed', next_attempt_at: null, finished_at: knex.fn.now() }
  await claimed(knex, message).update({ ...failed, ...(error !== null && { error }) })
}

/** Waiting times in seconds before each further attempt; the last one repeats. */
const BACKOFF = [15, 60, 300, 900, 1800, 3600]

/** A quarter more or less, so that many messages do not come back at one moment. */
const jitter = (): number => 0.75 + Math.random() / 2

/** Plans the next attempt; when that would be too late, the message has failed. Returns which of both. */
export async function saveRetry(knex: Knex, message: ClaimedMessage, error: string): Promise<'queued' | 'failed'> {
  const wait = BACKOFF[Math.min(message.attempt, BACKOFF.length) - 1]! * jitter()
  const planned = await claimed(knex, message)
    .whereRaw('give_up_at > now() + make_interval(secs => ?)', [wait])
    .update({ error, next_attempt_at: secondsFromNow(knex, wait) })
  if (planned === 0) await saveFailed(knex, message, error)
  return planned === 0 ? 'failed' : 'queued'
}

/** Makes a message due at once that was claimed and not sent, because this node stops. */
export async function releaseMessage(knex: Knex, message: ClaimedMessage): Promise<void> {
  await claimed(knex, message).update({ next_attempt_at: knex.fn.now() })
}

/** Queues a failed message again, as if it were new. Returns whether it had failed. */
export async function requeueMessage(trx: Knex, id: string, kind: MessageKindName): Promise<boolean> {
  const queued = { status: 'queued', attempts: 0, finished_at: null, next_attempt_at: trx.fn.now() }
  const times = { give_up_at: secondsFromNow(trx, usefulFor(kind)) }
  const failed = trx('mail_messages').where({ id, status: 'failed' }).whereNotNull('parameters')
  return (await failed.update({ ...queued, ...times })) === 1
}

/** Deletes at most `limit` messages that were finished 30 days ago. */
export const deleteOldMessages = (db: Knex, limit: number): Promise<number> =>
  deleteInBatches(db, 'mail_messages', "finished_at < now() - interval '30 days'", limit)
