import type { UpstreamProvider } from './upstream-client.ts'

/** What is asked before an identity provider or a domain is accepted. */
export interface ProviderChecks {
  /** The redirect URI that a provider must know. */
  redirectUri(providerId: string): string
  /** Where it announces sign-outs. */
  logoutUri(providerId: string): string
  /** Where browsers come back to after a sign-out there. */
  postLogoutUri(providerId: string): string
  /** Reads the metadata of a provider, and whether it offers what a sign-in uses. @throws UpstreamError */
  check(upstream: UpstreamProvider): Promise<void>
  /** Whether admins of accounts learn nothing of the responses: private addresses may be allowed. */
  readonly hidesResponses: boolean
  /** The TXT records of a name; none where there is no such name. */
  textRecords(name: string): Promise<readonly string[]>
}
