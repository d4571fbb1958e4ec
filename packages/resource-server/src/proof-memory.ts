import { type Clock, type Moment, momentOf } from './clock.ts'

/**
 * Remembers which proofs were shown, so that each serves once. Answers false for one that was shown before.
 * `expiresAt` (milliseconds since 1970): after that it would be refused for its age.
 * @throws whatever it likes where it cannot tell; the request is then refused
 */
export type RememberProof = (proof: string, expiresAt: number) => boolean | Promise<boolean>

export class ProofMemoryFullError extends Error {
  override readonly name = 'ProofMemoryFullError'
}

/** Remembers in this process alone: behind a load balancer each process would take a proof once. */
export function rememberHere(clock: Clock, most: number): RememberProof {
  const shown = new Map<string, Moment>()

  // Proofs come nearly in the order in which they expire, so the oldest stand first. By both clocks: the one on the wall may
  // be set ahead and back again.
  function forgetExpired([wall, monotonic]: Moment): void {
    for (const [proof, expiry] of shown) {
      if (expiry[0] > wall || expiry[1] > monotonic) return
      shown.delete(proof)
    }
  }

  return (proof, expiresAt) => {
    const now = momentOf(clock)
    forgetExpired(now)
    if (shown.has(proof)) return false
    // Making room by forgetting one would let whoever floods this replay another's.
    if (shown.size >= most) throw new ProofMemoryFullError(`${most} proofs within their lifetime`)
    shown.set(proof, [expiresAt, now[1] + expiresAt - now[0]])
    return true
  }
}
