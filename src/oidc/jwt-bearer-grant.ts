import { decodeProtectedHeader } from 'jose'
import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import type { AssertionHandler, JwtBearerContext } from './assertion-handler.ts'
import { createIdentityAssertionHandler } from './identity-assertion-grant.ts'
import type { OidcServices } from './oidc-services.ts'
import { createWorkloadHandler } from './workload-grant.ts'

/** The handlers by the header `typ` of the assertion, in lower case and without `application/`; an empty text: it has none. */
const HANDLERS: Readonly<Record<string, (provider: Provider, services: OidcServices) => AssertionHandler>> = {
  '': createWorkloadHandler,
  jwt: createWorkloadHandler,
  'oauth-id-jag+jwt': createIdentityAssertionHandler,
}

/** Characters. */
const MAX_ASSERTION_LENGTH = 16_384

const invalidGrant = (detail: string) => new errors.InvalidGrant(detail)

/** The type of an assertion, which nothing has verified yet. @throws errors.InvalidGrant */
function typeOf(assertion: string): string {
  if (assertion.length > MAX_ASSERTION_LENGTH) throw invalidGrant('the assertion is too long')
  try {
    const { typ = '' } = decodeProtectedHeader(assertion)
    return typ.toLowerCase().replace(/^application\//, '')
  } catch {
    throw invalidGrant('the assertion is no signed JWT')
  }
}

/** The handler of the grant type whose grant is a JWT (RFC 7523, section 2.1). The kind of the JWT is in its header `typ`. */
export function createJwtBearerHandler(provider: Provider, services: OidcServices) {
  const handlers = new Map(Object.entries(HANDLERS).map(([typ, create]) => [typ, create(provider, services)]))

  return async (ctx: JwtBearerContext): Promise<void> => {
    const { assertion } = ctx.oidc.params ?? {}
    if (typeof assertion !== 'string' || assertion === '')
      throw new errors.InvalidRequest("missing required parameter 'assertion'")
    const handle = handlers.get(typeOf(assertion))
    if (!handle) throw invalidGrant('this server accepts no assertion of this type (typ)')
    await handle(ctx, assertion)
  }
}
