/** What is exported to an OpenTelemetry collector. At least one of the URLs is present. */
export interface TelemetryConfig {
  readonly tracesUrl?: string
  readonly metricsUrl?: string
  /** The part of the traces that is recorded, from 0 to 1. */
  readonly sampled: number
  /** Whether a caller that sends `traceparent` decides about its own trace instead. */
  readonly callersDecide: boolean
  /** Milliseconds. */
  readonly metricsInterval: number
}

const IGNORING_CALLERS = ['always_on', 'always_off', 'traceidratio'] as const

/** Environment Variable Specification of OpenTelemetry, *General SDK Configuration*. */
export const SAMPLERS = [
  ...IGNORING_CALLERS,
  ...IGNORING_CALLERS.map((name) => `parentbased_${name}` as const),
] as const

interface TelemetryValues {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined
  readonly OTEL_EXPORTER_OTLP_METRICS_ENDPOINT?: string | undefined
  readonly OTEL_TRACES_SAMPLER: (typeof SAMPLERS)[number]
  readonly OTEL_TRACES_SAMPLER_ARG: number
  readonly OTEL_METRIC_EXPORT_INTERVAL: number
  readonly OTEL_SDK_DISABLED: boolean
}

/** Undefined: nothing is exported. */
export function telemetryConfigOf(values: TelemetryValues): TelemetryConfig | undefined {
  const base = values.OTEL_EXPORTER_OTLP_ENDPOINT
  const tracesUrl = values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base}/v1/traces`)
  const metricsUrl = values.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT ?? (base && `${base}/v1/metrics`)
  if (values.OTEL_SDK_DISABLED || !(tracesUrl || metricsUrl)) return undefined
  const [sampler, callersDecide] = [
    values.OTEL_TRACES_SAMPLER.replace('parentbased_', '') as (typeof IGNORING_CALLERS)[number],
    values.OTEL_TRACES_SAMPLER.startsWith('parentbased_'),
  ]
  const ratios = { always_on: 1, always_off: 0, traceidratio: values.OTEL_TRACES_SAMPLER_ARG }
  return {
    ...(tracesUrl && { tracesUrl }),
    ...(metricsUrl && { metricsUrl }),
    sampled: ratios[sampler],
    callersDecide,
    metricsInterval: values.OTEL_METRIC_EXPORT_INTERVAL,
  }
}
