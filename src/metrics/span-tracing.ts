import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import type { TracerProvider } from '@opentelemetry/sdk-trace'
import type { TracedDelivery, TracedRequest, Tracing } from '../shared/tracing.ts'

const PROPAGATOR = new W3CTraceContextPropagator()

const parentIn = (carrier: Record<string, string | undefined>): Context =>
  PROPAGATOR.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter)

function headersOf(context: Context): Record<string, string> {
  const headers: Record<string, string> = {}
  PROPAGATOR.inject(context, headers, defaultTextMapSetter)
  return headers
}

/** Characters of a statement. */
const LONGEST_STATEMENT = 2000

/** Values are bound and not in the text; what a text still contains as a literal is left out. */
const withoutLiterals = (text: string): string =>
  text
    .slice(0, LONGEST_STATEMENT)
    .replace(/'[^']*'?/g, '?')
    .replace(/(?<![\w$.])\d+(\.\d+)?/g, '?')
    .replace(/\s+/g, ' ')
    .trim()

function endRequest(span: Span, { outcome }: TracedRequest): void {
  const { status, requestId, error } = outcome()
  span.setAttributes({ 'http.response.status_code': status, 'keywright.request_id': requestId })
  if (error !== undefined) span.setAttribute('error.type', error)
  // As the semantic conventions ask: a request that was refused is no error of the server.
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
}

/** Spans as the semantic conventions of OpenTelemetry name them (HTTP 1.23, database 1.30). */
export function createTracing(provider: TracerProvider): Tracing {
  const tracer = provider.getTracer('keywright')
  const contexts = new AsyncLocalStorage<Context>()

  async function within<Result>(
    span: Span,
    parent: Context,
    work: (context: Context) => Promise<Result>,
  ): Promise<Result> {
    const context = trace.setSpan(parent, span)
    try {
      return await contexts.run(context, () => work(context))
    } catch (error) {
      // The message may contain what the log alone may hold.
      span.setStatus({ code: SpanStatusCode.ERROR })
      span.setAttribute('error.type', (error as { code?: string }).code ?? (error as Error).name)
      throw error
    } finally {
      span.end()
    }
  }

  return {
    async request(request: TracedRequest, work) {
      const { method, route, path, traceparent, tracestate } = request
      const parent = parentIn({ traceparent, tracestate })
      const attributes = { 'http.request.method': method, 'http.route': route, 'url.path': path }
      const span = tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent)
      await within(span, parent, async () => {
        await work()
        endRequest(span, request)
      })
    },

    statement(text, work) {
      const parent = contexts.getStore()
      // What a stream or a job that a request began reads after the request has ended belongs to no span.
      if (!parent || !trace.getSpan(parent)?.isRecording()) return work()
      const operation = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? 'QUERY'
      const attributes = {
        'db.system.name': 'postgresql',
        'db.operation.name': operation,
        'db.query.text': withoutLiterals(text),
      }
      return within(tracer.startSpan(operation, { kind: SpanKind.CLIENT, attributes }, parent), parent, work)
    },

    async delivery({ webhookId, host, traceparent }: TracedDelivery, work) {
      const parent = parentIn({ traceparent: traceparent ?? undefined })
      const attributes = { 'http.request.method': 'POST', 'server.address': host, 'keywright.webhook_id': webhookId }
      const span = tracer.startSpan('POST webhook', { kind: SpanKind.CLIENT, attributes }, parent)
      return await within(span, parent, async (context) => {
        const result = await work(headersOf(context))
        if (result.status !== null) span.setAttribute('http.response.status_code', result.status)
        if (result.status === null || result.status >= 400) span.setStatus({ code: SpanStatusCode.ERROR })
        return result
      })
    },

    bind() {
      const context = contexts.getStore()
      return (work) => (context ? contexts.run(context, work) : contexts.exit(work))
    },

    traceparent() {
      const context = contexts.getStore()
      return context && headersOf(context).traceparent
    },
  }
}
