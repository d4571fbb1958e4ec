import type { EventEmitter } from 'node:events'
import type { Middleware, Next } from 'koa'
import compose from 'koa-compose'
import type Provider from 'oidc-provider'
import { authorizationSteps, checkSize, linkEndpoint, postToGet } from './authorization-requests.ts'
import { callEngine, clientEndpoint, type Endpoint, parse } from './client-endpoint.ts'
import { authenticateClient } from './endpoint-authentication.ts'
import { type FormStep, handToEngine } from './endpoint-requests.ts'
import { createEngine } from './engine.ts'
import { createSignInFlow } from './engine-interactions.ts'
import { useKeysOf } from './engine-internals.ts'
import { showForms } from './engine-pages.ts'
import { handleErrors, showErrors } from './error-responses.ts'
import { introspectionEndpoint } from './introspection-endpoint.ts'
import { describeServer, jwksEndpoint } from './metadata.ts'
import type { OidcServices } from './oidc-services.ts'
import { revocationEndpoint } from './presented-tokens.ts'
import type { OidcContext } from './request-state.ts'
import { redirectAfterSignOut } from './response-redirects.ts'
import { createRevocationFeed, type RevocationFeed } from './revocation-feed.ts'
import { signOutAtProvider } from './sign-out-at-provider.ts'
import { takeRequestObject } from './signed-requests.ts'
import { statusAggregationEndpoint, statusListEndpoint } from './status-list-endpoint.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import { upstreamLogoutEndpoint } from './upstream-logout-endpoint.ts'
import { takeUserCode } from './user-codes.ts'
import { takeBearerToken } from './userinfo.ts'

type OidcMiddleware = (ctx: OidcContext, next: Next) => Promise<unknown>

const noteFailure = (ctx: unknown, error: Error) => {
  ;(ctx as OidcContext).state.failure = error
}

const FAILURES = [
  'server_error',
  'discovery.error',
  'grant.error',
  'revocation.error',
  'userinfo.error',
  'authorization.error',
  'pushed_authorization_request.error',
  'device_authorization.error',
  'code_verification.error',
  'device_resume.error',
  'end_session.error',
  'end_session_confirm.error',
]

/** The engine for the current keys. A change of keys creates another one; requests in progress finish with theirs. */
function createEngineHolder(services: OidcServices) {
  let provider: Provider | undefined
  let run: Middleware
  function change(): void {
    const earlier = provider
    provider = createEngine(services.issuerUrl(), services.keyRings.ring, services)
    if (earlier) useKeysOf(earlier, provider)
    const events = provider as EventEmitter
    for (const event of FAILURES) events.on(event, noteFailure)
    events.on('backchannel.success', () => services.metrics.backchannelLogouts.inc({ outcome: 'delivered' }))
    events.on('backchannel.error', () => services.metrics.backchannelLogouts.inc({ outcome: 'failed' }))
    run = compose(provider.middleware) as Middleware
  }
  change()
  services.keyRings.onChange(change)
  return { provider: () => provider!, run: (ctx: OidcContext, next: Next) => run(ctx as never, next) }
}

/** A path without its trailing slash, which every endpoint accepts. */
const withoutTrailingSlash = (path: string): string =>
  path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path

/** A path as the list of endpoints has it: with `*` for the ID of an interaction, a status list or an identity provider. */
const patternOf = (path: string): string =>
  path.replace(/^(\/oauth2\/authorize|\/oauth2\/status|\/oauth2\/backchannel-logout|\/device)\/[\w-]{1,100}$/, '$1/*')

/** Passes a CORS preflight request to the engine. */
const passPreflight = (engine: Endpoint) => (ctx: OidcContext, next: Next) =>
  ctx.method === 'OPTIONS' ? engine(ctx, next) : next()

