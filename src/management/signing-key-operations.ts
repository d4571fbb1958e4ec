import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { PERMISSIONS } from '../accounts/permissions.ts'
import { touchApisOfAlg } from '../apis/apis.ts'
import { lockAllClientsExclusive } from '../clients/client-locks.ts'
import { countNodesBefore } from '../database/server-nodes.ts'
import {
  findPresentKey,
  listAllKeys,
  newReplacements,
  type RevokedSigningKey,
  revokeSigningKey as revoke,
} from '../keys/signing-key-revocation.ts'
import {
  type KeyState,
  PUBLISHED_AFTER,
  rotateSigningKeys as rotate,
  type SigningKey,
  touchRing,
} from '../keys/signing-keys.ts'
import { destructiveOperation, operation } from './operation.ts'
import { readSigningKeyImpact, type SigningKeyImpact } from './signing-key-impact.ts'

export interface SigningKeyView extends Omit<SigningKey, 'state'> {
  readonly state: KeyState | 'revoked'
  /** When the key is deleted, after every token that it signed has expired; null: it signs, will sign, or is revoked. */
  readonly publishedUntil: Date | null
  /** Null: it is not revoked. */
  readonly revokedAt: Date | null
}

const DAY = 86_400_000

/** A key stops signing when the next key of its algorithm starts. */
function endOf({ alg, state, signsFrom }: SigningKey, keys: readonly SigningKey[]): Date | null {
  if (state !== 'previous') return null
  const starts = keys.flatMap((key) => (key.alg === alg && key.signsFrom ? [key.signsFrom.getTime()] : []))
  const end = Math.min(...starts.filter((at) => at > signsFrom!.getTime()))
  return Number.isFinite(end) ? new Date(end + PUBLISHED_AFTER * DAY) : null
}

async function listViews(knex: Knex): Promise<SigningKeyView[]> {
  const { present, revoked } = await listAllKeys(knex)
  const views = present.map((key) => ({
    ...key,
    publishedUntil: endOf(key, present),
    revokedAt: null,
  }))
  return [...views, ...revoked.map((key) => ({ ...key, publishedUntil: null }))]
}

/** Newest first, and the revoked ones last. */
export const listSigningKeys = operation<object, readonly SigningKeyView[]>(
  PERMISSIONS.viewInstance,
  async ({ knex }) => await listViews(knex),
)

export interface RotatedSigningKeys {
  /** The algorithms whose next key starts to sign. */
  readonly rotated: readonly string[]
  readonly keys: readonly SigningKeyView[]
}

/** The next key starts to sign once it has been published long enough for every verifier to know it. */
export const rotateSigningKeys = operation<object, RotatedSigningKeys>(
  PERMISSIONS.manageInstance,
  async ({ knex, encryptionKeys }, principal) =>
    await knex.transaction(async (trx) => {
      const rotated = await rotate(trx, encryptionKeys, { actor: principal.actor })
      return { rotated, keys: await listViews(trx) }
    }),
)

/** Milliseconds between two checks of whether the nodes use the new key ring, and in all. */
const POLL_INTERVAL = 100
const WAIT_FOR_NODES = 10_000

/** Returns how many running nodes do not use this version of the key ring after a while; 0: all do. */
async function waitForNodes(knex: Knex, version: number): Promise<number> {
  for (const deadline = performance.now() + WAIT_FOR_NODES; ; await sleep(POLL_INTERVAL)) {
    const nodes = await countNodesBefore(knex, version)
    if (nodes === 0 || performance.now() > deadline) return nodes
  }
}

interface KeySelector {
  readonly kid: string
}

export interface SigningKeyRevocation extends RevokedSigningKey {
  /**
   * Running nodes that still publish the key, because they did not reach the database in time. Tokens of the key are inactive
   * on every node. Null: not known, because the revocation is part of a transaction, or the nodes could not be counted.
   */
  readonly pendingNodes: number | null
}

/**
 * Revokes a signing key: every token that it signed is inactive, and no node publishes or uses it when this returns with no
 * `pendingNodes`. @throws KeywrightError `not_found`; `conflict` when it was revoked before
 */
export const revokeSigningKey = destructiveOperation<KeySelector, SigningKeyRevocation, KeySelector, SigningKeyImpact>(
  PERMISSIONS.manageInstance,
  {
    async run({ knex, encryptionKeys }, { actor }, { kid }) {
      const { alg } = await findPresentKey(knex, kid)
      const replacements = await newReplacements(alg)
      const revoked = await knex.transaction(async (trx) => {
        // The ring first: a rotation that holds it must not make every client wait.
        await touchRing(trx)
        await lockAllClientsExclusive(trx)
        await touchApisOfAlg(trx, alg)
        return await revoke(trx, encryptionKeys, { kid, replacements }, actor)
      })
      // The revocation is committed: its response must not be lost because nodes cannot be counted.
      const counted = knex.isTransaction ? null : await waitForNodes(knex, revoked.keyRingVersion).catch(() => null)
      return { ...revoked, pendingNodes: counted }
    },
    affected: ({ knex }, _principal, { kid }) => readSigningKeyImpact(knex, kid),
  },
)
