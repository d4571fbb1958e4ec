import type { Knex } from 'knex'
import { createNumberedBatches } from '../metrics/numbered-batches.ts'
import type { Clock } from '../shared/clock.ts'
import type { RefusalReason } from '../shared/refusal-reasons.ts'
import { withoutSecrets } from '../shared/secrets.ts'
import { addRefusals, type RefusalCount, type RefusalSample } from './refusal-statement.ts'

/** The endpoints whose refused requests are counted. */
export type RefusingEndpoint =
  | 'token'
  | 'introspection'
  | 'revocation'
  | 'authorization'
  | 'pushed_authorization'
  | 'device_authorization'

/** The client that a refused request names. */
export interface RefusedClient {
  /** The key of a client that is known to exist; undefined: only the database knows. */
  readonly key: number | undefined
  /** As the request has it; undefined: the request names no client, or its client ID is malformed. */
  readonly claimedId: string | undefined
  /** SHA-256 of a well-formed client secret, to find out later whether it is retired. It is never stored. */
  readonly secretHash?: Buffer | undefined
  /** Whether the request has a client secret, also one that is not well-formed. */
  readonly hasSecret: boolean
}

/** A request that was refused. */
export interface Refusal {
  readonly client: RefusedClient
  readonly endpoint: RefusingEndpoint
  /** `authentication`: the client did not authenticate; the database finds out why when the refusal is written. */
  readonly reason: RefusalReason | 'authentication'
  /** 0: none, or not known. */
  readonly apiId: number
  readonly ip: string
  readonly userAgent: string
  readonly requestId: string
  /** What the admin of the client may read of it, in addition to the reason; empty: nothing. */
  readonly detail?: string
}

/** Counts refused requests in memory, with a few samples, and writes them asynchronously. */
export interface Refusals {
  record(refusal: Refusal): void
  /** Writes the refusals; with `all`, also those that come meanwhile. If that fails, the next flush writes them, once. */
  flush(knex: Knex, all?: boolean): Promise<void>
}

const HOUR = 3_600_000

/** Per flush: distinct clients and secrets that only a stranger's request names. */
const MAX_CLAIMS = 1000

/** Per flush and process. */
const MAX_GROUPS = 50_000
const MAX_SAMPLES = 1000
const MAX_SAMPLES_PER_GROUP = 5

const LONGEST_USER_AGENT = 200

/** What may be a secret of another system, or one in another encoding. Words of a user agent are shorter. */
const OPAQUE = /[\w+/=%~-]{32,}/g

export const maskedUserAgent = (text: string): string =>
  withoutSecrets(text, 2 * LONGEST_USER_AGENT)
    .replace(OPAQUE, '…')
    .slice(0, LONGEST_USER_AGENT)

interface Group {
  readonly count: RefusalCount
  readonly samples: RefusalSample[]
}

/** Of more claims than a flush can look up, the secret or the client ID is dropped; the request still counts. */
function withoutClaim({ client, reason, ...rest }: Refusal): Refusal {
  const fallback = client.key === undefined ? 'unknown_client' : 'wrong_secret'
  return {
    ...rest,
    client: { key: client.key, claimedId: undefined, hasSecret: client.hasSecret },
    reason: reason === 'authentication' ? fallback : reason,
  }
}

export function createRefusals(clock: Clock = Date): Refusals {
  let groups = new Map<string, Group>()
  let claims = 0
  let sampled = 0

  const isClaim = ({ client }: Refusal) =>
    client.secretHash !== undefined || (client.key === undefined && client.claimedId !== undefined)

  function groupOf(refusal: Refusal): Group | undefined {
    const { client, endpoint, reason, apiId } = refusal
    const hour = Math.floor(clock.now() / HOUR) * HOUR
    const hash = client.secretHash?.toString('hex') ?? null
    const key = `${hour} ${client.key ?? client.claimedId} ${endpoint} ${reason} ${apiId} ${hash ?? client.hasSecret}`
    const known = groups.get(key)
    if (known) return known
    if (isClaim(refusal) && ++claims > MAX_CLAIMS) return groupOf(withoutClaim(refusal))
    if (groups.size >= MAX_GROUPS) return undefined
    const { key: client_id = null, claimedId: claimed_id = null, hasSecret: has_secret } = client
    const group: Group = {
      count: {
        client_id,
        claimed_id,
        hash,
        has_secret,
        hour: new Date(hour),
        endpoint,
        reason,
        api_id: apiId,
        count: 0,
      },
      samples: [],
    }
    groups.set(key, group)
    return group
  }

  function addSample(samples: RefusalSample[], { ip, userAgent, requestId, detail = '' }: Refusal): void {
    if (samples.length === MAX_SAMPLES_PER_GROUP) samples.shift()
    else if (sampled < MAX_SAMPLES) sampled++
    else return
    samples.push({
      at: new Date(clock.now()),
      ip,
      user_agent: maskedUserAgent(userAgent),
      request_id: requestId,
      detail,
    })
  }

  function take(): Group[] | undefined {
    if (groups.size === 0) return undefined
    const taken = [...groups.values()]
    groups = new Map()
    claims = 0
    sampled = 0
    return taken
  }

  const write = createNumberedBatches(take, (knex, { addition, ...batch }) => addRefusals(knex, batch, addition))

  return {
    record(refusal) {
      const group = groupOf(refusal)
      if (!group) return
      group.count.count++
      addSample(group.samples, refusal)
    },
    async flush(knex, all = false) {
      while ((await write(knex)) && all);
    },
  }
}
