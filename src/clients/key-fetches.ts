import type { Knex } from 'knex'
import { KeywrightError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { claimDueFetches, claimFetch, type FetchClaim, readFetchState, saveFailure } from './client-key-sets.ts'
import { retireOutdatedKeys, saveFetchedKeys } from './key-set-changes.ts'
import { readPublishedKeys } from './published-keys.ts'

/** Milliseconds for one fetch, and bytes of a response. */
export const KEY_FETCH_LIMITS = { time: 5000, body: 64 * 1024 }

/** Seconds after which a fetch has ended or its node has stopped. */
const LONGEST_FETCH = KEY_FETCH_LIMITS.time / 1000 + 1

/** Milliseconds between two looks at the fetch of another node. */
const POLL = 100

/** Fetches at once because of unknown keys. With more, keys are fetched by the job only. */
const MAX_AT_ONCE = 50

/** Fetches that the job makes at once. */
const BATCH = 20

/** Fetches the public keys that clients publish at their `jwks_uri`. */
export interface KeyFetches {
  /**
   * Fetches the keys of a client because none of those that are known signed an assertion; waits for a fetch that runs already.
   * Within the cooldown nothing is fetched. Returns why the last fetch failed; undefined: it did not.
   */
  afterUnknownKey(clientKey: number): Promise<string | undefined>
  /** Fetches the keys of a client now. False: not, because of the cooldown. */
  fetchNow(clientKey: number): Promise<boolean>
  /** Fetches all keys that are due. */
  fetchDue(): Promise<void>
}

export interface KeyFetchesOptions {
  readonly knex: Knex
  /** In bounded time and size, at public addresses only, without redirects. */
  fetch(url: string, init: RequestInit): Promise<Response>
  /** Whether private addresses are called too: then accounts do not learn what these respond. */
  readonly hidesResponses: boolean
  readonly log: Log
}

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const ACCEPT = { headers: { accept: 'application/jwk-set+json, application/json' } }

export function createKeyFetches({ knex, fetch, hidesResponses, log }: KeyFetchesOptions): KeyFetches {
  const running = new Map<number, Promise<string | undefined>>()

  /** Why a fetch failed, for people. What an error says beside that is for the log. */
  function explain(claim: FetchClaim, error: unknown): string {
    const known = error instanceof KeywrightError ? error : undefined
    const cause = (known ?? (error as Error)).cause ?? error
    log.warn({ client_id: claim.clientId, detail: String((cause as Error).message ?? cause) }, 'keys not fetched')
    if (!known) return 'the response could not be read'
    return hidesResponses && known.code === 'invalid_input' ? 'the response is no usable JWK set' : known.message
  }

  /** @returns why it failed */
  async function run(claim: FetchClaim): Promise<string | undefined> {
    try {
      await saveFetchedKeys(knex, claim, await readPublishedKeys(await fetch(claim.uri, ACCEPT)))
      return undefined
    } catch (error) {
      const failure = explain(claim, error)
      if (await saveFailure(knex, claim, failure)) await retireOutdatedKeys(knex, claim)
      return failure
    }
  }

  /** Waits for the fetch of another node, if there is one. */
  async function lastOutcome(clientKey: number): Promise<string | undefined> {
    for (let waited = 0; ; waited += POLL) {
      const state = await readFetchState(knex, clientKey, LONGEST_FETCH)
      if (!state?.isRunning || waited > LONGEST_FETCH * 1000) return state?.failure ?? undefined
      await sleep(POLL)
    }
  }

  async function fetchOrWait(clientKey: number): Promise<string | undefined> {
    const claim = await claimFetch(knex, clientKey)
    return claim ? await run(claim) : await lastOutcome(clientKey)
  }

  return {
    async afterUnknownKey(clientKey) {
      const known = running.get(clientKey)
      if (known) return await known
      if (running.size >= MAX_AT_ONCE) return undefined
      const fetched = fetchOrWait(clientKey).finally(() => running.delete(clientKey))
      running.set(clientKey, fetched)
      return await fetched
    },
    async fetchNow(clientKey) {
      const claim = await claimFetch(knex, clientKey)
      if (claim) await run(claim)
      return claim !== undefined
    },
    async fetchDue() {
      for (let claims = await claimDueFetches(knex, BATCH); ; claims = await claimDueFetches(knex, BATCH)) {
        await Promise.all(claims.map(run))
        if (claims.length < BATCH) return
      }
    },
  }
}
