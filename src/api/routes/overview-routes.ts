import { z } from 'zod'
import { readAccountOverview } from '../../management/overview-operations.ts'
import { bounded, clientId, idText, moment } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'
import { toWire } from '../wire-names.ts'

const overview = z
  .object({
    account_id: idText,
    key_pair: z
      .object({
        client_id: clientId,
        last_four: z.string().nullable(),
        created_at: moment,
        last_used_at: moment.nullable(),
      })
      .nullable()
      .meta({ description: "The caller's own; null until the first one is generated" }),
    applications: bounded.meta({ description: 'Active ones' }),
    people: bounded.meta({ description: 'Active ones' }),
    api_enabled: z.boolean(),
  })
  .meta({ id: 'Overview' })

export const OVERVIEW_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/overview',
    operation: readAccountOverview,
    id: 'readOverview',
    tag: 'Caller',
    summary: "The caller's account at a glance",
    answers: { 200: overview },
    handle: async ({ management, who }) => ({ body: toWire(await readAccountOverview(management, who, {})) }),
  }),
]
