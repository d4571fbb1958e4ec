/** When the PostgreSQL server was started that runs the statement, as SQL: microseconds since 1970. */
export const SERVER_STARTED_AT = '(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint'

/**
 * Notices that statements reach another run of the PostgreSQL server than before: after a crash, a failover or a restore.
 * That database may lack what this process remembers of it, and number other things alike.
 */
export interface ServerWatch {
  /** @param startedAt what `SERVER_STARTED_AT` answered */
  notice(startedAt: number): void
  /** The listener drops what it remembers. */
  onChange(listener: () => void): void
}

export function createServerWatch(): ServerWatch {
  const listeners: (() => void)[] = []
  let known: number | undefined
  return {
    notice(startedAt) {
      const isOther = known !== undefined && known !== startedAt
      known = startedAt
      if (isOther) for (const listener of listeners) listener()
    },
    onChange: (listener) => void listeners.push(listener),
  }
}
