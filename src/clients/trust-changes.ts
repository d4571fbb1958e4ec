import { isDeepStrictEqual } from 'node:util'
import type { Knex } from 'knex'
import { isReplaced, works } from '../shared/secret-lifetimes.ts'
import { lastFour } from '../shared/secrets.ts'
import type { TrustCondition } from './trust-conditions.ts'
import { hashOfTrust, parseTrust, type TrustInput, type WorkloadTrust } from './workload-trusts.ts'

/** What changes of a trust; undefined: nothing. Its issuer stays. */
export interface TrustChange {
  /** Null: the issuer identifier of this server. */
  readonly audience?: string | null | undefined
  readonly conditions?: TrustInput['conditions'] | undefined
  readonly singleUse?: boolean | undefined
  /** A JWK set (RFC 7517); null: the keys are read from the issuer. */
  readonly jwks?: string | null | undefined
}

/** What a trust says after a change. @throws KeywrightError `invalid_input` */
export async function changedTrust(trust: WorkloadTrust, change: TrustChange): Promise<WorkloadTrust> {
  const { audience = trust.audience, conditions = trust.conditions, singleUse = trust.singleUse, jwks } = change
  const parsed = await parseTrust({
    issuer: trust.issuer,
    audience,
    conditions,
    singleUse,
    ...(jwks && { jwks }),
  })
  return jwks === undefined ? { ...parsed, keys: trust.keys } : parsed
}

const includesAll = (list: readonly unknown[], part: readonly unknown[]): boolean =>
  part.every((one) => list.some((other) => isDeepStrictEqual(one, other)))

/** Whether each token that a trust accepts is also accepted by another one. False: perhaps not. */
export function acceptsAllOf(wider: WorkloadTrust, narrower: WorkloadTrust): boolean {
  const isWider = ({ claim, anyOf }: TrustCondition): boolean =>
    narrower.conditions.some((one) => one.claim === claim && includesAll(anyOf, one.anyOf))
  const hasKeys =
    wider.keys === null || narrower.keys === null
      ? wider.keys === narrower.keys
      : includesAll(wider.keys, narrower.keys)
  return (
    wider.issuer === narrower.issuer &&
    wider.audience === narrower.audience &&
    hasKeys &&
    (narrower.singleUse || !wider.singleUse) &&
    wider.conditions.every(isWider)
  )
}

/** A trust of the newest set of a client. */
interface CurrentTrust {
  readonly trust: WorkloadTrust
  readonly expires_at: Date | null
  /** The set, as text: a Date would lose its microseconds. */
  readonly key_set: string
}

/** Undefined: the client has no such trust, or it was replaced. */
export const findCurrentTrust = async (trx: Knex, clientKey: number, id: number): Promise<CurrentTrust | undefined> =>
  await trx('client_secrets')
    .where({ client_id: clientKey, kind: 'trust', id })
    .whereRaw(`${works('client_secrets')} AND NOT ${isReplaced()}`)
    .first('trust', 'expires_at', trx.raw('key_set::text'))

/** Changes what a trust says; the tokens that it obtained stay. */
export async function changeStoredTrust(trx: Knex, id: number, trust: WorkloadTrust): Promise<void> {
  const hash = hashOfTrust(trust)
  await trx('client_secrets')
    .where({ id })
    .update({ hash, last_four: lastFour(hash.toString('hex')), trust: JSON.stringify(trust) })
}
