import type { Next } from 'koa'
import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { BrowserSession } from './engine-sessions.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'

const hasSignedOut = (ctx: OidcContext): boolean =>
  ctx.status === 303 && Boolean((ctx as unknown as Partial<KoaContextWithOIDC>).oidc?.params?.logout)

/**
 * After a sign-out that an application asked for, leads the browser on to the identity provider with which the session began, and from there
 * to where the engine would have sent it.
 */
export function signOutAtProvider(engine: () => Provider, { pages }: OidcServices) {
  return async (ctx: OidcContext, next: Next): Promise<void> => {
    const { identity } = (await engine().Session.get(ctx as never)) as BrowserSession
    await next()
    if (identity && hasSignedOut(ctx)) await pages.signOutAtProvider(ctx, identity, ctx.response.get('Location'))
  }
}
