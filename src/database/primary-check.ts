/**
 * Milliseconds. A primary that answered nothing for longer may have been frozen meanwhile, and replaced: under Patroni that takes
 * `ttl` minus `loop_wait`, 15 s and more.
 */
const MAX_SILENCE = 10_000

/** Milliseconds between two questions to several hosts, while statements are answered. */
const INTERVAL = 10_000

export interface PrimaryCheck {
  /** A new connection was opened in the way that `ask` opens one. */
  opened(): void
  /**
   * Takes that a statement was answered, which was sent at `sentAt` of `performance.now()`. After a silence, returns a promise: the
   * answer may be used after it. @throws what `ask` throws, by that promise
   */
  answered(sentAt: number): Promise<void> | undefined
}

/**
 * Decides when to ask which server is the primary: before the first answer after a silence is used, and with several hosts
 * regularly, because one that lost the others still answers reads.
 */
export function createPrimaryCheck(ask: () => Promise<void>, hasSeveralHosts: boolean): PrimaryCheck {
  let heardAt = Number.NEGATIVE_INFINITY
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  async function askNow(): Promise<void> {
    const startedAt = performance.now()
    askedAt = startedAt
    await ask()
    heardAt = Math.max(heardAt, startedAt)
  }

  function askOnce(): Promise<void> {
    asking ??= askNow().finally(() => {
      asking = undefined
    })
    return asking
  }

  return {
    opened() {
      if (!hasSeveralHosts) heardAt = performance.now()
    },
    answered(sentAt) {
      const now = performance.now()
      if (now - heardAt > MAX_SILENCE) return askOnce()
      heardAt = Math.max(heardAt, sentAt)
      if (hasSeveralHosts && now - askedAt > INTERVAL) askOnce().catch(() => {})
      return undefined
    },
  }
}
