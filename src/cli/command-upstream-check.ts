import type { Config } from '../config/load-config.ts'
import type { ProviderChecks } from '../identity-providers/provider-checks.ts'
import { logoutUriOf, postLogoutUriOf, redirectUriOf } from '../identity-providers/upstream-redirect-uris.ts'

/** Asks identity providers and DNS for a command. Most commands ask neither, so nothing is loaded before. */
export const commandUpstreamCheck = ({
  port,
  issuer = `http://localhost:${port}`,
  outgoingAllow,
}: Config): ProviderChecks => ({
  redirectUri: (providerId) => redirectUriOf(issuer, providerId),
  logoutUri: (providerId) => logoutUriOf(issuer, providerId),
  postLogoutUri: (providerId) => postLogoutUriOf(issuer, providerId),
  async check(provider) {
    const [{ createSsrfSafeFetch }, { upstreamClient }] = await Promise.all([
      import('../http/ssrf-safe-fetch.ts'),
      import('../upstream-check.ts'),
    ])
    const outgoing = createSsrfSafeFetch({ allow: outgoingAllow })
    await upstreamClient(outgoing)
      .check(provider)
      .finally(() => outgoing.close())
  },
  hidesResponses: false,
  textRecords: async (name) => (await import('../http/text-records.ts')).textRecords(name),
})
