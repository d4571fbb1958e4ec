import { availableParallelism, cpus } from 'node:os'
import type { Sample } from './load.ts'

export interface Report {
  readonly machine: Record<string, string | number>
  readonly ratios: Record<string, number>
  readonly figures: Record<string, number | Sample>
}

export const machine = (postgres: string) => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  node: process.version,
  postgres,
})

/** The least that DESIGN.md asks for. */
const TARGETS: Record<string, number> = {
  token_vs_engine: 1.3,
  introspection_vs_engine: 1,
  jwks_vs_engine: 1,
  clients_100000_vs_100: 0.9,
}

/** The greatest values of ratios where less is better. */
const LIMITS: Record<string, number> = {
  token_key_vs_secret_cpu: 1.6,
  verification_vs_jose: 1.1,
  help_vs_node: 5,
  command_vs_node: 10,
  ready_vs_node: 15,
}

const MEBIBYTE = 2 ** 20

function sampleRow([name, sample]: [string, Sample]): string {
  const cells = [
    name.padEnd(24),
    sample.requestsPerSecond.toFixed(0).padStart(8),
    sample.p50.toFixed(1).padStart(8),
    sample.p99.toFixed(1).padStart(8),
    sample.cpuPerRequest.toFixed(3).padStart(10),
    (sample.memory / MEBIBYTE).toFixed(0).padStart(8),
  ]
  return cells.join(' ')
}

function ratioRow([name, ratio]: [string, number]): string {
  const [target, limit] = [TARGETS[name], LIMITS[name]]
  const bound = target ?? limit
  const isHeld = target !== undefined ? ratio >= target : ratio <= (limit ?? ratio)
  const verdict = bound === undefined ? '' : `  target ${bound}: ${isHeld ? 'held' : 'missed'}`
  return `${name.padEnd(26)} ${ratio.toFixed(2)}${verdict}`
}

export function printReport(report: Report): string {
  const samples = Object.entries(report.figures).filter(
    (entry): entry is [string, Sample] => typeof entry[1] === 'object',
  )
  return [
    `${report.machine.cpu}, ${report.machine.cores} cores, Node ${report.machine.node}, PostgreSQL ${report.machine.postgres}`,
    '',
    'Ratios (ours over the engine in memory, per CPU second of the Node process; nodes: tokens/s)',
    ...Object.entries(report.ratios).map(ratioRow),
    '',
    `${'figures'.padEnd(24)} ${'per s'.padStart(8)} ${'p50 ms'.padStart(8)} ${'p99 ms'.padStart(8)} ${'CPU ms/req'.padStart(10)} ${'RSS MiB'.padStart(8)}`,
    ...samples.map(sampleRow),
    '',
    ...Object.entries(report.figures)
      .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
      .map(([name, figure]) => `${name.padEnd(52)} ${figure.toFixed(figure < 100 ? 1 : 0)}`),
    '',
  ].join('\n')
}
