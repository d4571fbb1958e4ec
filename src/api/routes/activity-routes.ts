import { z } from 'zod'
import { type AuditRecord, exportActivity, listActivity } from '../../management/activity-operations.ts'
import { streamEvents } from '../../management/event-stream.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { id, idText, pageOf, pageQuery, timestamp, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Activity'

const time = z.iso
  .datetime({ offset: true })
  .max(40)
  .transform((text) => new Date(text))

const text = z.string().max(2000)

const lastEventId = z.string().max(200)

const filter = {
  account_id: id.optional(),
  actions: text.optional().meta({ description: 'The beginning of the action name', examples: ['client.'] }),
  actor: text.optional().meta({ description: 'The id of the actor' }),
  target: text.optional().meta({ description: 'The id of the target' }),
  ip: text.optional(),
  request_id: text.optional(),
  from: time.optional().meta({ description: 'Events at or after this time' }),
  to: time.optional().meta({ description: 'Events before this time' }),
}

const entry = z
  .object({
    id: idText,
    at: timestamp,
    action: z.string().meta({ examples: ['client.archived'] }),
    actor: z.object({
      type: z.enum(['system', 'cli', 'user', 'client']),
      id: z.string().nullable(),
      label: z.string().nullable(),
    }),
    account_id: idText.nullable(),
    account_name: z.string().nullable(),
    target: z.object({ type: z.string(), id: z.string(), label: z.string().nullable() }),
    ip: z.string().nullable(),
    request_id: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()).meta({ description: 'The changed attributes' }),
    seq: z.number().int().nullable().meta({
      description:
        'The position in the audit chain; null for admins of an account, and until the event is sealed, about a second later',
    }),
    is_erased: z.boolean().meta({ description: 'Whether the event had personal data of a user who was deleted since' }),
  })
  .meta({ id: 'ActivityEntry' })

/** The names in the detail are data and stay as they are. */
const view = ({ detail, ...rest }: AuditRecord) => ({ ...toWire(rest), detail: { ...detail } })

const streamed = z.object({
  id: z.string().meta({ description: 'For Last-Event-ID' }),
  event: entry.nullable(),
})

async function* viewEvents(events: Awaited<ReturnType<typeof streamEvents>>) {
  for await (const { id, event } of events) yield { id, event: event && view(event) }
}

async function* viewAll(records: AsyncIterable<AuditRecord>) {
  for await (const record of records) yield view(record)
}

export const ACTIVITY_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/activity',
    operation: listActivity,
    id: 'listActivity',
    tag: TAG,
    summary: 'List the activity log, newest first',
    query: z.strictObject({ ...filter, ...pageQuery }),
    responses: { 200: pageOf(entry) },
    handle: async ({ management, who, query }) => ({
      body: viewPage(await listActivity(management, who, toDomain(query)), view),
    }),
  }),
  route({
    method: 'get',
    path: '/activity/export',
    operation: exportActivity,
    id: 'exportActivity',
    tag: TAG,
    summary: 'Export the activity log as JSON lines',
    description:
      'A caller may run four exports at once, for at most ten minutes each. When an export fails, or its token is revoked, the connection is closed before the final chunk of the response.',
    query: z.strictObject(filter),
    responses: { 200: entry },
    lines: true,
    handle: async ({ management, who, query }) => ({
      lines: viewAll(await exportActivity(management, who, toDomain(query))),
    }),
  }),
  route({
    method: 'get',
    path: '/events',
    operation: streamEvents,
    id: 'streamEvents',
    tag: TAG,
    summary: 'Read the events of the activity log as they happen',
    description:
      'Server-sent events in the order of the audit chain, about a second after they are committed. To continue without a gap, send the ID of the last event in Last-Event-ID, on any node. A stream ends after nine minutes, and when the token is revoked. A caller may read four streams at once, an account twelve on each node (429); a node serves a hundred (503). The response is 409 when events after the ID were deleted by age, or when the database was set back; a stream that is open then ends with an event of the type `problem`, whose data is the same error.',
    query: z.strictObject({
      account_id: id.optional(),
      last_event_id: lastEventId
        .optional()
        .meta({ description: 'For clients that cannot send the header Last-Event-ID' }),
    }),
    headers: z.object({
      'Last-Event-ID': lastEventId
        .optional()
        .meta({ description: 'The ID of the last event that was read; 0: from the oldest event; absent: from now on' }),
    }),
    responses: { 200: streamed },
    lines: 'events',
    async handle({ management, who, query: { account_id: accountId, last_event_id }, headers }) {
      const lastEventId = headers['Last-Event-ID'] ?? last_event_id
      return { lines: viewEvents(await streamEvents(management, who, { accountId, lastEventId })) }
    },
  }),
]
