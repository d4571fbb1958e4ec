import type { Knex } from 'knex'
import type { Clock } from '../shared/clock.ts'
import { type CallerUse, recordCallers } from './client-callers.ts'
import { recordSecretUses, type SecretUse } from './client-secrets.ts'
import type { Registration } from './registrations.ts'

/** What a secret was used for. */
export interface Use {
  readonly clientKey: number
  /** The API that a token was issued for; null where none was. */
  readonly apiId: number | null
}

/** @param audience the API that a token was issued for, by its identifier */
export function useOf({ key, apis }: Pick<Registration, 'key' | 'apis'>, audience?: string): Use {
  const api = audience === undefined ? undefined : apis.find(({ identifier }) => identifier === audience)
  return { clientKey: key, apiId: api?.id ?? null }
}

/**
 * Collects when, from where and for what secrets are used, each use of one kind once until told to `forget`, and writes it
 * behind the requests.
 */
export interface SecretUses {
  /** @param secretId null for a public client, which has none: of it only its callers are kept */
  note(secretId: number | null, ip: string, use: Use): void
  flush(knex: Knex): Promise<void>
  /** Lets every use be noted again. */
  forget(): void
}

/** What a process remembers at most, until it forgets it all. */
const MAX_REMEMBERED = 100_000

/** Callers of one client that are kept of each time between two `forget`s: a secret may be used from any number of addresses. */
const MAX_CALLERS = 100

export function createSecretUses(clock: Clock = Date, max = MAX_REMEMBERED): SecretUses {
  const seen = new Set<string>()
  const callersOf = new Map<number, number>()
  let secrets = new Map<number, SecretUse>()
  let callers: CallerUse[] = []

  function remember(key: string, caller: CallerUse): void {
    const count = callersOf.get(caller.clientKey) ?? 0
    if (count >= MAX_CALLERS || callers.length >= max) return
    callersOf.set(caller.clientKey, count + 1)
    if (seen.size >= max) forget()
    seen.add(key)
    callers.push(caller)
  }

  function forget(): void {
    seen.clear()
    callersOf.clear()
  }

  return {
    forget,
    note(secretId, ip, { clientKey, apiId }) {
      const key = `${secretId} ${clientKey} ${apiId} ${ip}`
      if (seen.has(key)) return
      const at = new Date(clock.now())
      if (secretId !== null) secrets.set(secretId, { id: secretId, at, ip, apiId })
      remember(key, { clientKey, ip, apiId: apiId ?? 0, at })
    },
    async flush(knex) {
      if (callers.length === 0 && secrets.size === 0) return
      const noted = { secrets: [...secrets.values()], callers }
      secrets = new Map()
      callers = []
      try {
        await recordSecretUses(knex, noted.secrets)
        await recordCallers(knex, noted.callers)
      } catch (error) {
        // What could not be written is noted anew when it is used again, and not only when the time is over.
        forget()
        throw error
      }
    },
  }
}
