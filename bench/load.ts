import autocannon from 'autocannon'
import type { Measured } from './processes.ts'

/** What was seen of one process under load. */
export interface Sample {
  readonly requestsPerSecond: number
  /** Milliseconds. */
  readonly p50: number
  /** Milliseconds. */
  readonly p99: number
  /** Requests for each second of CPU time of the Node process. */
  readonly perCpuSecond: number
  /** Milliseconds of CPU time of the Node process for each request. */
  readonly cpuPerRequest: number
  /** Bytes. */
  readonly memory: number
  readonly requests: number
}

export interface Load {
  readonly path: string
  readonly method: 'GET' | 'POST'
  /** The form of each request; called once for each. */
  readonly body?: () => string
}

const CONNECTIONS = 32

/** Keeps 32 connections busy for so many seconds, after a second that is not counted. */
export async function measure(target: Measured, load: Load, seconds: number, others: Measured[] = []): Promise<Sample> {
  const all = [target, ...others]
  await run(all, load, 1)
  const before = await Promise.all(all.map((one) => one.usage()))
  const results = await run(all, load, seconds)
  const after = await Promise.all(all.map((one) => one.usage()))
  const requests = sum(results.map((result) => result['2xx']))
  const failed = sum(results.map((result) => result.non2xx + result.errors))
  if (failed > 0) throw new Error(`${failed} requests to ${load.path} failed`)
  const cpu = sum(after.map((usage, n) => usage.cpu - before[n]!.cpu))
  return {
    requestsPerSecond: sum(results.map((result) => result['2xx'] / result.duration)),
    p50: results[0]!.latency.p50,
    p99: results[0]!.latency.p99,
    perCpuSecond: (requests * 1000) / cpu,
    cpuPerRequest: cpu / requests,
    memory: after[0]!.memory,
    requests,
  }
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)

function run(targets: Measured[], load: Load, seconds: number): Promise<autocannon.Result[]> {
  const one = (target: Measured) =>
    autocannon({
      url: target.url,
      connections: CONNECTIONS / targets.length,
      duration: seconds,
      requests: [
        {
          method: load.method,
          path: load.path,
          headers: load.body ? { 'content-type': 'application/x-www-form-urlencoded' } : {},
          ...(load.body && { setupRequest: (request: autocannon.Request) => ({ ...request, body: load.body!() }) }),
        },
      ],
    })
  return Promise.all(targets.map(one))
}
