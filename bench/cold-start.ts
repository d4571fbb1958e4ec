import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createVerifier } from '../packages/resource-server/src/index.ts'
import { signJwt } from '../src/keys/jwt.ts'
import { openKeyRings, type SigningRingKey } from '../src/keys/key-ring.ts'
import { createEncryptionKeys } from '../src/shared/encryption-keys.ts'
import { LARGEST_LIST } from '../src/status/status-bitmap.ts'
import { type Population, populate } from './keywright.ts'
import type { BenchPostgres } from './postgres.ts'
import type { Measured } from './processes.ts'
import { BENCH_ISSUER } from './revocations.ts'

const API = 'https://api.bench.example'

/** Of all live tokens. */
const REVOKED = 0.01

/** Rows a statement: more would reach its time limit. */
const CHUNK = 65_536

const LIST = `
  INSERT INTO status_lists (api_id, order_key, next, size, closed_at)
  SELECT id, sha256(gen_random_uuid()::text::bytea), ${LARGEST_LIST}, ${LARGEST_LIST}, now() FROM apis WHERE identifier = ?
  RETURNING id, public_id`

const FILL = `
  INSERT INTO access_tokens (jti, expires_at, issued_at, client_id, sequence, api_id, revocation_epoch, subject, scope, revoked_at,
                             status_list, status_index)
  SELECT gen_random_uuid(), now() + interval '30 days', now(), c.id, 0, a.id, c.revocation_epoch, '', 'all',
         CASE WHEN place > 0 AND random() < ${REVOKED} THEN now() END, ?, place
    FROM apis a, (SELECT id, revocation_epoch FROM clients WHERE kind = 'application' ORDER BY id LIMIT 1) c,
         generate_series(?::int, ?::int) place
   WHERE a.identifier = ?`

/** Lists of the API with so many live tokens; answers their public ids. */
async function fill(
  { database: { knex } }: Population,
  tokens: number,
  say: (text: string) => void,
): Promise<string[]> {
  const lists: string[] = []
  for (let left = tokens; left > 0; left -= LARGEST_LIST) {
    const { rows } = await knex.raw(LIST, [API])
    const last = Math.min(left, LARGEST_LIST) - 1
    for (let from = 0; from <= last; from += CHUNK) {
      await knex.raw(FILL, [rows[0].id, from, Math.min(from + CHUNK - 1, last), API])
    }
    lists.push(rows[0].public_id)
    say(`${lists.length} lists …`)
  }
  await knex.raw('VACUUM ANALYZE access_tokens')
  return lists
}

/** Signed by the instance's own key, so that every list has a token to ask about. */
async function tokenIn(list: string, key: SigningRingKey): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return await signJwt(key, 'at+jwt', {
    ...{ iss: BENCH_ISSUER, sub: 'bench', aud: API, client_id: 'bench', scope: 'all', jti: randomUUID() },
    ...{ iat: now, exp: now + 3600 },
    status: { status_list: { idx: 0, uri: `${BENCH_ISSUER}/oauth2/status/${list}` } },
  })
}

/** Milliseconds until a resource server that knows nothing has judged a token of every list, and its memory for them. */
async function measureStart(node: Measured, tokens: readonly string[], { api }: Population) {
  const toNode = (url: string | URL | Request, init?: RequestInit) =>
    fetch(node.url + new URL(String(url)).pathname, init)
  const verifier = createVerifier({
    ...{ issuer: BENCH_ISSUER, audience: API, fetch: toNode as typeof fetch },
    statusList: { feed: { clientId: api.id, clientSecret: api.secret }, timeout: 60, maxAge: 3600 },
  })
  const before = process.memoryUsage().rss
  const startedAt = performance.now()
  const judged = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    for (;;) {
      const outcome = await verifier.verify({ method: 'GET', url: API, headers }).catch((error) => error.code as string)
      if (typeof outcome !== 'string') return
      if (outcome !== 'status_unknown') throw new Error(`a resource server says ${outcome}`)
      await sleep(100)
    }
  }
  await Promise.all(tokens.map(judged))
  const time = performance.now() - startedAt
  const memory = process.memoryUsage().rss - before
  await verifier.close()
  return { time, memory }
}

/**
 * How long a resource server takes to know every list of one API with so many live tokens: of nodes that know nothing
 * either, of nodes that have served the lists before, and of a node that has just started beside those.
 */
export async function measureColdStart(
  postgres: BenchPostgres,
  startNode: (population: Population) => Promise<Measured>,
  tokens: number,
  say: (text: string) => void,
): Promise<Record<string, number>> {
  const population = await populate(await postgres.createDatabase('cold'), 1, 'none')
  const lists = await fill(population, tokens, say)
  const key = Buffer.from(population.environment.ENCRYPTION_KEY!, 'base64')
  const { ring } = await openKeyRings(population.database, createEncryptionKeys([key]))
  const presented = await Promise.all(lists.map((list) => tokenIn(list, ring.current('ES256'))))
  const first = await startNode(population)
  say('nothing is known …')
  const cold = await measureStart(first, presented, population)
  say('lists are at hand …')
  const warm = await measureStart(first, presented, population)
  const { memory } = await first.usage()
  const second = await startNode(population)
  say('another node …')
  const beside = await measureStart(second, presented, population)
  await Promise.all([first.stop(), second.stop()])
  await population.database.close()
  return {
    active_tokens: tokens,
    lists: lists.length,
    cold_start_ms: cold.time,
    cold_start_ms_lists_at_hand: warm.time,
    cold_start_ms_another_node: beside.time,
    resource_server_bytes: cold.memory,
    node_bytes: memory,
  }
}
