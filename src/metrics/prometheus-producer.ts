import { type Attributes, type HrTime, ValueType } from '@opentelemetry/api'
import { millisToHrTime } from '@opentelemetry/core'
import { emptyResource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics'
import type { MetricObjectWithValues, MetricValue, Registry } from 'prom-client'

type Value = MetricValue<string> & { readonly metricName?: string }
type Metric = Omit<MetricObjectWithValues<MetricValue<string>>, 'values' | 'type'> & {
  readonly type: string | number
  readonly values: readonly Value[]
}

/** The buckets of Prometheus are cumulative, those of OpenTelemetry are not. */
function histogramsOf({ name, values }: Metric): { attributes: Attributes; value: Histogram }[] {
  const series = Map.groupBy(values, ({ labels: { le: _, ...rest } }) => JSON.stringify(rest))
  return [...series].map(([labels, all]) => {
    const buckets = all.filter(({ metricName }) => metricName === `${name}_bucket`)
    const total = (suffix: string) => all.find(({ metricName }) => metricName === `${name}_${suffix}`)?.value ?? 0
    const counts = buckets.map(({ value }, n) => value - (buckets[n - 1]?.value ?? 0))
    const boundaries = buckets.map(({ labels: { le } }) => Number(le)).filter(Number.isFinite)
    return {
      attributes: JSON.parse(labels),
      value: { buckets: { boundaries, counts }, sum: total('sum'), count: total('count') },
    }
  })
}

function toMetricData(metric: Metric, startTime: HrTime, endTime: HrTime): MetricData | undefined {
  const descriptor = { name: metric.name, description: metric.help, unit: '', valueType: ValueType.DOUBLE }
  const common = { descriptor, aggregationTemporality: AggregationTemporality.CUMULATIVE }
  const times = { startTime, endTime }
  const numbers = metric.values.map(({ labels, value }) => ({ ...times, attributes: { ...labels }, value }))
  if (metric.type === 'counter')
    return { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: numbers }
  if (metric.type === 'gauge') return { ...common, dataPointType: DataPointType.GAUGE, dataPoints: numbers }
  if (metric.type !== 'histogram') return undefined
  const dataPoints = histogramsOf(metric).map((one) => ({ ...times, ...one }))
  return { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints }
}

/** The metrics of `/metrics`, for OpenTelemetry: one declaration and one count serve both. */
export function createPrometheusProducer(registry: Registry, now: () => number): MetricProducer {
  const startTime = millisToHrTime(now())
  return {
    async collect(): Promise<CollectionResult> {
      const metrics = (await registry.getMetricsAsJSON()) as unknown as Metric[]
      const endTime = millisToHrTime(now())
      const data = metrics.flatMap((metric) => toMetricData(metric, startTime, endTime) ?? [])
      const scopeMetrics = [{ scope: { name: 'keywright' }, metrics: data }]
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] }
    },
  }
}
