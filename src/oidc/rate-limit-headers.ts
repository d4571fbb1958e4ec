import type { QuotaUse } from '../clients/quotas.ts'
import type { OidcContext } from './request-state.ts'

/** Seconds. */
const LENGTHS = { hour: 3600, day: 86_400 } as const

const nameOf = ({ owner, window }: QuotaUse): string => `"${owner}-${window}"`

const policyOf = (use: QuotaUse): string => `${nameOf(use)};q=${use.limit};w=${LENGTHS[use.window]}`

const limitOf = (use: QuotaUse): string => `${nameOf(use)};r=${Math.max(0, use.limit - use.used)};t=${use.resetsIn}`

/**
 * The quotas of the client and what is left of them, as structured fields (RFC 9651) by
 * draft-ietf-httpapi-ratelimit-headers-10: `"client-hour";q=100;w=3600` and `"client-hour";r=99;t=1800`.
 */
export function setRateLimitHeaders(ctx: OidcContext, uses: readonly QuotaUse[]): void {
  if (uses.length === 0) return
  ctx.set('RateLimit-Policy', uses.map(policyOf).join(', '))
  ctx.set('RateLimit', uses.map(limitOf).join(', '))
}