function pushedRequestEndpoint(services: OidcServices, engine: Endpoint, ...steps: FormStep[]) {
  return clientEndpoint(services, [
    parse(checkSize, ...steps, ...authorizationSteps(services)),
    authenticateClient(services, { allowPublic: true }),
    callEngine(engine),
  ])
}

function endpointsOf(
  services: OidcServices,
  runEngine: Endpoint,
  feed: RevocationFeed,
  engineNow: () => Provider,
): Map<string, Endpoint> {
  const engine = runEngine as never
  const endpoint = (...steps: OidcMiddleware[]) => compose([handleErrors(services), ...steps]) as Endpoint
  const browserEndpoint = (step: OidcMiddleware) => endpoint(passPreflight(runEngine), step)
  const page = (...steps: OidcMiddleware[]) =>
    compose([showErrors(services), showForms(services) as never, ...steps, engine]) as Endpoint
  const discovery = compose([describeServer(services), engine]) as Endpoint
  const object = takeRequestObject(services)
  const link = linkEndpoint(object, ...authorizationSteps(services))
  return new Map<string, Endpoint>([
    ['/oauth2/token', browserEndpoint(tokenEndpoint(services, runEngine))],
    ['/oauth2/introspect', endpoint(introspectionEndpoint(services))],
    ['/oauth2/revoke', browserEndpoint(revocationEndpoint(services, runEngine))],
    ['/oauth2/jwks', jwksEndpoint(services)],
    ['/oauth2/status', endpoint(statusAggregationEndpoint(services))],
    ['/oauth2/status/*', endpoint(statusListEndpoint(services))],
    ['/oauth2/status/feed', endpoint((ctx) => feed.endpoint(ctx))],
    ['/oauth2/userinfo', endpoint(takeBearerToken(services), handToEngine, engine)],
    ['/oauth2/par', browserEndpoint(pushedRequestEndpoint(services, runEngine, object))],
    ['/oauth2/device', browserEndpoint(pushedRequestEndpoint(services, runEngine))],
    ['/oauth2/authorize', page(postToGet, link)],
    ['/oauth2/authorize/*', page()],
    ['/oauth2/backchannel-logout/*', endpoint(upstreamLogoutEndpoint(engineNow, services))],
    ['/oauth2/logout', page(postToGet, linkEndpoint())],
    ['/oauth2/logout/confirm', page(signOutAtProvider(engineNow, services) as never, redirectAfterSignOut)],
    ['/oauth2/logout/success', page(linkEndpoint())],
    ['/device', page(linkEndpoint(), takeUserCode(services))],
    ['/device/*', page()],
    ['/.well-known/openid-configuration', discovery],
    ['/.well-known/oauth-authorization-server', discovery],
  ])
}

/**
 * Makes the engine create URLs on the issuer's origin, whatever the Host header is. A session cookie of an https issuer is
 * `Secure`, also behind a proxy that sends no X-Forwarded-Proto.
 */
function useIssuerOrigin(ctx: OidcContext, issuer: string): void {
  Object.defineProperty(ctx.request, 'href', { value: issuer, configurable: true })
  if (issuer.startsWith('https:')) Object.defineProperty(ctx.request, 'secure', { value: true, configurable: true })
}

/** The OAuth endpoints as one middleware, and the sign-in flow for the pages. */
export function createOidcInterface(services: OidcServices) {
  const holder = createEngineHolder(services)
  const feed = createRevocationFeed(services)
  const endpoints = endpointsOf(services, holder.run, feed, holder.provider)

  const middleware: Middleware = async (ctx, next) => {
    useIssuerOrigin(ctx as OidcContext, services.issuerUrl())
    const path = withoutTrailingSlash(ctx.path)
    const run = endpoints.get(path) ?? endpoints.get(patternOf(path))
    if (!run) return await next()
    ctx.path = path
    await run(ctx as OidcContext, next)
  }
  return { middleware, signInFlow: createSignInFlow(holder.provider, services), closeFeed: feed.close }
}
