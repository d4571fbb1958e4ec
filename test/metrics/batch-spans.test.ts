/** To which request of a batch its statement belongs. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { afterEach, expect, test } from 'vitest'
import { createBatches } from '../../src/database/batches.ts'
import { createTracing } from '../../src/metrics/span-tracing.ts'
import { tracing, useTracing } from '../../src/shared/tracing.ts'

afterEach(() => useTracing(undefined))

/** Batches that are carried out one at a time, each as soon as its statement is released. */
function openBatches(isContended: boolean) {
  const releases: (() => void)[] = []
  const run = (names: string[]) =>
    tracing()!.statement(`SELECT ${names.join()}`, async () => {
      await new Promise<void>((resolve) => void releases.push(resolve))
      return names
    })
  const contended = { keyOf: () => 'one key', run, maxInFlight: 1 }
  const options = isContended ? { run: async (names: string[]) => names.map(() => undefined), contended } : { run }
  const batches = createBatches<string, string>({ ...options, maxInFlight: 1, maxSize: 10 })
  async function sent(): Promise<void> {
    while (releases.length === 0) await nextTurn()
  }
  async function release(): Promise<void> {
    await sent()
    releases.shift()!()
  }
  return { batches, sent, release }
}

const requestOf = (name: string, work: () => Promise<unknown>): Promise<void> => {
  const outcome = () => ({ status: 200, requestId: name, error: undefined })
  const request = { method: 'GET', route: name, path: name, traceparent: undefined, tracestate: undefined, outcome }
  return tracing()!.request(request, async () => void (await work()))
}

test.each([
  ['uncontended', false],
  ['contended', true],
])('a statement that waited for another one belongs to its own request: %s', async (_, isContended) => {
  const exporter = new InMemorySpanExporter()
  useTracing(createTracing(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })))
  const { batches, sent, release } = openBatches(isContended)
  const first = requestOf('first', () => batches('first'))
  await sent()
  const second = requestOf('second', () => batches('second'))
  await release()
  await first
  await release()
  await second
  const spans = exporter.getFinishedSpans()
  const idOf = (name: string) => spans.find((span) => span.name === `GET ${name}`)!.spanContext().spanId
  const statements = spans.filter(({ name }) => name === 'SELECT')
  expect(statements.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([idOf('first'), idOf('second')])
})
