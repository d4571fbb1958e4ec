import type { Log } from '../shared/log.ts'

/** Throws while the node cannot do its work; the message is for the log. */
export type ReadinessCheck = () => Promise<void> | void

export interface Readiness {
  /** The names of the checks that fail; empty: ready. Resolves within seconds, whatever the checks do. */
  failing(): Promise<readonly string[]>
}

/** Anybody may ask: checks run at most this often, in milliseconds. */
const FRESH_FOR = 250

/** A check that takes longer, in milliseconds, fails. */
const PATIENCE = 3000

async function within(patience: number, check: ReadinessCheck): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`no result within ${patience / 1000} s`)), patience)
  try {
    await Promise.race([check(), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Each check runs once at a time, however long it hangs, and is shared by all who ask. */
export function createReadiness(checks: Readonly<Record<string, ReadinessCheck>>, log: Log): Readiness {
  const running = new Map<string, Promise<void>>()
  const reasons = new Map<string, string>()
  let looking: Promise<readonly string[]> | undefined
  let isLooking = false
  let lookedAt = Number.NEGATIVE_INFINITY

  function runOnce(name: string, check: ReadinessCheck): Promise<void> {
    const run = running.get(name) ?? (async () => check())().finally(() => running.delete(name))
    running.set(name, run)
    return run
  }

  function note(name: string, reason: string | undefined): void {
    if (reason === reasons.get(name)) return
    if (reason === undefined) {
      reasons.delete(name)
      log.info({ check: name }, 'ready again')
    } else {
      reasons.set(name, reason)
      log.error({ check: name, detail: reason }, 'not ready')
    }
  }

  async function look(): Promise<readonly string[]> {
    await Promise.all(
      Object.entries(checks).map(async ([name, check]) => {
        const reason = await within(PATIENCE, () => runOnce(name, check)).then(
          () => undefined,
          (error: Error) => error.message,
        )
        note(name, reason)
      }),
    )
    return [...reasons.keys()]
  }

  return {
    failing() {
      if (looking && (isLooking || performance.now() - lookedAt < FRESH_FOR)) return looking
      isLooking = true
      lookedAt = performance.now()
      looking = look().finally(() => {
        isLooking = false
      })
      return looking
    },
  }
}
