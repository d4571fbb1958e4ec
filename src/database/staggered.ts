import { setTimeout as sleep } from 'node:timers/promises'

/** After this long without an outcome the next candidate is tried as well; milliseconds. */
const STAGGER = 700

/**
 * Tries candidates one after another and returns the first success; a silent one holds up the next only for a moment.
 * @param discard takes a success that comes after another one
 * @throws AggregateError the failures of all, in the order of the candidates
 */
export function firstSuccess<Candidate, Result>(
  candidates: readonly Candidate[],
  attempt: (candidate: Candidate) => Promise<Result>,
  discard: (late: Result) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const failures: unknown[] = new Array(candidates.length)
    let begun = 0
    let failed = 0
    let won = false
    let timer: NodeJS.Timeout | undefined

    function succeed(result: Result): void {
      clearTimeout(timer)
      if (won) discard(result)
      else resolve(result)
      won = true
    }

    function fail(index: number, error: unknown): void {
      failures[index] = error
      failed++
      if (failed === begun) clearTimeout(timer)
      if (failed === candidates.length) reject(new AggregateError(failures))
      else if (!won && failed === begun) beginNext()
    }

    function beginNext(): void {
      clearTimeout(timer)
      if (won || begun === candidates.length) return
      const index = begun++
      timer = setTimeout(beginNext, STAGGER)
      attempt(candidates[index]!).then(succeed, (error) => fail(index, error))
    }

    beginNext()
  })
}

/**
 * Waits for the outcomes of all attempts; for silent ones only for a moment after the first success.
 * @throws AggregateError the failures of all, in their order
 */
export async function settledAfterSuccess(attempts: readonly Promise<unknown>[]): Promise<void> {
  await Promise.any(attempts)
  await Promise.race([Promise.allSettled(attempts), sleep(STAGGER, undefined, { ref: false })])
}
