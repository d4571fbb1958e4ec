import type { Context, Next } from 'koa'
import type Provider from 'oidc-provider'
import type { ResponseMode } from './engine-response-modes.ts'
import { onSessionRead } from './engine-session-internals.ts'
import type { OidcContext, SignOut } from './request-state.ts'

type Response = Pick<Context, 'status' | 'set' | 'type' | 'body'>

type Parameters = Readonly<Record<string, string>>

const encode = (parameters: Parameters): string => new URLSearchParams(parameters).toString()

/**
 * A registered URI with parameters appended. RFC 6749, section 3.1.2: its own query is retained. Parsing and serialising
 * would change a query that is no list of names and values, such as `?/auth/callback`, `?close`, `%20` or `100%`.
 */
export function appendQuery(uri: string, parameters: Parameters): string {
  const added = encode(parameters)
  if (added === '') return uri
  const separator = uri.includes('?') ? '&' : '?'
  return uri + (/[?&]$/.test(uri) ? '' : separator) + added
}

/** A header holds visible ASCII only (RFC 9110, section 5.5). A browser encodes other characters in the same way. */
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

/** Sets `signOut` for the request: the engine deletes the session that holds it before it redirects. */
export function rememberSignOut(provider: Provider): void {
  onSessionRead(provider, (ctx: Context, state) => {
    ctx.state.signOut = state as SignOut | undefined
  })
}

/** Redirects to the post-logout redirect URI as it was registered. The engine parses it and writes it again. */
export async function redirectAfterSignOut(ctx: OidcContext, next: Next): Promise<void> {
  await next()
  const { postLogoutRedirectUri: uri, state } = ctx.state.signOut ?? {}
  if (ctx.status !== 303 || !uri) return
  redirectExactly(ctx, appendQuery(uri, state === undefined ? {} : { state }))
}
