import { isClientIdUrl } from '../clients/client-id-urls.ts'
import type { Registration } from '../clients/registration.ts'
import { inEngineTerms } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'

const askingOf = ({ ip, state }: OidcContext) => ({ ip, requestId: state.requestId })

/**
 * The client that an authorization request names, before it is known who is signed in: nothing is stored.
 * @throws OAuthError 400 (its document cannot be used), 429, 503
 */
export async function findNamedClient(
  { registrations, describedClients }: OidcServices,
  ctx: OidcContext,
  clientId: string,
): Promise<Registration | undefined> {
  if (ctx.path !== '/oauth2/authorize' || !isClientIdUrl(clientId)) return await registrations.fresh(clientId)
  return await inEngineTerms(() => describedClients.describe(clientId, askingOf(ctx)))
}

/**
 * The client of an authorization request that the engine processes. If its ID is the URL of a document, it is stored as soon as a user has
 * signed in.
 * @throws as `findNamedClient`
 */
export async function findAuthorizingClient(
  { describedClients }: OidcServices,
  ctx: OidcContext,
  clientId: string,
  isSignedIn: boolean,
): Promise<Registration | undefined> {
  const find = isSignedIn ? describedClients.store : describedClients.describe
  return await inEngineTerms(() => find(clientId, askingOf(ctx)))
}

/** The client of a request that waits for its user. */
export async function findWaitingClient(
  { registrations, describedClients }: OidcServices,
  clientId: string,
): Promise<Registration | undefined> {
  const stored = await registrations.fresh(clientId)
  return stored || !isClientIdUrl(clientId) ? stored : await describedClients.describeAgain(clientId)
}
