/**
 * Measures Keywright with a durable PostgreSQL against plain oidc-provider in memory, in one run on one machine, and
 * prints ratios. Usage: npm run bench -- [--json] [--seconds N] [--rounds N]. `--quick` prints the ratios of tokens,
 * introspection, JWKS, memory and start-up within two minutes. `--cold-start TOKENS` measures the time until a resource
 * server knows the status lists of so many active tokens.
 */
import { parseArgs } from 'node:util'
import { measureVerification } from '../packages/resource-server/bench.ts'
import { measureColdStart } from './cold-start.ts'
import { measureLists } from './console.ts'
import { accessTokenTableSize, type Population, populate } from './keywright.ts'
import { measure, type Sample, sendAll } from './load.ts'
import { engineClients, fetchToken, introspectionLoad, jwksLoad, tokenForm, tokenLoad } from './loads.ts'
import { type BenchPostgres, freePort, openBenchPostgres } from './postgres.ts'
import { type Measured, startMeasured } from './processes.ts'
import { machine, printReport, type Report } from './report.ts'
import { BENCH_ISSUER, BENCH_TTL, measureRevocations } from './revocations.ts'
import { measureStartUp } from './start-up.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    'cold-start': { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
})
const SECONDS = values.quick ? 2 : Number(values.seconds)
const ROUNDS = values.quick ? 2 : Number(values.rounds)

const say = (message: string) => process.stderr.write(`${message}\n`)

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
async function startKeywright(population: Population, loaded: readonly string[] = []): Promise<Measured> {
  const environment = {
    ...population.environment,
    ISSUER: BENCH_ISSUER,
    STATUS_LIST_TTL: String(BENCH_TTL),
    LOG_LEVEL: 'info',
  }
  return await startMeasured('../src/main.ts', ['serve'], await freePort(), environment, loaded)
}

/** The same load on both in round, so that a noisy minute falls on both. */
async function compare(ours: () => Promise<Sample>, theirs: () => Promise<Sample>) {
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

async function compareWithEngine(population: Population, server: Measured) {
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
async function compareStatus(postgres: BenchPostgres, listed: Population, server: Measured) {
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

async function compareNodes(population: Population, first: Measured) {
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
async function compareManyClients(postgres: BenchPostgres, few: Population, server: Measured) {
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

async function comparePolicies(postgres: BenchPostgres) {
  say('policy single …')
  const single = await populate(await postgres.createDatabase('single'), 100, 'single')
  const server = await startKeywright(single)
  const samples: Sample[] = []
  for (let round = 0; round < ROUNDS; round++) samples.push(await measure(server, tokenLoad(single.clients), SECONDS))
  await server.stop()
  await single.database.close()
  return middle(samples)
}

const MEBIBYTE = 2 ** 20

async function runQuick(postgres: BenchPostgres): Promise<Report> {
  const population = await populate(await postgres.createDatabase('few'), 100, 'none')
  const startUp = await measureStartUp(population)
  const server = await startKeywright(population)
  try {
    const atRest = (await server.usage()).memory
    const { token, introspection, jwks } = await compareWithEngine(population, server)
    return {
      machine: machine(postgres.version),
      ratios: {
        token_vs_engine: token.ratio,
        introspection_vs_engine: introspection.ratio,
        jwks_vs_engine: jwks.ratio,
        memory_vs_engine: token.ours.memory / token.theirs.memory,
        ...startUp.ratios,
      },
      figures: {
        rounds: ROUNDS,
        seconds: SECONDS,
        memory_at_rest_mib: atRest / MEBIBYTE,
        ...startUp.figures,
        token: token.ours,
        introspection: introspection.ours,
        jwks: jwks.ours,
        engine_token: token.theirs,
        engine_introspection: introspection.theirs,
        engine_jwks: jwks.theirs,
      },
    }
  } finally {
    await server.stop()
    await population.database.close()
  }
}

async function run(postgres: BenchPostgres): Promise<Report> {
  const population = await populate(await postgres.createDatabase('few'), 100, 'none')
  const startUp = await measureStartUp(population)
  const server = await startKeywright(population)
  const atRest = (await server.usage()).memory
  try {
    const { token, introspection, jwks, bytesPerToken } = await compareWithEngine(population, server)
    const status = await compareStatus(postgres, population, server)
    const nodes = await compareNodes(population, server)
    const many = await compareManyClients(postgres, population, server)
    const single = await comparePolicies(postgres)
    say('verification …')
    const verification = await measureVerification('ES256', SECONDS * 1000, ROUNDS)
    const revocations = await measureRevocations(postgres, startKeywright, say)
    return {
      machine: machine(postgres.version),
      ratios: {
        token_vs_engine: token.ratio,
        introspection_vs_engine: introspection.ratio,
        jwks_vs_engine: jwks.ratio,
        nodes_2_vs_1: nodes,
        clients_100000_vs_100: many.ratio,
        clients_100000_cold_vs_100: many.coldRatio,
        slowest_list_100000_vs_100: many.listsRatio,
        token_vs_token_without_status: status.ratio,
        token_single_vs_engine: single.perCpuSecond / token.theirs.perCpuSecond,
        verification_vs_jose: verification.ratio,
        memory_vs_engine: token.ours.memory / token.theirs.memory,
        ...startUp.ratios,
      },
      figures: {
        rounds: ROUNDS,
        seconds: SECONDS,
        memory_at_rest_mib: atRest / MEBIBYTE,
        memory_100000_clients_mib: many.ours.memory / MEBIBYTE,
        ...startUp.figures,
        database_bytes_per_token: bytesPerToken,
        database_bytes_per_token_without_status: status.bytesPerToken,
        token_length: status.length,
        token_length_without_status: status.lengthWithout,
        token: token.ours,
        token_single: single,
        token_100000_clients: many.ours,
        ...many.listTimes,
        introspection: introspection.ours,
        jwks: jwks.ours,
        engine_token: token.theirs,
        engine_introspection: introspection.theirs,
        engine_jwks: jwks.theirs,
        ...revocations,
      },
    }
  } finally {
    await server.stop()
    await population.database.close()
  }
}

const postgres = await openBenchPostgres()
try {
  const tokens = Number(values['cold-start'] ?? 0)
  const coldStart = async (): Promise<Report> => ({
    machine: machine(postgres.version),
    ratios: {},
    figures: await measureColdStart(postgres, startKeywright, tokens, say),
  })
  const measureAll = values.quick ? runQuick : run
  const report = await (tokens > 0 ? coldStart() : measureAll(postgres))
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : printReport(report))
} finally {
  await postgres.stop()
}
