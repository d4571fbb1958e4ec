import type { AuthenticatedClient } from '../clients/client-authentication.ts'
import type { AccessTokenStore, ActiveToken, Inspection } from './access-token-store.ts'
import { retryOnStaleClient } from './issuance.ts'

/**
 * Looks a token up for a caller, as whoever the caller is by now: the statement that looks also says whether the caller's
 * registration has changed, and then the same credentials must prove themselves again.
 * @throws KeywrightError `invalid_client` when they no longer do
 */
export async function introspectAs(
  accessTokenStore: AccessTokenStore,
  caller: AuthenticatedClient,
  claims: Record<string, unknown> | undefined,
): Promise<{ client: AuthenticatedClient; token: ActiveToken | undefined }> {
  const token: Inspection['token'] = claims && { jti: String(claims.jti), expiresAt: Number(claims.exp) }
  return await retryOnStaleClient(caller, async (client) => {
    const { key, version } = client.registration
    const inspected = await accessTokenStore.inspect({ callerKey: key, callerVersion: version, token })
    return inspected.callerFresh ? { client, token: inspected.token } : undefined
  })
}
