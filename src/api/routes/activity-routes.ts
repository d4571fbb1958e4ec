import { z } from 'zod'
import { type AuditRecord, exportActivity, listActivity } from '../../management/activity-operations.ts'
import { id, idText, moment, pageOf, pageQuery, viewPage } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { toDomain, toWire } from '../wire-names.ts'

const TAG = 'Activity'

const time = z.iso
  .datetime({ offset: true })
  .max(40)
  .transform((text) => new Date(text))

const text = z.string().max(2000)

const filter = {
  account_id: id.optional(),
  actions: text.optional().meta({ description: "How an action's name begins", examples: ['client.'] }),
  actor: text.optional().meta({ description: 'Who did it, by id' }),
  target: text.optional().meta({ description: 'What it was done to, by id' }),
  ip: text.optional(),
  request_id: text.optional(),
  from: time.optional().meta({ description: 'From then on' }),
  to: time.optional().meta({ description: 'Before then' }),
}

const entry = z
  .object({
    id: idText,
    at: moment,
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
    detail: z.record(z.string(), z.unknown()).meta({ description: 'What changed' }),
    seq: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'Its place in the chain; null in the second before it is sealed' }),
  })
  .meta({ id: 'ActivityEntry' })

/** The detail is somebody's data, whose names are not ours to change. */
const view = ({ detail, ...rest }: AuditRecord) => ({ ...toWire(rest), detail: { ...detail } })

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
    summary: 'What was done, by whom and from where, the latest first',
    query: z.strictObject({ ...filter, ...pageQuery }),
    answers: { 200: pageOf(entry) },
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
    summary: 'The same as JSON lines, all of it',
    description:
      'At most four at once for each caller, and for ten minutes each. One that cannot go on, also because its token ended, is cut off, without the end that HTTP gives to what is whole.',
    query: z.strictObject(filter),
    answers: { 200: entry },
    lines: true,
    handle: async ({ management, who, query }) => ({
      lines: viewAll(await exportActivity(management, who, toDomain(query))),
    }),
  }),
]
