import {
  checkInstanceChanges,
  getInstanceSettings,
  type InstanceChanges,
  type InstanceSettings,
  updateInstanceSettings,
} from '../clients/instance-settings.ts'
import {
  listSigningKeys as list,
  PUBLISHED_AFTER,
  rotateSigningKeys as rotate,
  type SigningKey,
} from '../keys/signing-keys.ts'
import { activeTokensOf, type Bounded, boundedCountOf, toBounded } from './bounded-counts.ts'
import { changeApiEnabled } from './instance-changes.ts'
import { operation } from './operation.ts'

export const readInstance = operation<object, InstanceSettings>(
  { role: 'operator', scope: 'instance:read' },
  async ({ knex }) => await getInstanceSettings(knex),
)

/** Validates a change without making it. @throws KeywrightError `invalid_input`, with each error at its field */
export const checkInstance = operation<{ changes: InstanceChanges }, void>(
  { role: 'operator', scope: 'instance:write' },
  async (_, __, { changes }) => checkInstanceChanges(changes),
)

/** @throws KeywrightError also `stale` */
export const updateInstance = operation<{ changes: InstanceChanges; revision?: number | undefined }, InstanceSettings>(
  { role: 'operator', scope: 'instance:write' },
  async ({ knex }, principal, { changes, revision }) =>
    knex.transaction((trx) => updateInstanceSettings(trx, changes, principal.actor, revision)),
)

/** Whether the API of the instance is on, and what disabling it affects. */
export interface InstanceAvailability {
  readonly apiEnabled: boolean
  /** Active applications. */
  readonly applications: Bounded
  /** Active key pairs. */
  readonly keyPairs: Bounded
  readonly activeTokens: Bounded
}

const activeOf = (kind: string) => boundedCountOf(`clients WHERE kind = '${kind}' AND status = 'active'`)

const AVAILABILITY = `
  SELECT i.api_enabled, (${activeOf('application')}) AS applications, (${activeOf('key_pair')}) AS key_pairs,
         (${activeTokensOf('true')}) AS active
    FROM instance_settings i`

export const readInstanceAvailability = operation<object, InstanceAvailability>(
  { role: 'operator', scope: 'instance:read' },
  async ({ knex }) => {
    const { rows } = await knex.raw(AVAILABILITY)
    const { api_enabled: apiEnabled, applications, key_pairs: keyPairs, active } = rows[0]
    return {
      apiEnabled,
      applications: toBounded(applications),
      keyPairs: toBounded(keyPairs),
      activeTokens: toBounded(active),
    }
  },
)

/** Disabling the API revokes all tokens at once, and no client gets a new one. */
export const setInstanceApi = operation<{ enabled: boolean }, InstanceSettings>(
  { role: 'operator', scope: 'instance:write' },
  async ({ knex }, principal, { enabled }) =>
    // In one transaction: nothing that the response needs may fail after the commit.
    await knex.transaction(async (trx) => {
      await changeApiEnabled(trx, enabled, principal.actor)
      return await getInstanceSettings(trx)
    }),
)

export interface SigningKeyView extends SigningKey {
  /** When the key is deleted, after every token that it signed has expired; null: it signs, or will sign. */
  readonly publishedUntil: Date | null
}

const DAY = 86_400_000

/** A key stops signing when the next key of its algorithm starts. */
function toViews(keys: readonly SigningKey[]): SigningKeyView[] {
  const publishedUntil = ({ alg, state, signsFrom }: SigningKey): Date | null => {
    if (state !== 'previous') return null
    const starts = keys.flatMap((key) => (key.alg === alg && key.signsFrom ? [key.signsFrom.getTime()] : []))
    const end = Math.min(...starts.filter((at) => at > signsFrom!.getTime()))
    return Number.isFinite(end) ? new Date(end + PUBLISHED_AFTER * DAY) : null
  }
  return keys.map((key) => ({ ...key, publishedUntil: publishedUntil(key) }))
}

/** Newest first. */
export const listSigningKeys = operation<object, readonly SigningKeyView[]>(
  { role: 'operator', scope: 'instance:read' },
  async ({ knex }) => toViews(await list(knex)),
)

export interface RotatedSigningKeys {
  /** The algorithms whose next key starts to sign. */
  readonly rotated: readonly string[]
  readonly keys: readonly SigningKeyView[]
}

/** The next key starts to sign once it has been published long enough for every verifier to know it. */
export const rotateSigningKeys = operation<object, RotatedSigningKeys>(
  { role: 'operator', scope: 'instance:write' },
  async ({ knex, encryptionKeys }, principal) =>
    await knex.transaction(async (trx) => {
      const rotated = await rotate(trx, encryptionKeys, { actor: principal.actor })
      return { rotated, keys: toViews(await list(trx)) }
    }),
)
