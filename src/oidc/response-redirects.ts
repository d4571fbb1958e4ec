import type { Context, Next } from 'koa'
import type Provider from 'oidc-provider'
import type { ResponseMode } from './engine-internals.ts'
import type { OidcContext, SignOut } from './request-state.ts'

type Response = Pick<Context, 'status' | 'set' | 'type' | 'body'>

type Parameters = Readonly<Record<string, string>>

const encode = (parameters: Parameters): string => new URLSearchParams(parameters).toString()

/**
 * A registered URI with parameters appended. RFC 6749, section 3.1.2: its own query is retained. To parse and serialise
 * it would change what is no list of names and values, such as `?/auth/callback`, `?close`, `%20` or `100%`.
 */
export function appendQuery(uri: string, parameters: Parameters): string {
  const added = encode(parameters)
  if (added === '') return uri
  const separator = uri.includes('?') ? '&' : '?'
  return uri + (/[?&]$/.test(uri) ? '' : separator) + added
}

/** A header holds visible ASCII only (RFC 9110, section 5.5); a browser encodes the rest in the same way. */
const toHeaderValue = (uri: string): string => uri.replace(/[^\x21-\x7e]/gu, encodeURIComponent)

/** Redirects without Koa's `redirect`, which parses the URI and serialises it again. */
function redirectExactly(ctx: Response, uri: string): void {
  ctx.status = 303
  ctx.set('Location', toHeaderValue(uri))
  ctx.type = 'text/plain'
  ctx.body = 'Redirecting.'
}

export const RESPONSE_MODES: Readonly<Record<string, ResponseMode>> = {
  query: (ctx, redirectUri, payload) => redirectExactly(ctx, appendQuery(redirectUri, payload)),
  fragment: (ctx, redirectUri, payload) => redirectExactly(ctx, `${redirectUri}#${encode(payload)}`),
}

/** Remembers for the request where a sign-out leads: the engine ends the session that says so before it redirects. */
export function rememberSignOut(provider: Provider): void {
  const Session = provider.Session as unknown as { get(ctx: Context): Promise<{ state?: SignOut }> }
  const get = Session.get.bind(Session)
  Object.assign(Session, {
    async get(ctx: Context) {
      const session = await get(ctx)
      ctx.state.signOut = session.state
      return session
    },
  })
}

/** Redirects to the post-logout URI as it was registered, in place of the engine's rewritten one. */
export async function redirectAfterSignOut(ctx: OidcContext, next: Next): Promise<void> {
  await next()
  const { postLogoutRedirectUri: uri, state } = ctx.state.signOut ?? {}
  if (ctx.status !== 303 || !uri) return
  redirectExactly(ctx, appendQuery(uri, state === undefined ? {} : { state }))
}
