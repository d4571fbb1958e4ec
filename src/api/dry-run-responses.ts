import type { StoredResponse } from './idempotency.ts'
import type { ApiRoute, Call } from './route.ts'

/** Whether the request asks only what it would affect. Only routes with a dry run accept the parameter. */
export const isDryRun = ({ query }: Pick<Call, 'query'>): boolean => (query as { dry_run?: string }).dry_run === 'true'

/** The response of a dry run. It is not stored for retries: nothing was changed. */
export async function describeEffect(route: ApiRoute, call: Call): Promise<StoredResponse> {
  const body = route.dryRunResponse.parse(await route.dryRun!(call))
  return { status: 200, headers: {}, body: JSON.stringify(body) }
}
