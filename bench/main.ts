/**
 * Measures Keywright with a durable PostgreSQL against plain oidc-provider in memory, in one run on one machine, and
 * prints ratios. Usage: npm run bench -- [--json] [--seconds N] [--rounds N]. `--quick` prints the ratios of tokens,
 * introspection, JWKS, keys, memory and start-up within two minutes. `--cold-start TOKENS` measures the time until a resource
 * server knows the status lists of so many active tokens.
 */
import { measureVerification } from '../packages/resource-server/bench.ts'
import { measureColdStart } from './cold-start.ts'
import {
  type Comparison,
  compareKeys,
  compareManyClients,
  compareNodes,
  comparePolicies,
  compareStatus,
  compareWithEngine,
  startKeywright,
} from './comparisons.ts'
import { type Population, populate } from './keywright.ts'
import { ROUNDS, SECONDS, say, values } from './options.ts'
import { type BenchPostgres, openBenchPostgres } from './postgres.ts'
import type { Measured } from './processes.ts'
import { machine, printReport, type Report } from './report.ts'
import { measureRevocations } from './revocations.ts'
import { measureStartUp } from './start-up.ts'

const MEBIBYTE = 2 ** 20

interface Basics {
  readonly ratios: Record<string, number>
  readonly figures: Report['figures']
}

/** Tokens, introspection, JWKS, memory and start-up: what `--quick` measures, and the full run too. */
async function measureBasics(population: Population, server: Measured): Promise<Basics & { tokens: Comparison }> {
  const atRest = (await server.usage()).memory
  const startUp = await measureStartUp(population)
  const { token, introspection, jwks, bytesPerToken } = await compareWithEngine(population, server)
  const keys = await compareKeys(population, server)
  return {
    tokens: token,
    ratios: {
      token_vs_engine: token.ratio,
      introspection_vs_engine: introspection.ratio,
      jwks_vs_engine: jwks.ratio,
      token_key_vs_secret_cpu: keys.ratio,
      memory_vs_engine: token.ours.memory / token.theirs.memory,
      ...startUp.ratios,
    },
    figures: {
      rounds: ROUNDS,
      seconds: SECONDS,
      memory_at_rest_mib: atRest / MEBIBYTE,
      ...startUp.figures,
      database_bytes_per_token: bytesPerToken,
      token: token.ours,
      token_with_key: keys.ours,
      introspection: introspection.ours,
      jwks: jwks.ours,
      engine_token: token.theirs,
      engine_introspection: introspection.theirs,
      engine_jwks: jwks.theirs,
    },
  }
}

/** What only the full run measures, beside the basics. */
async function measureRest(
  postgres: BenchPostgres,
  population: Population,
  server: Measured,
  tokens: Comparison,
): Promise<Basics> {
  const status = await compareStatus(postgres, population, server)
  const nodes = await compareNodes(population, server)
  const many = await compareManyClients(postgres, population, server)
  const single = await comparePolicies(postgres)
  say('verification …')
  const verification = await measureVerification('ES256', SECONDS * 1000, ROUNDS)
  const revocations = await measureRevocations(postgres, startKeywright, say)
  return {
    ratios: {
      nodes_2_vs_1: nodes,
      clients_100000_vs_100: many.ratio,
      clients_100000_cold_vs_100: many.coldRatio,
      slowest_list_100000_vs_100: many.listsRatio,
      token_vs_token_without_status: status.ratio,
      token_single_vs_engine: single.perCpuSecond / tokens.theirs.perCpuSecond,
      verification_vs_jose: verification.ratio,
    },
    figures: {
      memory_100000_clients_mib: many.ours.memory / MEBIBYTE,
      database_bytes_per_token_without_status: status.bytesPerToken,
      token_length: status.length,
      token_length_without_status: status.lengthWithout,
      token_single: single,
      token_100000_clients: many.ours,
      ...many.listTimes,
      ...revocations,
    },
  }
}

async function run(postgres: BenchPostgres): Promise<Report> {
  const population = await populate(await postgres.createDatabase('few'), 100, 'none')
  const server = await startKeywright(population)
  try {
    const { tokens, ratios, figures } = await measureBasics(population, server)
    const rest = values.quick ? undefined : await measureRest(postgres, population, server, tokens)
    return {
      machine: machine(postgres.version),
      ratios: { ...ratios, ...rest?.ratios },
      figures: { ...figures, ...rest?.figures },
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
  const report = await (tokens > 0 ? coldStart() : run(postgres))
  process.stdout.write(values.json ? `${JSON.stringify(report)}\n` : printReport(report))
} finally {
  await postgres.stop()
}
