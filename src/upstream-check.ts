import type { SsrfSafeFetch } from './http/ssrf-safe-fetch.ts'
import { textRecords } from './http/text-records.ts'
import type { ProviderChecks } from './identity-providers/provider-checks.ts'
import { createUpstreamClient, type UpstreamClient } from './identity-providers/upstream-client.ts'
import { logoutUriOf, postLogoutUriOf, redirectUriOf } from './identity-providers/upstream-redirect-uris.ts'

/** Milliseconds for each response of a provider, and its bytes. */
const LIMITS = { time: 5000, body: 512 * 1024 }

export const upstreamClient = (outgoing: SsrfSafeFetch): UpstreamClient =>
  createUpstreamClient((url, init) => outgoing.fetch(url, init, LIMITS))

export const upstreamCheck = (client: UpstreamClient, issuerUrl: string, hidesResponses: boolean): ProviderChecks => ({
  redirectUri: (providerId) => redirectUriOf(issuerUrl, providerId),
  logoutUri: (providerId) => logoutUriOf(issuerUrl, providerId),
  postLogoutUri: (providerId) => postLogoutUriOf(issuerUrl, providerId),
  check: client.check,
  hidesResponses,
  textRecords,
})
