import autocannon from 'autocannon'
import type { Measured } from './processes.ts'

/** What was seen of one process under load. */
export interface Sample {
  readonly requestsPerSecond: number
  /** Milliseconds. */
  readonly p50: number
  /** Milliseconds. */
  readonly p99: number
  /** Milliseconds. */
  readonly mean: number
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
  readonly headers?: Readonly<Record<string, string>>
  /** How many ask at once; absent: 32. */
  readonly connections?: number
}

const CONNECTIONS = 32

/** Seconds that are not counted: the compiler of a fresh process needs a few thousand requests to know its way. */
export const WARM_UP = 3

/** Keeps 32 connections, or as many as the load says, busy for so many seconds. */
export async function measure(target: Measured, load: Load, seconds: number, others: Measured[] = []): Promise<Sample> {
  const all = [target, ...others]
  await run(all, load, { duration: WARM_UP })
  const before = await Promise.all(all.map((one) => one.usage()))
  const results = await run(all, load, { duration: seconds })
  const after = await Promise.all(all.map((one) => one.usage()))
  const requests = sum(results.map((result) => result['2xx']))
  refuseFailures(results, load)
  const cpu = sum(after.map((usage, n) => usage.cpu - before[n]!.cpu))
  return {
    requestsPerSecond: sum(results.map((result) => result['2xx'] / result.duration)),
    p50: results[0]!.latency.p50,
    p99: results[0]!.latency.p99,
    mean: results[0]!.latency.mean,
    perCpuSecond: (requests * 1000) / cpu,
    cpuPerRequest: cpu / requests,
    memory: after[0]!.memory,
    requests,
  }
}

/** Sends exactly so many requests, for what must have been asked once before it is measured. */
export async function sendAll(target: Measured, load: Load, amount: number): Promise<void> {
  refuseFailures(await run([target], load, { amount }), load)
}

function refuseFailures(results: autocannon.Result[], load: Load): void {
  const failed = sum(results.map((result) => result.non2xx + result.errors))
  if (failed > 0) throw new Error(`${failed} requests to ${load.path} failed`)
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)

function run(
  targets: Measured[],
  load: Load,
  extent: { duration: number } | { amount: number },
): Promise<autocannon.Result[]> {
  const setupRequest = load.body && ((request: autocannon.Request) => ({ ...request, body: load.body!() }))
  const form = load.body ? { 'content-type': 'application/x-www-form-urlencoded' } : {}
  const headers = { ...form, ...load.headers }
  const requests = [{ method: load.method, path: load.path, headers, ...(setupRequest && { setupRequest }) }]
  const connections = (load.connections ?? CONNECTIONS) / targets.length
  return Promise.all(targets.map((target) => autocannon({ url: target.url, connections, requests, ...extent })))
}
