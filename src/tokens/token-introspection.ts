import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { AccessTokenStore, ActiveToken, Introspection } from './access-token-store.ts'
import { retryOnStaleClient } from './stale-client.ts'

/**
 * Introspects an access token for a client (RFC 7662): returns the token if it is active. The same statement checks the
 * client's registration version; when that changed, the client authenticates again with the same credentials.
 * @param claims of the presented JWT; undefined when what was presented is no access token of this issuer
 * @throws KeywrightError `invalid_client` when the client no longer authenticates
 */
export async function introspectAs(
  accessTokenStore: AccessTokenStore,
  caller: AuthenticatedClient,
  claims: Record<string, unknown> | undefined,
): Promise<{ client: AuthenticatedClient; token: ActiveToken | undefined }> {
  const token: Introspection['token'] = claims && { jti: String(claims.jti), expiresAt: Number(claims.exp) }
  return await retryOnStaleClient(caller, async (client) => {
    const { key, version } = client.registration
    const result = await accessTokenStore.introspect({ callerKey: key, callerVersion: version, token })
    return result.isCallerCurrent ? { client, token: result.token } : undefined
  })
}
