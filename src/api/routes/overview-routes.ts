import { z } from 'zod'
import { readAccountOverview } from '../../management/overview-operations.ts'
import { toWire } from '../../shared/wire-names.ts'
import { bounded, clientId, idText, timestamp } from '../fields.ts'
import { type ApiRoute, route } from '../route.ts'

const overview = z
  .object({
    account_id: idText,
    key_pair: z
      .object({
        client_id: clientId,
        last_four: z.string().nullable(),
        created_at: timestamp,
        last_used_at: timestamp.nullable(),
      })
      .nullable()
      .meta({ description: 'The key pair of the caller; null until the first one is generated' }),
    applications: bounded.meta({ description: 'Active applications' }),
    users: bounded.meta({ description: 'Active users' }),
    api_enabled: z.boolean(),
    refused_clients: bounded.meta({ description: 'Clients whose requests were refused in the last hour' }),
  })
  .meta({ id: 'Overview' })

export const OVERVIEW_ROUTES: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/overview',
    operation: readAccountOverview,
    id: 'readOverview',
    tag: 'Caller',
    summary: 'Retrieve an overview of the account of the caller',
    responses: { 200: overview },
    handle: async ({ management, who }) => ({ body: toWire(await readAccountOverview(management, who, {})) }),
  }),
]
