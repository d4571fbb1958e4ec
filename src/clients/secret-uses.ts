import type { Knex } from 'knex'
import type { Clock } from '../shared/clock.ts'
import { type CallerUse, recordCallers } from './client-callers.ts'
import { recordSecretUses, type SecretUse } from './client-secrets.ts'
import type { Registration } from './registrations.ts'

/** The client and API of one use of a secret. */
export interface Use {
  readonly clientKey: number
  /** The API of the issued token; null: no token was issued. */
  readonly apiId: number | null
}

/** @param audience the identifier of the API that a token was issued for */
export function useOf({ key, apis }: Pick<Registration, 'key' | 'apis'>, audience?: string): Use {
  const api = audience === undefined ? undefined : apis.find(({ identifier }) => identifier === audience)
  return { clientKey: key, apiId: api?.id ?? null }
}

/**
 * Buffers the last use of each secret, and writes it asynchronously. A use with the same secret, address and API is
 * recorded once until `reset`.
 */
export interface SecretUses {
  /** @param secretId null for a public client: only its callers are recorded */
  record(secretId: number | null, ip: string, use: Use): void
  /** Writes the uses. If that fails, the next flush writes them. */
  flush(knex: Knex): Promise<void>
  /** Lets every use be recorded again. */
  reset(): void
}

/** The maximum number of distinct uses that a process remembers before it resets. */
const MAX_REMEMBERED = 100_000

/** The maximum number of callers per client between two resets: a secret may be used from any number of addresses. */
const MAX_CALLERS = 100

export function createSecretUses(clock: Clock = Date, max = MAX_REMEMBERED): SecretUses {
  const seen = new Set<string>()
  const callersOf = new Map<number, number>()
  let secrets = new Map<number, SecretUse>()
  let callers: CallerUse[] = []

  function recordCaller(key: string, caller: CallerUse): void {
    const count = callersOf.get(caller.clientKey) ?? 0
    if (count >= MAX_CALLERS || callers.length >= max) return
    callersOf.set(caller.clientKey, count + 1)
    if (seen.size >= max) reset()
    seen.add(key)
    callers.push(caller)
  }

  function reset(): void {
    seen.clear()
    callersOf.clear()
  }

  return {
    reset,
    record(secretId, ip, { clientKey, apiId }) {
      const key = `${secretId} ${clientKey} ${apiId} ${ip}`
      if (seen.has(key)) return
      const at = new Date(clock.now())
      if (secretId !== null) secrets.set(secretId, { id: secretId, at, ip, apiId })
      recordCaller(key, { clientKey, ip, apiId: apiId ?? 0, at })
    },
    async flush(knex) {
      if (callers.length === 0 && secrets.size === 0) return
      const pending = { secrets, callers }
      secrets = new Map()
      callers = []
      try {
        await recordSecretUses(knex, [...pending.secrets.values()])
        await recordCallers(knex, pending.callers)
      } catch (error) {
        // Written with the next flush. Writing a use twice changes nothing.
        secrets = new Map([...pending.secrets, ...secrets])
        callers = [...pending.callers, ...callers].slice(0, max)
        throw error
      }
    },
  }
}
