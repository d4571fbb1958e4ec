import type { WorkloadTokenChecker } from '../clients/workload-token-checks.ts'
import type { Config } from '../config/load-config.ts'
import type { Database } from '../database/open-database.ts'

/** Compares tokens of workloads to trusts for a command. Most commands do not, so nothing is loaded before. */
export const commandTokenCheck =
  (
    { port, issuer = `http://localhost:${port}`, outgoingAllow }: Config,
    database: Pick<Database, 'query' | 'clock'>,
  ): WorkloadTokenChecker =>
  async (trusts, token, isOperator) => {
    const [{ createSsrfSafeFetch }, { createIssuerKeys }, { createWorkloadTokenChecker }] = await Promise.all([
      import('../http/ssrf-safe-fetch.ts'),
      import('../clients/issuer-keys.ts'),
      import('../clients/workload-token-checks.ts'),
    ])
    const outgoing = createSsrfSafeFetch({ allow: outgoingAllow })
    const issuerKeys = createIssuerKeys(database, outgoing.fetch)
    return await createWorkloadTokenChecker(issuerKeys, issuer, database.clock)(trusts, token, isOperator).finally(() =>
      outgoing.close(),
    )
  }
