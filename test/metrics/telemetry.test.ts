import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createWebhook } from '../../src/management/webhook-operations.ts'
import { createPrometheusProducer } from '../../src/metrics/prometheus-producer.ts'
import { createTracing } from '../../src/metrics/span-tracing.ts'
import { tracing, useTracing } from '../../src/shared/tracing.ts'
import { operator } from '../management/principals.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { createTestUser, type Person } from '../support/test-users.ts'
import { enter } from '../web/console/console-visits.ts'
import { type Receiver, startReceiver } from '../webhooks/receiver.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = `00-${TRACE}-00f067aa0ba902b7-01`

let server: Keywright
let receiver: Receiver
let user: Person

beforeAll(async () => {
  receiver = await startReceiver()
  server = await startKeywright({ env: { OUTGOING_ALLOW: '127.0.0.1' } })
  user = await createTestUser(server.knex, await server.make.account(), 'admin')
})

afterEach(() => {
  useTracing(undefined)
  vi.restoreAllMocks()
})

afterAll(async () => {
  await server?.stop()
  receiver.stop()
})

function recordSpans(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter()
  useTracing(createTracing(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })))
  return exporter
}

/** Every request of this process to the server belongs to the caller's trace. */
function sendTraceparent(): void {
  const send = globalThis.fetch
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init = {}) => {
    const headers = new Headers(init.headers)
    headers.set('traceparent', CALLER)
    return send(input, { ...init, headers })
  })
}

/** A sign-in whose event a webhook delivers, and a token. Returns what must not be in a span. */
async function signInAndGetToken(): Promise<string[]> {
  const management = { knex: server.knex, encryptionKeys: server.instance.encryptionKeys }
  const url = `${receiver.url}?key=secret-of-the-receiver`
  await createWebhook(management, operator, { name: 'All', url, actions: ['user.signed_in'] })
  await enter(server, user)
  const api = await server.make.api()
  const client = await server.make.client({}, [api.identifier])
  const { body } = await server.machineToken(client, { resource: api.identifier })
  await until(() => receiver.received.length > 0)
  return [user.password, client.clientSecret, body.access_token, 'secret-of-the-receiver', user.email]
}

const named = (spans: readonly ReadableSpan[], name: string) => spans.filter((span) => span.name === name)

test('one trace contains a sign-in, a token, their statements and the delivery of a webhook, and no secret', async () => {
  const exporter = recordSpans()
  sendTraceparent()
  const secrets = await signInAndGetToken()
  await until(() => named(exporter.getFinishedSpans(), 'POST webhook').length > 0)
  const spans = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === TRACE)
  const [token] = named(spans, 'POST /oauth2/token')
  expect(token!.attributes).toMatchObject({ 'http.response.status_code': 200, 'url.path': '/oauth2/token' })
  const statements = spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === token!.spanContext().spanId)
  expect(statements.map(({ attributes }) => attributes['db.system.name'])).toContain('postgresql')
  const [delivery] = named(spans, 'POST webhook')
  const cause = spans.find((span) => span.spanContext().spanId === delivery!.parentSpanContext?.spanId)
  expect(cause?.attributes).toMatchObject({ 'http.request.method': 'POST' })
  expect(receiver.received[0]!.headers.traceparent).toBe(`00-${TRACE}-${delivery!.spanContext().spanId}-01`)
  const text = JSON.stringify(
    exporter.getFinishedSpans().map(({ name, attributes, events }) => [name, attributes, events]),
  )
  for (const secret of secrets) expect(text.includes(secret), secret).toBe(false)
  expect(text).not.toContain('?key=')
})

test('what happens outside a request has no span', async () => {
  const exporter = recordSpans()
  await server.knex.raw('SELECT 1')
  expect(exporter.getFinishedSpans()).toEqual([])
})

test('a literal in a statement is left out', async () => {
  const exporter = recordSpans()
  const request = { method: 'GET', route: '/x', path: '/x', traceparent: undefined, tracestate: undefined }
  const outcome = () => ({ status: 200, requestId: 'r', error: undefined })
  await tracing()!.request({ ...request, outcome }, async () => {
    await server.knex.raw(`SELECT 'a secret', 4711 WHERE ? = ?`, ['bound', 'bound'])
  })
  const [statement] = named(exporter.getFinishedSpans(), 'SELECT')
  expect(statement!.attributes['db.query.text']).toBe('SELECT ?, ? WHERE $1 = $2')
})

test('the metrics of Prometheus become those of OpenTelemetry', async () => {
  const registers = [new Registry()]
  new Counter({ name: 'requests_total', help: 'Requests', labelNames: ['status'], registers }).inc({ status: '200' }, 3)
  new Gauge({ name: 'connections', help: 'Connections', registers }).set(7)
  const latency = new Histogram({ name: 'seconds', help: 'Time', labelNames: ['path'], buckets: [1, 5], registers })
  for (const seconds of [0.5, 2, 3, 9]) latency.observe({ path: '/' }, seconds)
  const { resourceMetrics } = await createPrometheusProducer(registers[0]!, () => 1000).collect()
  const metrics = resourceMetrics.scopeMetrics[0]!.metrics
  expect(metrics.map(({ descriptor: { name }, dataPoints }) => [name, dataPoints[0]])).toMatchObject([
    ['requests_total', { attributes: { status: '200' }, value: 3 }],
    ['connections', { value: 7 }],
    [
      'seconds',
      {
        attributes: { path: '/' },
        value: { buckets: { boundaries: [1, 5], counts: [1, 2, 1] }, sum: 14.5, count: 4 },
      },
    ],
  ])
})

/** What a server sends to a collector, by path, while it serves one token request. */
async function exportsOf(env: Record<string, string> = {}) {
  const bodies = new Map<string, string>()
  const collector = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request)).toString()
    bodies.set(request.url!, (bodies.get(request.url!) ?? '') + body)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(collector, 'listening')
  const { port } = collector.address() as AddressInfo
  const exporting = await startKeywright({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, ...env } })
  const api = await exporting.make.api()
  const client = await exporting.make.client({}, [api.identifier])
  await exporting.machineToken(client, { resource: api.identifier })
  await exporting.stop()
  collector.close()
  return { traces: bodies.get('/v1/traces'), metrics: bodies.get('/v1/metrics'), client }
}

test('a server exports its spans and metrics to the collector, and what is left when it stops', async () => {
  const { traces, metrics, client } = await exportsOf()
  expect(tracing()).toBeUndefined()
  expect(traces).toContain('POST /oauth2/token')
  expect(metrics).toContain('keywright_tokens_issued_total')
  expect([traces, metrics].join().includes(client.clientSecret)).toBe(false)
})

test.each([
  ['always_off', false],
  ['parentbased_always_off', true],
  ['traceidratio', true],
])('whether a caller decides that its trace is recorded: with %s, %j', async (sampler, isRecorded) => {
  sendTraceparent()
  const { traces = '' } = await exportsOf({ OTEL_TRACES_SAMPLER: sampler })
  expect(traces.includes('POST /oauth2/token')).toBe(isRecorded)
})

test('a server whose collector is down serves requests, and stops', async () => {
  const exporting = await startKeywright({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' } })
  const api = await exporting.make.api()
  const client = await exporting.make.client({}, [api.identifier])
  expect((await exporting.machineToken(client, { resource: api.identifier })).status).toBe(200)
  await exporting.stop()
})
