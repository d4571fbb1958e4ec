import type { Config } from '../config/load-config.ts'
import type { Database } from '../database/open-database.ts'
import type { Management } from '../management/operation.ts'

/** Fetches the public keys of a client for a command. Most commands do not, so nothing is loaded before. */
export const commandKeyFetch =
  ({ outgoingAllow, logLevel }: Config, { knex }: Pick<Database, 'knex'>): NonNullable<Management['fetchKeys']> =>
  async (clientKey) => {
    const [{ createSsrfSafeFetch }, { createKeyFetches, KEY_FETCH_LIMITS }, { createLog }] = await Promise.all([
      import('../http/ssrf-safe-fetch.ts'),
      import('../clients/key-fetches.ts'),
      import('../shared/log.ts'),
    ])
    const outgoing = createSsrfSafeFetch({ allow: outgoingAllow })
    const fetches = createKeyFetches({
      knex,
      fetch: (url, init) => outgoing.fetch(url, init, KEY_FETCH_LIMITS),
      hidesResponses: false,
      log: createLog(logLevel),
    })
    return await fetches.fetchNow(clientKey).finally(() => outgoing.close())
  }
