import { setTimeout as sleep } from 'node:timers/promises'
import { DiagLogLevel, diag } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources'
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Registry } from 'prom-client'
import type { TelemetryConfig } from '../config/telemetry-config.ts'
import type { Log } from '../shared/log.ts'
import { useTracing } from '../shared/tracing.ts'
import { createPrometheusProducer } from './prometheus-producer.ts'
import { createTracing } from './span-tracing.ts'

export interface Telemetry {
  /** Sends what is left. Waits for the collector a few seconds at most. */
  stop(): Promise<void>
}

/** `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` go before the names given here. */
const resourceOf = (): Resource =>
  resourceFromAttributes({ 'service.name': 'keywright' }).merge(
    detectResources({ detectors: [serviceInstanceIdDetector, envDetector] }),
  )

function startTraces(url: string, { sampled, callersDecide }: TelemetryConfig, resource: Resource): Telemetry {
  const own = new TraceIdRatioBasedSampler(sampled)
  const provider = new TracerProvider({
    resource,
    sampler: callersDecide ? new ParentBasedSampler({ root: own }) : own,
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })],
  })
  useTracing(createTracing(provider))
  return {
    async stop() {
      useTracing(undefined)
      await provider.shutdown()
    },
  }
}

function startMetrics(url: string, interval: number, registry: Registry, resource: Resource): Telemetry {
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url }),
    exportIntervalMillis: interval,
    exportTimeoutMillis: Math.min(interval, 10_000),
    metricProducers: [createPrometheusProducer(registry, Date.now)],
  })
  const provider = new MeterProvider({ resource, readers: [reader] })
  return { stop: () => provider.shutdown() }
}

/** Milliseconds that a server which stops waits for the collector. */
const LONGEST_STOP = 5000

function logProblems(log: Log): void {
  const warn = (message: string) => log.warn({ detail: message.slice(0, 500) }, 'telemetry was not exported')
  const ignore = () => {}
  diag.setLogger({ error: warn, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN)
}

/** Exports spans and metrics over OTLP/HTTP. A collector that is down loses some of them, and delays no request. */
export function startTelemetry(config: TelemetryConfig, registry: Registry, log: Log): Telemetry {
  const { tracesUrl, metricsUrl, metricsInterval } = config
  const resource = resourceOf()
  logProblems(log)
  const parts = [
    ...(tracesUrl ? [startTraces(tracesUrl, config, resource)] : []),
    ...(metricsUrl ? [startMetrics(metricsUrl, metricsInterval, registry, resource)] : []),
  ]
  return {
    async stop() {
      const stopped = Promise.allSettled(parts.map((part) => part.stop()))
      await Promise.race([stopped, sleep(LONGEST_STOP, undefined, { ref: false })])
      diag.disable()
    },
  }
}
