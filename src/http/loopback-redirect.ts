import type { Middleware } from 'koa'

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * A browser keeps cookies by host name, and to it `localhost` is not `127.0.0.1`: a sign-in begun under one could not end
 * under the other, which is the issuer's. A page that is opened by another loopback name redirects to the issuer's name.
 */
export function redirectToOneLoopbackName(issuerUrl: string): Middleware {
  const issuer = new URL(issuerUrl)
  if (!LOOPBACK.has(issuer.hostname)) return (_ctx, next) => next()
  return async (ctx, next) => {
    if (ctx.method !== 'GET' || ctx.host === issuer.host) return await next()
    const asked = URL.parse(`http://${ctx.host}`)
    const isSameServer = asked && LOOPBACK.has(asked.hostname) && asked.port === issuer.port
    if (!isSameServer || !ctx.get('accept').includes('text/html')) return await next()
    ctx.redirect(issuer.origin + ctx.url)
  }
}
