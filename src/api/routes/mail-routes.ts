import { z } from 'zod'
import {
  listMailMessages,
  MESSAGE_STATUSES,
  readMailMessage,
  sendMailAgain,
  sendTestMail,
} from '../../management/mail-operations.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { id, idText, pageOf, pageQuery, timestamp, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Email'

const status = z.enum(MESSAGE_STATUSES)

const message = z
  .object({
    id: idText.meta({ description: 'Also the left part of the Message-ID' }),
    kind: z.string().meta({ description: 'The template', examples: ['invitation'] }),
    recipient: z.string(),
    user_id: idText,
    account_id: idText.nullable(),
    status: status.meta({ description: '`failed`: Keywright does not try again' }),
    attempts: z.number().int(),
    error: z.string().nullable().meta({ description: 'Why the last attempt failed' }),
    created_at: timestamp,
    next_attempt_at: timestamp.nullable().meta({ description: 'Null unless `queued`' }),
    finished_at: timestamp.nullable(),
  })
  .meta({ id: 'MailMessage', description: 'A message to a user, without its content' })

const oneMessage = z.strictObject({ message_id: id })

export const MAIL_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/mail-messages',
    operation: listMailMessages,
    id: 'listMailMessages',
    tag: TAG,
    summary: 'List the messages of the last 30 days, latest first',
    query: z.strictObject({ status: status.optional(), ...pageQuery }),
    responses: { 200: pageOf(message) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await listMailMessages(management, who, toDomain(query)), toWire),
    }),
  }),
  route({
    method: 'get',
    path: '/mail-messages/{message_id}',
    operation: readMailMessage,
    id: 'getMailMessage',
    tag: TAG,
    summary: 'Get a message',
    params: oneMessage,
    responses: { 200: message },
    handle: async ({ management, who, params }) => ({
      body: toWire(await readMailMessage(management, who, toDomain(params))),
    }),
  }),
  route({
    method: 'post',
    path: '/mail-messages/{message_id}/send-again',
    operation: sendMailAgain,
    id: 'sendMailMessageAgain',
    tag: TAG,
    summary: 'Send a message again that failed',
    description: 'The message keeps its Message-ID. Its link works as long as that of a new message.',
    params: oneMessage,
    responses: { 204: null },
    async handle({ management, who, params }) {
      await sendMailAgain(management, who, toDomain(params))
      return {}
    },
  }),
  route({
    method: 'post',
    path: '/mail-messages/test',
    operation: sendTestMail,
    id: 'sendTestMail',
    tag: TAG,
    summary: 'Send a test message to the operator whose access token this is',
    responses: { 204: null },
    async handle({ management, who }) {
      await sendTestMail(management, who, {})
      return {}
    },
  }),
]
