import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** What an operator watches, in Prometheus' form. */
export type Metrics = ReturnType<typeof createMetrics>

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    tokensIssued: new Counter({
      name: 'keywright_tokens_issued_total',
      help: 'Access tokens issued, by grant type',
      labelNames: ['grant_type'],
      registers,
    }),
    tokensReused: new Counter({
      name: 'keywright_tokens_reused_total',
      help: 'Token requests that received a token which is still fresh, for clients with token reuse',
      registers,
    }),
    tokensBeyondQuota: new Counter({
      name: 'keywright_tokens_beyond_quota_total',
      help: 'Access tokens issued beyond a quota whose mode is observe',
      registers,
    }),
    refused: new Counter({
      name: 'keywright_requests_refused_total',
      help: 'Requests to the OAuth endpoints that were refused, by endpoint and OAuth error code',
      labelNames: ['endpoint', 'error'],
      registers,
    }),
    signIns: new Counter({
      name: 'keywright_sign_ins_total',
      help: 'Passwords, codes and passkeys of sign-ins, by what came of it: many refused or slow_down are somebody guessing',
      labelNames: ['outcome'],
      registers,
    }),
    mails: new Counter({
      name: 'keywright_mails_total',
      help: 'Attempts to send an e-mail, by outcome: sent, retried, failed',
      labelNames: ['outcome'],
      registers,
    }),
    backchannelLogouts: new Counter({
      name: 'keywright_backchannel_logouts_total',
      help: 'Logout tokens sent to applications when somebody signed out, by whether they were taken',
      labelNames: ['outcome'],
      registers,
    }),
    upstreamLogouts: new Counter({
      name: 'keywright_upstream_logouts_total',
      help: 'Logout tokens of identity providers, by whether they were accepted or refused',
      labelNames: ['outcome'],
      registers,
    }),
    latency: new Histogram({
      name: 'keywright_request_duration_seconds',
      help: 'Time from a request to its answer',
      labelNames: ['endpoint', 'status'],
      buckets: LATENCY_BUCKETS,
      registers,
    }),
    legacyOptionUses: new Counter({
      name: 'keywright_legacy_option_uses_total',
      help: 'Requests served against the standard because their client is allowed to',
      labelNames: ['kind'],
      registers,
    }),
    jobFailures: new Counter({
      name: 'keywright_job_failures_total',
      help: 'Runs of background jobs that failed, by job',
      labelNames: ['job'],
      registers,
    }),
    jobSuccesses: new Gauge({
      name: 'keywright_job_last_success_timestamp_seconds',
      help: 'When a background job last succeeded in this process; of jobs that one node does for all, take the maximum over the nodes',
      labelNames: ['job'],
      aggregator: 'max',
      registers,
    }),
    /** Read at each scrape. */
    watchClock(skew: () => number): void {
      new Gauge({
        name: 'keywright_clock_skew_seconds',
        help: "How far this machine's clock is ahead of the database's; from 30 s, either way, the node is not ready",
        aggregator: 'max',
        registers,
        collect() {
          this.set(skew() / 1000)
        },
      })
    },
    /** Read at each scrape, in every worker. */
    watchPool(read: () => Record<string, number>): void {
      new Gauge({
        name: 'keywright_database_connections',
        help: 'Connections of the pool by state; pending are requests that wait for one',
        labelNames: ['state'],
        registers,
        collect() {
          for (const [state, count] of Object.entries(read())) this.set({ state }, count)
        },
      })
    },
    /** Read at each scrape; the workers hold the same keys, so their ages do not add up. */
    watchSigningKeys(read: () => { alg: string; state: string; age: number }[]): void {
      new Gauge({
        name: 'keywright_signing_key_age_seconds',
        help: 'Age of the signing keys by algorithm and state',
        labelNames: ['alg', 'state'],
        aggregator: 'max',
        registers,
        collect() {
          this.reset()
          for (const { age, ...labels } of read()) this.set(labels, age)
        },
      })
    },
  }
}
