/** What is exported to an OpenTelemetry collector. At least one of the URLs is present. */
export interface TelemetryConfig {
  readonly tracesUrl?: string
  readonly metricsUrl?: string
  /** The part of the traces begun here that is recorded, from 0 to 1. */
  readonly sampled: number
  /** Milliseconds. */
  readonly metricsInterval: number
}

interface TelemetryValues {
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined
  readonly OTEL_EXPORTER_OTLP_METRICS_ENDPOINT?: string | undefined
  readonly OTEL_TRACES_SAMPLER: 'parentbased_always_on' | 'parentbased_always_off' | 'parentbased_traceidratio'
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
  const ratios = {
    parentbased_always_on: 1,
    parentbased_always_off: 0,
    parentbased_traceidratio: values.OTEL_TRACES_SAMPLER_ARG,
  }
  return {
    ...(tracesUrl && { tracesUrl }),
    ...(metricsUrl && { metricsUrl }),
    sampled: ratios[values.OTEL_TRACES_SAMPLER],
    metricsInterval: values.OTEL_METRIC_EXPORT_INTERVAL,
  }
}
