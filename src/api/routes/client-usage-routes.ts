import { z } from 'zod'
import { readClientRefusals, readClientUsage } from '../../management/client-usage-operations.ts'
import { listRefusedClients } from '../../management/refused-client-operations.ts'
import { exportUsage } from '../../management/usage-export-operations.ts'
import { REFUSAL_REASONS, type RefusalReason } from '../../shared/refusal-reasons.ts'
import { toDomain, toWire } from '../../shared/wire-names.ts'
import { bounded, clientId, id, idText, timestamp } from '../fields.ts'
import { quotaUses } from '../quota-schemas.ts'
import { type ApiRoute, route } from '../route.ts'

const TAG = 'Usage'

const pathParams = z.strictObject({ client_id: clientId })

const time = z.iso
  .datetime({ offset: true })
  .max(40)
  .transform((text) => new Date(text))

const date = z.iso.date().transform((text) => new Date(text))

const count = z.number().int()

const reason = z.enum(Object.keys(REFUSAL_REASONS) as [RefusalReason, ...RefusalReason[]]).meta({
  id: 'RefusalReason',
  description: Object.entries(REFUSAL_REASONS)
    .map(([code, { text }]) => `\`${code}\`: ${text}`)
    .join(' '),
})

const endpoint = z.string().meta({ examples: ['token'] })

const sample = {
  at: timestamp,
  endpoint,
  reason,
  ip: z.string(),
  user_agent: z.string(),
  api: z.string().nullable().meta({ description: 'The identifier of the API' }),
  request_id: idText.meta({ description: 'As in X-Request-Id' }),
  detail: z.string().meta({
    description: 'What was not as it must be, such as a claim of the token of a workload; empty: the reason says all',
  }),
}

const refusals = z
  .object({
    client_id: clientId,
    from: timestamp,
    reasons: z.array(z.object({ endpoint, reason, error: z.string(), description: z.string(), count })),
    samples: z.array(z.object(sample)).meta({ description: 'At most 20, the latest first' }),
  })
  .meta({ id: 'ClientRefusals' })

const refused = z
  .object({
    count: bounded,
    clients: z.array(
      z.object({
        client_id: clientId,
        name: z.string(),
        kind: z.enum(['key_pair', 'application', 'api']),
        last_at: timestamp,
        last_reason: reason,
      }),
    ),
    unknown: z.array(z.object({ ...sample, claimed_id: z.string().nullable() })).meta({
      description: 'For an operator: requests of the last day whose client id does not exist',
    }),
  })
  .meta({ id: 'RefusedClients' })

const usage = z
  .object({
    client_id: clientId,
    items: z.array(z.object({ at: timestamp, issued: count, refused: count })),
    quotas: quotaUses.meta({
      description: 'The quotas of the client and of its account in the present hour and day (UTC)',
    }),
  })
  .meta({ id: 'ClientUsage' })

const usageOfDay = z
  .object({
    day: z.string().meta({ format: 'date', examples: ['2026-11-29'] }),
    account_id: idText.nullable(),
    client_id: clientId.nullable(),
    client_name: z.string().nullable(),
    api: z.string().nullable(),
    tokens_issued: count,
    requests_refused: count,
  })
  .meta({ id: 'UsageOfDay' })

async function* toRows(rows: AsyncIterable<object>) {
  for await (const row of rows) yield toWire(row) as never
}

export const CLIENT_USAGE_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/clients/{client_id}/refusals',
    operation: readClientRefusals,
    id: 'readClientRefusals',
    tag: TAG,
    summary: 'Retrieve the refused requests of an application or key pair by reason, with the latest samples',
    params: pathParams,
    query: z.strictObject({
      days: z.enum(['1', '7']).optional().meta({ description: 'The last day (default), or the last seven days' }),
    }),
    responses: { 200: refusals },
    async handle({ management, who, params, query }) {
      const days = query.days === '7' ? 7 : 1
      const { client, reasons, ...rest } = await readClientRefusals(management, who, {
        clientId: params.client_id,
        days,
      })
      const described = reasons.map((one) => {
        const { error, text: description } = REFUSAL_REASONS[one.reason]
        return { ...one, error, description }
      })
      return { body: { client_id: client.clientId, reasons: described, ...toWire(rest) } }
    },
  }),
  route({
    method: 'get',
    path: '/clients/{client_id}/usage',
    operation: readClientUsage,
    id: 'readClientUsage',
    tag: TAG,
    summary: 'Retrieve the issued tokens, refused requests and quotas of an application or key pair',
    description:
      'Counts by hour or day, at most 72 hours or 400 days. Hours are kept for two days at least, days for 400 days.',
    params: pathParams,
    query: z.strictObject({
      step: z.enum(['hour', 'day']).default('hour'),
      from: time.optional(),
      to: time.optional(),
    }),
    responses: { 200: usage },
    async handle({ management, who, params, query }) {
      const request = { ...query, clientId: params.client_id }
      const { client, points, quotas } = await readClientUsage(management, who, request)
      return { body: { client_id: client.clientId, items: [...points], quotas: quotas.map(toWire) as never } }
    },
  }),
  route({
    method: 'get',
    path: '/refused-clients',
    operation: listRefusedClients,
    id: 'listRefusedClients',
    tag: TAG,
    summary: 'List the clients with refused requests in the last hour, the latest first',
    responses: { 200: refused },
    handle: async ({ management, who }) => ({ body: toWire(await listRefusedClients(management, who, {})) as never }),
  }),
  route({
    method: 'get',
    path: '/usage/export',
    operation: exportUsage,
    id: 'exportUsage',
    tag: TAG,
    summary: 'Export usage per day, client and API as CSV',
    description:
      'The first line names the columns. A text that a spreadsheet would take for a formula begins with an apostrophe. At most 400 days. A caller may run four exports at once.',
    query: z.strictObject({ account_id: id.optional(), from: date.optional(), to: date.optional() }),
    responses: { 200: usageOfDay },
    lines: 'csv',
    handle: async ({ management, who, query }) => ({
      lines: toRows(await exportUsage(management, who, toDomain(query))),
    }),
  }),
]
