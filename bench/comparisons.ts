/** The comparisons of the bench: each measures two loads in the same round, and returns a ratio. */
import { measureLists } from './console.ts'
import { accessTokenTableSize, type Population, populate, registerKeyClients } from './keywright.ts'
import { measure, type Sample, sendAll, WARM_UP } from './load.ts'
import { engineClients, fetchToken, introspectionLoad, jwksLoad, keyTokenLoad, tokenForm, tokenLoad } from './loads.ts'
import { ROUNDS, SECONDS, say } from './options.ts'
import { type BenchPostgres, freePort } from './postgres.ts'
import { type Measured, startMeasured } from './processes.ts'
import { BENCH_ISSUER, BENCH_TTL } from './revocations.ts'

function median(numbers: number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

/** The sample whose efficiency is the middle one. */
const middle = (samples: Sample[]): Sample =>
  [...samples].sort((a, b) => a.perCpuSecond - b.perCpuSecond)[Math.floor(samples.length / 2)]!

const startEngine = async (format: 'jwt' | 'opaque') =>
  startMeasured('./engine.ts', [], await freePort(), { CLIENTS: '100', FORMAT: format })

/** Every node of one population has the same issuer, as behind a load balancer. */
export async function startKeywright(population: Population, loaded: readonly string[] = []): Promise<Measured> {
  const environment = {
    ...population.environment,
    ISSUER: BENCH_ISSUER,
    STATUS_LIST_TTL: String(BENCH_TTL),
    LOG_LEVEL: 'info',
  }
  return await startMeasured('../bin/keywright.cjs', ['serve'], await freePort(), environment, loaded)
}

export interface Comparison {
  /** Of the requests per CPU second: ours by theirs. */
  readonly ratio: number
  readonly ours: Sample
  readonly theirs: Sample
}

/** The same load on both in round, so that a noisy minute falls on both. */
async function compare(ours: () => Promise<Sample>, theirs: () => Promise<Sample>): Promise<Comparison> {
  const samples: { ours: Sample; theirs: Sample }[] = []
  for (let round = 0; round < ROUNDS; round++) samples.push({ theirs: await theirs(), ours: await ours() })
  return {
    ratio: median(samples.map((sample) => sample.ours.perCpuSecond / sample.theirs.perCpuSecond)),
    ours: middle(samples.map((sample) => sample.ours)),
    theirs: middle(samples.map((sample) => sample.theirs)),
  }
}

type AccessTokenTableSize = Awaited<ReturnType<typeof accessTokenTableSize>>

/** Of database, for each token that was recorded meanwhile. */
const bytesBetween = (before: AccessTokenTableSize, after: AccessTokenTableSize): number =>
  (after.bytes - before.bytes) / (after.tokens - before.tokens)

export async function compareWithEngine(population: Population, server: Measured) {
  const jwtEngine = await startEngine('jwt')
  const opaqueEngine = await startEngine('opaque')
  const engineLoad = tokenLoad(engineClients(100))
  const ourLoad = tokenLoad(population.clients)
  say('tokens …')
  const before = await accessTokenTableSize(population.database)
  const token = await compare(
    () => measure(server, ourLoad, SECONDS),
    () => measure(jwtEngine, engineLoad, SECONDS),
  )
  const after = await accessTokenTableSize(population.database)
  const bytesPerToken = bytesBetween(before, after)
  say('introspection …')
  const ourQuestions = await introspectionLoad(server, population.clients, population.api)
  const engineQuestions = await introspectionLoad(opaqueEngine, engineClients(100), engineClients(1)[0]!)
  const introspection = await compare(
    () => measure(server, ourQuestions, SECONDS),
    () => measure(opaqueEngine, engineQuestions, SECONDS),
  )
  say('JWKS …')
  const jwks = await compare(
    () => measure(server, jwksLoad, SECONDS),
    () => measure(jwtEngine, jwksLoad, SECONDS),
  )
  await Promise.all([jwtEngine.stop(), opaqueEngine.stop()])
  return { token, introspection, jwks, bytesPerToken }
}

/** What a token's place in a status list costs. */
export async function compareStatus(postgres: BenchPostgres, listed: Population, server: Measured) {
  say('with and without status …')
  const unlisted = await populate(await postgres.createDatabase('unlisted'), 100, 'none')
  const without = await startKeywright(unlisted, ['./without-status.ts'])
  const before = await accessTokenTableSize(unlisted.database)
  const { ratio } = await compare(
    () => measure(server, tokenLoad(listed.clients), SECONDS),
    () => measure(without, tokenLoad(unlisted.clients), SECONDS),
  )
  const after = await accessTokenTableSize(unlisted.database)
  const lengths = await Promise.all([fetchToken(server, listed.clients[0]!), fetchToken(without, unlisted.clients[0]!)])
  await without.stop()
  await unlisted.database.close()
  return {
    ratio,
    bytesPerToken: bytesBetween(before, after),
    length: lengths[0].length,
    lengthWithout: lengths[1].length,
  }
}

/** More than a node on one core answers. */
const SIGNED_PER_SECOND = 5000

/** What a token costs in CPU when its client authenticates by a private key: the ratio to a token by a client secret. */
export async function compareKeys(population: Population, server: Measured): Promise<Comparison> {
  say('tokens with keys …')
  const clients = await registerKeyClients(population.database, population.clients.length)
  const samples = await compare(
    () => measure(server, keyTokenLoad(clients, BENCH_ISSUER, SIGNED_PER_SECOND * (WARM_UP + SECONDS)), SECONDS),
    () => measure(server, tokenLoad(population.clients), SECONDS),
  )
  return { ...samples, ratio: 1 / samples.ratio }
}

export async function compareNodes(population: Population, first: Measured) {
  say('two nodes …')
  const second = await startKeywright(population)
  const load = tokenLoad(population.clients)
  const ratios: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const alone = await measure(first, load, SECONDS)
    const together = await measure(first, load, SECONDS, [second])
    ratios.push(together.requestsPerSecond / alone.requestsPerSecond)
  }
  await second.stop()
  return median(ratios)
}

