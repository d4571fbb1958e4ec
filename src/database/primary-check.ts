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
  /** Before a statement is sent. After a silence, returns a promise to wait for, which rejects with what `ask` throws. */
  sending(): Promise<void> | undefined
  /**
   * Takes that a statement was answered, which was sent at `sentAt` of `performance.now()`. If that took too long, returns a promise to
   * wait for, as `sending` does.
   */
  answered(sentAt: number): Promise<void> | undefined
}

/**
 * Decides when to ask which server is the primary: after a silence, and with several hosts regularly, because one that lost the
 * others still answers reads. After a silence it asks before a statement is sent, because a pooler may have no other connection
 * until that statement's transaction ends.
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

  const wasSilent = () => performance.now() - heardAt > MAX_SILENCE

  return {
    sending: () => (wasSilent() ? askOnce() : undefined),
    opened() {
      if (!hasSeveralHosts) heardAt = performance.now()
    },
    answered(sentAt) {
      if (wasSilent()) return askOnce()
      heardAt = Math.max(heardAt, sentAt)
      if (hasSeveralHosts && performance.now() - askedAt > INTERVAL) askOnce().catch(() => {})
      return undefined
    },
  }
}
