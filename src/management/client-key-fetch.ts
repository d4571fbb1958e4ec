import { PERMISSIONS } from '../accounts/permissions.ts'
import { FETCH_COOLDOWN } from '../clients/client-key-sets.ts'
import { KeywrightError, RateLimitedError } from '../shared/errors.ts'
import { KEY_FETCH_OF_CLIENT, type KeyFetch } from './client-parts.ts'
import { operation } from './operation.ts'
import { applicationFor } from './tenant-isolation.ts'

/** What is known after a fetch, and the seconds until the next one can be made, by the clock of the database. */
const READ = `
  SELECT (${KEY_FETCH_OF_CLIENT}) AS fetch,
         (SELECT ceil(extract(epoch FROM k.claimed_at - clock_timestamp()) + ${FETCH_COOLDOWN})::integer
            FROM client_key_sets k WHERE k.client_id = c.id) AS wait
    FROM clients c WHERE c.id = ?`

/**
 * Fetches the public keys of an application from its `jwks_uri` now. Returns the outcome, also of a fetch that failed.
 * @throws KeywrightError `not_found`, `forbidden`, `conflict`, `rate_limited`: within the cooldown
 */
export const fetchApplicationKeys = operation<{ clientId: string }, KeyFetch>(
  PERMISSIONS.manageApplications,
  async ({ knex, fetchKeys }, principal, { clientId }) => {
    const client = await applicationFor(knex, principal, clientId)
    if (client.jwksUri === null)
      throw new KeywrightError('conflict', `${clientId} publishes no public keys: it has no jwks_uri`)
    if (client.status !== 'active') throw new KeywrightError('conflict', `${clientId} is not active`)
    if (!fetchKeys) throw new KeywrightError('unavailable', 'this program fetches no keys')
    const isFetched = await fetchKeys(client.key)
    const { rows }: { rows: { fetch: KeyFetch | null; wait: number | null }[] } = await knex.raw(READ, [client.key])
    const { fetch = null, wait = null } = rows[0] ?? {}
    if (!fetch) throw new KeywrightError('conflict', `${clientId} was changed meanwhile`)
    if (!isFetched) throw new RateLimitedError(Math.max(wait ?? 1, 1))
    return fetch
  },
)
