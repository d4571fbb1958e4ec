import { type Clock, type Moment, momentOf } from './clock.ts'

/**
 * Records the use of a DPoP proof. Returns false if it was recorded before.
 * @param proof a hash
 * @param expiresAt milliseconds since 1970; afterwards the proof is rejected as too old
 * @throws any error if the use cannot be recorded; the request is then rejected
 */
export type RecordProof = (proof: string, expiresAt: number) => boolean | Promise<boolean>

export class ReplayCacheFullError extends Error {
  override readonly name = 'ReplayCacheFullError'
}

/** Records proofs in this process only: behind a load balancer each process would accept a proof once. */
export class DpopReplayCache {
  private readonly expiries = new Map<string, Moment>()
  private readonly clock: Clock
  private readonly maxProofs: number

  constructor(clock: Clock, maxProofs: number) {
    this.clock = clock
    this.maxProofs = maxProofs
  }

  /** @throws ReplayCacheFullError */
  record(proof: string, expiresAt: number): boolean {
    const now = momentOf(this.clock)
    this.deleteExpired(now)
    if (this.expiries.has(proof)) return false
    // To evict a proof instead would let an attacker flood the cache and replay it.
    if (this.expiries.size >= this.maxProofs) throw new ReplayCacheFullError(`${this.maxProofs} unexpired proofs`)
    this.expiries.set(proof, [expiresAt, now[1] + expiresAt - now[0]])
    return true
  }

  /**
   * Proofs arrive nearly in the order of their expiry, so the first ones expire first. A proof must have expired by both
   * clocks: the wall clock may be set ahead and back again.
   */
  private deleteExpired([wall, monotonic]: Moment): void {
    for (const [proof, expiry] of this.expiries) {
      if (expiry[0] > wall || expiry[1] > monotonic) return
      this.expiries.delete(proof)
    }
  }
}
