import type { Knex } from 'knex'
import { until } from './load.ts'

/** Resolves when a secret of the client has retired, by the clock of the database. */
export const untilRetired = (knex: Knex, clientId: string): Promise<void> =>
  until(async () => {
    const secrets = knex('client_secrets as s')
      .join('clients as c', 'c.id', 's.client_id')
      .where('c.client_id', clientId)
    return (await secrets.whereRaw('s.retires_at <= clock_timestamp()')).length > 0
  })
