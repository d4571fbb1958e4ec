import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import {
  AUTHORIZATION_CODE_GRANT,
  CLIENT_CREDENTIALS_GRANT,
  DEVICE_CODE_GRANT,
  GRANT_TYPES,
  type GrantTypeValue,
  JWT_BEARER_GRANT,
  REFRESH_TOKEN_GRANT,
  TOKEN_EXCHANGE_GRANT,
} from '../clients/grant-types.ts'
import { createExchangeHandler } from './exchange-grant.ts'
import { createJwtBearerHandler } from './jwt-bearer-grant.ts'
import type { OidcServices } from './oidc-services.ts'
import { createRefreshHandler } from './refresh-grant.ts'
import type { OidcContext } from './request-state.ts'

/** Responds to a token request whose client has authenticated and may use the grant type. */
type GrantHandler = (ctx: KoaContextWithOIDC & OidcContext) => Promise<void>

/** The handler of each grant type. `engine`: the engine has one, which its configuration enables. */
const HANDLERS: Readonly<
  Record<GrantTypeValue, 'engine' | ((provider: Provider, services: OidcServices) => GrantHandler)>
> = {
  [AUTHORIZATION_CODE_GRANT]: 'engine',
  [REFRESH_TOKEN_GRANT]: createRefreshHandler,
  [CLIENT_CREDENTIALS_GRANT]: 'engine',
  [DEVICE_CODE_GRANT]: 'engine',
  [TOKEN_EXCHANGE_GRANT]: createExchangeHandler,
  [JWT_BEARER_GRANT]: createJwtBearerHandler,
}

/** Registers the handlers that replace or complete those of the engine. */
export function useGrantHandlers(provider: Provider, services: OidcServices): void {
  for (const { value, parameters } of GRANT_TYPES) {
    const handler = HANDLERS[value]
    if (handler === 'engine') continue
    provider.registerGrantType(value, handler(provider, services) as never, [...parameters, 'scope', 'resource'])
  }
}