/** First with nearly every request a client's first at this node, then when each has been seen once. */
export async function compareManyClients(postgres: BenchPostgres, few: Population, server: Measured) {
  say('100,000 clients …')
  const many = await populate(await postgres.createDatabase('many'), 100_000, 'none')
  const crowded = await startKeywright(many)
  const fewLoad = () => measure(server, tokenLoad(few.clients), SECONDS)
  const manyLoad = () => measure(crowded, tokenLoad(many.clients), SECONDS)
  const cold = { few: await fewLoad(), many: await manyLoad() }
  let next = 0
  const oneByOne = { ...tokenLoad([]), body: () => tokenForm(many.clients[next++ % many.clients.length]!) }
  await sendAll(crowded, oneByOne, many.clients.length)
  const warm = await compare(manyLoad, fewLoad)
  say('lists of the console …')
  const lists = { few: await measureLists(few, server, SECONDS), many: await measureLists(many, crowded, SECONDS) }
  await crowded.stop()
  await many.database.close()
  const slower = Object.entries(lists.many).map(([path, time]) => time / lists.few[path]!)
  return {
    ...warm,
    coldRatio: cold.many.perCpuSecond / cold.few.perCpuSecond,
    listsRatio: Math.max(...slower),
    listTimes: Object.fromEntries(Object.entries(lists.many).map(([path, time]) => [`list_ms ${path}`, time])),
  }
}

export async function comparePolicies(postgres: BenchPostgres) {
  say('policy single …')
  const single = await populate(await postgres.createDatabase('single'), 100, 'single')
  const server = await startKeywright(single)
  const samples: Sample[] = []
  for (let round = 0; round < ROUNDS; round++) samples.push(await measure(server, tokenLoad(single.clients), SECONDS))
  await server.stop()
  await single.database.close()
  return middle(samples)
}
