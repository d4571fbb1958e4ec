import { setTimeout as sleep } from 'node:timers/promises'
import { createVerifier, type Verifier } from '../packages/resource-server/src/index.ts'
import { createUser } from '../src/accounts/users.ts'
import type { Database } from '../src/database/open-database.ts'
import { generateKeyPair } from '../src/management/key-pair-generation.ts'
import { emptyBitmap, encodeSync, SMALLEST_LIST, setIndex } from '../src/status/status-bitmap.ts'
import { type Credentials, type Population, populate } from './keywright.ts'
import { fetchToken } from './loads.ts'
import type { BenchPostgres } from './postgres.ts'
import type { Measured } from './processes.ts'

export const BENCH_ISSUER = 'https://auth.bench.example'
const API = 'https://api.bench.example'
const ACTOR = { type: 'system' as const, id: 'bench' }

/** Seconds that a list may be kept, where no feed tells of it: short, so that the measurement is. */
export const BENCH_TTL = 5

/** One list of the API's with so many live tokens. */
const FILL = `
  WITH api AS (SELECT id FROM apis WHERE identifier = ?),
       client AS (SELECT min(id) AS id FROM clients WHERE kind = 'application'),
       list AS (
         INSERT INTO status_lists (api_id, order_key, next, closed_at)
         SELECT id, sha256(gen_random_uuid()::text::bytea), ${SMALLEST_LIST}, now() FROM api RETURNING id)
  INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, sequence, api_id, revocation_epoch, subject, scope,
                             status_list, status_index)
  SELECT gen_random_uuid(), now() + interval '1 hour', now(), client.id, 0, api.id, 0, '', 'all', list.id, place
    FROM api, client, list, generate_series(0, ? - 1) place`

/** List by list: all in one statement would take longer than a statement may. */
async function fillAccessTokens({ knex }: Database, count: number): Promise<void> {
  for (let left = count; left > 0; left -= SMALLEST_LIST) await knex.raw(FILL, [API, Math.min(left, SMALLEST_LIST)])
  await knex.raw('ANALYZE access_tokens')
}

const toNodes = (nodes: readonly Measured[]) => {
  let round = 0
  return (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const { pathname } = new URL(String(url))
    return fetch(nodes[round++ % nodes.length]!.url + pathname, init)
  }
}

function openVerifiers(count: number, nodes: readonly Measured[], api: Credentials, byFeed: boolean): Verifier[] {
  const feed = { clientId: api.id, clientSecret: api.secret }
  const statusList = { ...(byFeed && { feed }), maxAge: 300 }
  const options = { issuer: BENCH_ISSUER, audience: API, fetch: toNodes(nodes) as typeof fetch, statusList }
  return Array.from({ length: count }, () => createVerifier(options))
}

async function isAccepted(verifier: Verifier, token: string): Promise<boolean> {
  const headers = { authorization: `Bearer ${token}` }
  return await verifier.verify({ method: 'GET', url: API, headers }).then(
    () => true,
    ({ code }) => {
      if (code === 'token_revoked') return false
      throw new Error(`a resource server says ${code}`)
    },
  )
}

/** Milliseconds from the answer of *Generate new keys* to the first refusal, at each resource server in each round. */
async function measureRounds(
  { database, api }: Population,
  nodes: readonly Measured[],
  { servers, byFeed, rounds }: { servers: number; byFeed: boolean; rounds: number },
): Promise<number[]> {
  const account = (await database.knex('accounts').first('id')).id
  const email = `bench-${Math.random()}@example.com`
  const { user } = await createUser(database.knex, { email, role: 'admin', accountId: account })
  const generate = () => generateKeyPair(database.knex, { user: user.id, apis: [API] }, ACTOR)
  const verifiers = openVerifiers(servers, nodes, api, byFeed)
  // More frequent requests than the machine can verify would be measured as latency.
  const pause = Math.max(2, servers / 4)
  const times: number[] = []
  try {
    let pair = await generate()
    for (let round = 0; round < rounds; round++) {
      const credentials = { id: pair.client.clientId, secret: pair.clientSecret! }
      const token = await fetchToken(nodes[round % nodes.length]!, credentials)
      await Promise.all(verifiers.map((verifier) => isAccepted(verifier, token)))
      pair = await generate()
      const answeredAt = performance.now()
      const until = async (verifier: Verifier) => {
        while (await isAccepted(verifier, token)) await sleep(pause)
        times.push(performance.now() - answeredAt)
      }
      await Promise.all(verifiers.map(until))
    }
  } finally {
    for (const verifier of verifiers) verifier.close()
  }
  return times.sort((a, b) => a - b)
}

const quantile = (sorted: readonly number[], q: number): number => sorted[Math.ceil(q * sorted.length) - 1]!

const CASES = [
  { name: 'feed 1 server', servers: 1, byFeed: true, rounds: 40 },
  { name: 'feed 100 servers', servers: 100, byFeed: true, rounds: 10 },
  { name: `ttl ${BENCH_TTL} s 1 server`, servers: 1, byFeed: false, rounds: 6 },
]

/** Bytes of a list as it is sent, with a share of its tokens revoked. */
function listSizes(): Record<string, number> {
  const sizes = [0.001, 0.01, 0.1, 0.5].map((share) => {
    const bitmap = emptyBitmap()
    for (let place = 0; place < SMALLEST_LIST; place++) if (Math.random() < share) setIndex(bitmap, place)
    return [`list_bytes ${share * 100} % revoked`, encodeSync(bitmap).length]
  })
  return Object.fromEntries(sizes)
}

/**
 * How soon a revoked token is refused where nobody asks about it, with two server processes on one PostgreSQL, among few
 * and among many live tokens.
 */
export async function measureRevocations(
  postgres: BenchPostgres,
  start: (population: Population) => Promise<Measured>,
  say: (message: string) => void,
): Promise<Record<string, number>> {
  const figures = listSizes()
  for (const live of [10_000, 1_000_000]) {
    const population = await populate(await postgres.createDatabase(`revocations_${live}`), 1, 'none')
    await fillAccessTokens(population.database, live)
    const nodes = [await start(population), await start(population)]
    for (const { name, ...setting } of CASES) {
      say(`revocations, ${live.toLocaleString('en')} live tokens, ${name} …`)
      const times = await measureRounds(population, nodes, setting)
      figures[`revoked_ms_p50 ${live} live, ${name}`] = quantile(times, 0.5)
      figures[`revoked_ms_p99 ${live} live, ${name}`] = quantile(times, 0.99)
    }
    await Promise.all(nodes.map((node) => node.stop()))
    await population.database.close()
  }
  return figures
}
