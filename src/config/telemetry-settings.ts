import { oneOf, SettingError, setting, wholeNumber } from './setting.ts'
import { SAMPLERS } from './telemetry-config.ts'

/** A collector is often inside the network, without TLS. */
function collectorUrl(value: string): string {
  const url = URL.parse(value)
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username || url.password)
    throw new SettingError('must be an http or https URL without a user name, such as http://localhost:4318')
  return url.href.replace(/\/$/, '')
}

function ratio(value: string): number {
  if (!/^(0(\.\d+)?|1(\.0+)?)$/.test(value)) throw new SettingError('must be from 0 to 1')
  return Number(value)
}

/** The standard variables of OpenTelemetry that Keywright reads; its exporters read more (docs/operating/telemetry.md). */
export const TELEMETRY_SETTINGS = {
  OTEL_EXPORTER_OTLP_ENDPOINT: setting({
    parse: collectorUrl,
    doc: 'The OpenTelemetry collector that receives traces and metrics over OTLP/HTTP ([how to use it](operating/telemetry.md)), such as `http://localhost:4318`. Unset: nothing is exported, and nothing of the SDK of OpenTelemetry is loaded.',
  }),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: setting({
    parse: collectorUrl,
    doc: 'Where traces are sent instead, as a whole URL. Alone, without `OTEL_EXPORTER_OTLP_ENDPOINT`, only traces are exported.',
  }),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: setting({
    parse: collectorUrl,
    doc: 'Where metrics are sent instead, as a whole URL. Alone, only metrics are exported.',
  }),
  OTEL_TRACES_SAMPLER: setting({
    parse: oneOf(...SAMPLERS),
    default: 'parentbased_always_on',
    doc: 'Which traces are recorded: `always_on`, `always_off` or `traceidratio`. With `parentbased_` before it, a caller that sends `traceparent` decides about its own.',
  }),
  OTEL_TRACES_SAMPLER_ARG: setting({
    parse: ratio,
    default: '1',
    doc: 'The part of the traces that `traceidratio` and `parentbased_traceidratio` record, from 0 to 1.',
  }),
  OTEL_METRIC_EXPORT_INTERVAL: setting({
    parse: wholeNumber(1000, 3_600_000),
    default: '60000',
    unit: 'ms',
    doc: 'Time between two exports of metrics.',
  }),
  OTEL_SDK_DISABLED: setting({
    parse: (value: string) => oneOf('true', 'false')(value) === 'true',
    default: 'false',
    doc: 'Whether nothing is exported although an endpoint is set.',
  }),
}
