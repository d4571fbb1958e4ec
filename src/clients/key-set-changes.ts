import type { JWK } from 'jose'
import type { Knex } from 'knex'
import { type Actor, recordAudit } from '../audit/audit-log.ts'
import { KeywrightError } from '../shared/errors.ts'
import { lastFour } from '../shared/secrets.ts'
import {
  claimedRow,
  confirmListing,
  type FetchClaim,
  fetchedColumns,
  type Listing,
  listingOf,
} from './client-key-sets.ts'
import type { PublicKey } from './client-keys.ts'
import { addPublicKeys } from './client-secrets.ts'
import { type Client, clientEntry, lockClient, touchClient } from './clients.ts'
import type { PublishedKeys } from './published-keys.ts'

const ACTOR: Actor = { type: 'system', id: 'jwks_uri' }

/** Thumbprints of ended keys that are kept; each was retired by a person or by its expiry. */
const MAX_ENDED = 100

interface SetRow {
  key_set: string
  listed: Listing
  ended: readonly string[]
}

interface WorkingKey {
  id: number
  thumbprint: string
  jwk: JWK
  last_four: string
}

// Not by `now()`: the transaction may have begun before the one that retired a key.
const WORKING = `
  SELECT id, rtrim(translate(encode(hash, 'base64'), '+/', '-_'), '=') AS thumbprint, public_key AS jwk, last_four
    FROM client_secrets
   WHERE client_id = ? AND kind = 'key' AND key_set = ?::timestamptz AND (retires_at IS NULL OR retires_at > clock_timestamp())`

/** Retires the keys at once. Every token that they obtained is invalid when the transaction commits. */
async function retireKeys(trx: Knex, ids: readonly number[]): Promise<void> {
  await trx('client_secrets')
    .whereIn('id', ids)
    .update({ retires_at: trx.raw('least(retires_at, now())') })
}

const shown = (keys: readonly PublicKey[]) =>
  keys.map(({ jwk, thumbprint }) => lastFour(jwk.kid ?? thumbprint.toString('base64url')))

/**
 * Makes the keys of a set those of a listing: new ones are added, and missing ones retire. A key that was retired here while it was listed does not come back.
 */
async function applyListing(trx: Knex, client: Client, set: SetRow, keys: readonly PublicKey[]) {
  const { rows: working }: { rows: WorkingKey[] } = await trx.raw(WORKING, [client.key, set.key_set])
  const present = new Map(working.map((key) => [key.thumbprint, key]))
  const newlyEnded = Object.keys(set.listed).filter((thumbprint) => !present.has(thumbprint))
  const ended = [...new Set([...set.ended, ...newlyEnded])].slice(-MAX_ENDED)
  const listing = listingOf(keys)
  const added = keys.filter(({ thumbprint }) => {
    const name = thumbprint.toString('base64url')
    return !present.has(name) && !ended.includes(name)
  })
  const gone = working.filter(({ thumbprint }) => !Object.hasOwn(listing, thumbprint))
  for (const { id, thumbprint } of working.filter((key) => Object.hasOwn(listing, key.thumbprint)))
    await trx('client_secrets')
      .where({ id })
      .update({ public_key: JSON.stringify(listing[thumbprint]) })
  if (added.length > 0) await addPublicKeys(trx, client.key, added, undefined, set.key_set)
  if (gone.length > 0)
    await retireKeys(
      trx,
      gone.map(({ id }) => id),
    )
  await touchClient(trx, client.key)
  const detail = { added: shown(added), retired: gone.map(({ last_four }) => last_four) }
  if (added.length + gone.length > 0) await recordAudit(trx, ACTOR, clientEntry('client.keys_fetched', client, detail))
  return { listed: JSON.stringify(listing), ended: JSON.stringify(ended) }
}

/** Runs a change of the set of a claim under the lock of its client. False: the claim, or the client, has gone. */
async function changeSet(
  knex: Knex,
  claim: FetchClaim,
  change: (trx: Knex, client: Client, set: SetRow) => Promise<void>,
): Promise<boolean> {
  try {
    return await knex.transaction(async (trx) => {
      const client = await lockClient(trx, claim.clientId)
      const set = await claimedRow(trx, claim).forUpdate().first(trx.raw('key_set::text'), 'listed', 'ended')
      if (set) await change(trx, client, set)
      return set !== undefined
    })
  } catch (error) {
    if (error instanceof KeywrightError && ['not_found', 'conflict'].includes(error.code)) return false
    throw error
  }
}

/** Stores the keys that a fetch found, unless a later claim or another URL has taken its place. */
export async function saveFetchedKeys(
  knex: Knex,
  claim: FetchClaim,
  { keys, refreshAfter }: PublishedKeys,
): Promise<void> {
  if (await confirmListing(knex, claim, listingOf(keys), refreshAfter)) return
  await changeSet(knex, claim, async (trx, client, set) => {
    const columns = await applyListing(trx, client, set, keys)
    await claimedRow(trx, claim).update({ ...fetchedColumns(trx, claim, refreshAfter), ...columns })
  })
}

/** Retires keys that could not be fetched again for too long. They come back with the next fetch that finds them. */
export async function retireOutdatedKeys(knex: Knex, claim: FetchClaim): Promise<void> {
  await changeSet(knex, claim, async (trx, client, set) => {
    await claimedRow(trx, claim).update(await applyListing(trx, client, set, []))
  })
}
