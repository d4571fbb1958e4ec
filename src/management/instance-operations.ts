import {
  checkInstanceChanges,
  getInstanceSettings,
  type InstanceChanges,
  type InstanceSettings,
  updateInstanceSettings,
} from '../accounts/instance-settings.ts'
import {
  listSigningKeys as list,
  PUBLISHED_AFTER,
  rotateSigningKeys as rotate,
  type SigningKey,
} from '../keys/signing-keys.ts'
import { changeApiEnabled } from './instance-changes.ts'
import { type Bounded, boundedCountOf, liveTokensOf, toBounded } from './live-tokens.ts'
import { operation } from './operation.ts'

export const readInstance = operation<object, InstanceSettings>(
  { role: 'operator', scope: 'instance:read' },
  async ({ knex }) => await getInstanceSettings(knex),
)

/** Checks a change and makes none. @throws KeywrightError `invalid_input`, with every fault at its field */
export const checkInstance = operation<{ changes: InstanceChanges }, void>(
  { role: 'operator', scope: 'instance:write' },
  async (_, __, { changes }) => checkInstanceChanges(changes),
)

/** @throws KeywrightError also `stale` */
export const updateInstance = operation<{ changes: InstanceChanges; revision?: number | undefined }, InstanceSettings>(
  { role: 'operator', scope: 'instance:write' },
  async ({ knex }, who, { changes, revision }) =>
    knex.transaction((trx) => updateInstanceSettings(trx, changes, who.actor, revision)),
)

/** Whom it concerns when the API of the instance is switched off. */
export interface InstanceAvailability {
  readonly apiEnabled: boolean
  /** Active ones. */
  readonly applications: Bounded
  readonly keyPairs: Bounded
  readonly liveTokens: Bounded
}

const activeOf = (kind: string) => boundedCountOf(`clients WHERE kind = '${kind}' AND status = 'active'`)

const REACH = `
  SELECT i.api_enabled, (${activeOf('application')}) AS applications, (${activeOf('key_pair')}) AS key_pairs,
         (${liveTokensOf('true')}) AS live
    FROM instance_settings i`

export const readInstanceAvailability = operation<object, InstanceAvailability>(
  { role: 'operator', scope: 'instance:read' },
  async ({ knex }) => {
    const { rows } = await knex.raw(REACH)
    const { api_enabled: apiEnabled, applications, key_pairs: keyPairs, live } = rows[0]
    return {
      apiEnabled,
      applications: toBounded(applications),
      keyPairs: toBounded(keyPairs),
      liveTokens: toBounded(live),
    }
  },
)

/** Off, every token of everybody is dead at once, and nobody gets a new one. */
export const setInstanceApi = operation<{ enabled: boolean }, InstanceSettings>(
  { role: 'operator', scope: 'instance:write' },
  async ({ knex }, who, { enabled }) =>
    // In one transaction: after the commit, nothing may fail that the response needs.
    await knex.transaction(async (trx) => {
      await changeApiEnabled(trx, enabled, who.actor)
      return await getInstanceSettings(trx)
    }),
)

export interface SigningKeyView extends SigningKey {
  /** When it is forgotten, what it signed being long over; null: it signs, or is to. */
  readonly publishedUntil: Date | null
}

const DAY = 86_400_000

/** A key ends when the next one of its algorithm begins. */
function withEnds(keys: readonly SigningKey[]): SigningKeyView[] {
  const expirySql = ({ alg, state, signsFrom }: SigningKey): Date | null => {
    if (state !== 'previous') return null
    const begun = keys.flatMap((key) => (key.alg === alg && key.signsFrom ? [key.signsFrom.getTime()] : []))
    const ended = Math.min(...begun.filter((at) => at > signsFrom!.getTime()))
    return Number.isFinite(ended) ? new Date(ended + PUBLISHED_AFTER * DAY) : null
  }
  return keys.map((key) => ({ ...key, publishedUntil: expirySql(key) }))
}

/** The newest first. */
export const listSigningKeys = operation<object, readonly SigningKeyView[]>(
  { role: 'operator', scope: 'instance:read' },
  async ({ knex }) => withEnds(await list(knex)),
)

export interface RotatedSigningKeys {
  /** The algorithms whose next key begins to sign. */
  readonly rotated: readonly string[]
  readonly keys: readonly SigningKeyView[]
}

/** The next key begins to sign once it has been published long enough for every verifier to know it. */
export const rotateSigningKeys = operation<object, RotatedSigningKeys>(
  { role: 'operator', scope: 'instance:write' },
  async ({ knex, encryptionKeys }, who) =>
    await knex.transaction(async (trx) => {
      const rotated = await rotate(trx, encryptionKeys, { actor: who.actor })
      return { rotated, keys: withEnds(await list(trx)) }
    }),
)
