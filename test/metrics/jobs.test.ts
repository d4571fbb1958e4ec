import { afterAll, beforeAll, expect, test } from 'vitest'
import { createJobs, delayAfter } from '../../src/jobs/jobs.ts'
import { type Keywright, startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { metricOf } from '../support/requests.ts'

let server: Keywright

beforeAll(async () => {
  server = await startKeywright()
})

afterAll(() => server.stop())

test('a job that succeeds is counted with its time, and a job that fails with its failures', async () => {
  const outcomes: string[] = []
  const warnings: unknown[] = []
  const log = { warn: (line: object) => warnings.push(line) } as never
  const watch = {
    succeeded: (job: string) => outcomes.push(`${job} ok`),
    failed: (job: string) => outcomes.push(`${job} failed`),
  }
  const failing = { name: 'fails', every: 5, alone: false, run: () => Promise.reject(new Error('no room')) }
  const alone = { name: 'runs alone', every: 5, alone: true, run: async () => {} }
  const jobs = createJobs(server.knex, log, watch, [failing, alone])
  jobs.start()
  await until(() => ['fails failed', 'runs alone ok'].every((one) => outcomes.includes(one)))
  await jobs.stop()
  expect(outcomes).not.toContain('fails ok')
  expect(warnings[0]).toEqual({ job: 'fails', detail: 'no room' })
})

test('an hourly job that failed runs again within a minute', () => {
  expect(delayAfter({ every: 3_600_000 }, 'succeeded')).toBe(3_600_000)
  expect(delayAfter({ every: 3_600_000 }, 'failed')).toBe(60_000)
  expect(delayAfter({ every: 1000 }, 'failed')).toBe(1000)
})

test('metrics tell of each job when it last succeeded', async () => {
  const at = () => metricOf(server.url, 'keywright_job_last_success_timestamp_seconds', 'job="compare clocks"')
  await until(async () => (await at()) > 0)
  expect(Math.abs((await at()) - Date.now() / 1000)).toBeLessThan(60)
})

test('metrics count how often each job failed', async () => {
  const failures = (job: string) => metricOf(server.url, 'keywright_job_failures_total', `job="${job}"`)
  expect(await failures('write a heartbeat')).toBe(0)
  await server.knex.schema.renameTable('service_heartbeat', 'service_heartbeat_away')
  try {
    await until(async () => (await failures('write a heartbeat')) > 0)
  } finally {
    await server.knex.schema.renameTable('service_heartbeat_away', 'service_heartbeat')
  }
  expect(await failures('compare clocks')).toBe(0)
})
