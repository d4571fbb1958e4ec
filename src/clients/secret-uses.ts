import type { Knex } from 'knex'
import type { Clock } from '../shared/clock.ts'
import { recordCallers } from './client-callers.ts'
import { recordLastUses } from './client-last-uses.ts'
import { recordSecretUses, type SecretUse } from './client-secrets.ts'
import { maskedUserAgent } from './refusals.ts'
import type { Registration } from './registration.ts'
import { recordSecretCallers, type SecretCallerUse } from './secret-callers.ts'
import { SeenCallers } from './seen-callers.ts'

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

/** Where a request came from. */
export interface Origin {
  readonly ip: string
  readonly userAgent: string
}

/**
 * Buffers the last use of each secret, and writes it asynchronously. A use with the same secrets, address, API and user agent
 * is recorded once until `reset`.
 */
export interface SecretUses {
  /** @param secretIds the client secret and the API key of the request; empty for a public client: only its callers are recorded */
  record(secretIds: readonly number[], origin: Origin, use: Use): void
  /** Writes the uses. If that fails, the next flush writes them. */
  flush(knex: Knex): Promise<void>
  /** Lets every use be recorded again. */
  reset(): void
}

/** The maximum number of distinct uses that a process remembers before it resets. */
const MAX_REMEMBERED = 100_000

/** The maximum number of distinct user agents until `reset`; further ones are recorded as none. */
const MAX_USER_AGENTS = 1000

const LONGEST_USER_AGENT = 400

interface UserAgent {
  readonly number: number
  readonly text: string
}

const NO_USER_AGENT: UserAgent = { number: 0, text: '' }

/** Numbers user agents: a number in the key of each use takes less memory than a text. */
function createUserAgents() {
  const known = new Map<string, UserAgent>()
  return {
    clear: () => known.clear(),
    of(text: string): UserAgent {
      const key = text.length > LONGEST_USER_AGENT ? text.slice(0, LONGEST_USER_AGENT) : text
      const agent = key === '' ? NO_USER_AGENT : known.get(key)
      if (agent || known.size >= MAX_USER_AGENTS) return agent ?? NO_USER_AGENT
      const added = { number: known.size + 1, text: maskedUserAgent(key) }
      known.set(key, added)
      return added
    },
  }
}

export function createSecretUses(clock: Clock = Date, max = MAX_REMEMBERED): SecretUses {
  const seen = new SeenCallers(max)
  const userAgents = createUserAgents()
  let secrets = new Map<number, SecretUse>()
  let callers: SecretCallerUse[] = []

  function reset(): void {
    seen.reset()
    userAgents.clear()
  }

  /** Keeps uses for the next flush, unless later ones came meanwhile. */
  function keep(uses: Iterable<SecretUse>): void {
    for (const use of uses) if (!secrets.has(use.id)) secrets.set(use.id, use)
  }

  return {
    reset,
    record(secretIds, { ip, userAgent }, { clientKey, apiId }) {
      const caller = `${secretIds} ${clientKey} ${apiId} ${ip}`
      const agent = userAgents.of(userAgent)
      if (seen.has(caller, agent.number)) return
      const at = new Date(clock.now())
      for (const id of secretIds) secrets.set(id, { id, at, ip, apiId })
      if (callers.length >= max || !seen.add(clientKey, caller, agent.number)) return
      callers.push({ clientKey, secretIds, ip, apiId: apiId ?? 0, userAgent: agent.text, at })
    },
    async flush(knex) {
      if (callers.length === 0 && secrets.size === 0) return
      const pending = { secrets, callers }
      secrets = new Map()
      callers = []
      try {
        const skipped = await recordSecretUses(knex, [...pending.secrets.values()])
        await recordSecretCallers(knex, pending.callers)
        await recordCallers(knex, pending.callers)
        await recordLastUses(
          knex,
          pending.callers.map(({ clientKey }) => clientKey),
        )
        keep(skipped.map((id) => pending.secrets.get(id)!))
      } catch (error) {
        // Written with the next flush. Writing a use twice changes nothing.
        keep(pending.secrets.values())
        callers = [...pending.callers, ...callers].slice(0, max)
        throw error
      }
    },
  }
}
