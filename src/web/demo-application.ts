import { createHash, randomBytes } from 'node:crypto'
import Router from '@koa/router'
import type { Context } from 'koa'
import { AUTHORIZATION_CODE_GRANT } from '../clients/grant-types.ts'
import { ENGLISH } from '../languages/languages.ts'
import { DEMO_CALLBACK } from './demo-callback.ts'
import type { Show } from './page.ts'
import { sendNotFound } from './unknown-routes.ts'

/** What the demo application works with: it knows this server as any other application would. */
export interface DemoServices {
  readonly show: Show
  issuerUrl(): string
  /** Where this process reaches the server; the issuer may be an address of a proxy. */
  ownUrl(): string
}

/** An authorization request under way, in a cookie of the demo's own. */
interface Attempt {
  readonly clientId: string
  readonly state: string
  readonly verifier: string
}

const COOKIE = 'kw_demo'

/** Milliseconds in which the user must come back. */
const ATTEMPT_TTL = 15 * 60 * 1000

/** Milliseconds for the token endpoint. */
const TOKEN_TIMEOUT = 10_000

const random = () => randomBytes(32).toString('base64url')

const SCOPE = 'openid profile email offline_access'

function saveAttempt(ctx: Context, attempt: Attempt | undefined): void {
  const value = attempt ? Buffer.from(JSON.stringify(attempt)).toString('base64url') : null
  ctx.cookies.set(COOKIE, value, {
    path: '/demo',
    httpOnly: true,
    sameSite: 'lax',
    maxAge: ATTEMPT_TTL,
    overwrite: true,
  })
}

function readAttempt(ctx: Context): Attempt | undefined {
  try {
    return JSON.parse(Buffer.from(ctx.cookies.get(COOKIE) ?? '', 'base64url').toString())
  } catch {
    return undefined
  }
}

function authorizationUrl(issuer: string, { clientId, state, verifier }: Attempt, scope: string): string {
  const params = {
    client_id: clientId,
    response_type: 'code',
    redirect_uri: issuer + DEMO_CALLBACK,
    scope,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
  return `${issuer}/oauth2/authorize?${new URLSearchParams(params)}`
}

/** @throws Error when the token endpoint is unreachable or times out */
async function redeem({ issuerUrl, ownUrl }: DemoServices, attempt: Attempt, code: string) {
  const form = {
    grant_type: AUTHORIZATION_CODE_GRANT,
    code,
    redirect_uri: issuerUrl() + DEMO_CALLBACK,
    client_id: attempt.clientId,
    code_verifier: attempt.verifier,
  }
  const response = await fetch(`${ownUrl()}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
    signal: AbortSignal.timeout(TOKEN_TIMEOUT),
  })
  return (await response.json()) as Record<string, string>
}

const claimsOf = (jwt: string | undefined): unknown =>
  jwt && JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())

const pretty = (value: unknown): string => JSON.stringify(value, null, 2)

/** Token response with its long values cut, so that its abridgedResponse can be seen. */
const abridgedResponse = (answer: Record<string, unknown>): string =>
  pretty(Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, abridged(value)])))

const abridged = (value: unknown) =>
  typeof value === 'string' && value.length > 60 ? `${value.slice(0, 24)}…${value.slice(-8)}` : value

function showFailure({ show }: DemoServices, ctx: Context, error: unknown, description: unknown, status = 400): void {
  show(ctx, {
    view: 'demo-failed',
    language: ENGLISH,
    title: error === 'access_denied' ? 'You denied it' : 'It did not work',
    status: error === 'access_denied' ? 200 : status,
    data: { error: String(error ?? ''), description: String(description ?? ''), clientId: readAttempt(ctx)?.clientId },
  })
}

/** What readAttempt the token endpoint from answering is for the log. */
function showNoAnswer(services: DemoServices, ctx: Context, failure: unknown): void {
  ctx.state.failure = failure
  showFailure(services, ctx, 'no_answer', 'The token endpoint did not respond.', 502)
}

function showTokens({ show, issuerUrl }: DemoServices, ctx: Context, answer: Record<string, string>): void {
  const data = {
    answer: abridgedResponse(answer),
    accessClaims: pretty(claimsOf(answer.access_token)),
    identity: pretty(claimsOf(answer.id_token)),
    userinfo: `curl --silent --header "Authorization: Bearer ${answer.access_token}" ${issuerUrl()}/oauth2/userinfo`,
  }
  show(ctx, { view: 'demo-tokens', language: ENGLISH, title: 'Tokens issued', data })
}

/** Everything that the demo's application has of its API; undefined of any other application. */
type DemoScopesOf = (clientId: string) => Promise<readonly string[] | undefined>

/** A small application within the server, for a newcomer to see what users see and what comes of it. */
export function demoRoutes(services: DemoServices, demoScopesOf: DemoScopesOf): Router {
  const router = new Router()

  router.get('/demo', async (ctx) => {
    const clientId = String(ctx.query.client_id)
    const scopes = await demoScopesOf(clientId)
    if (!scopes) return sendNotFound(services.show, ctx)
    const attempt = { clientId, state: random(), verifier: random() }
    saveAttempt(ctx, attempt)
    ctx.redirect(authorizationUrl(services.issuerUrl(), attempt, [SCOPE, ...scopes].join(' ')))
  })

  router.get(DEMO_CALLBACK, async (ctx) => {
    const attempt = readAttempt(ctx)
    const { code, state, iss, error, error_description: description } = ctx.query
    if (!attempt || state !== attempt.state || iss !== services.issuerUrl()) {
      return showFailure(services, ctx, 'invalid_state', 'This answer belongs to no request of this browser.')
    }
    if (typeof code !== 'string') return showFailure(services, ctx, error, description)
    saveAttempt(ctx, undefined)
    const answer = await redeem(services, attempt, code).catch((failure) => showNoAnswer(services, ctx, failure))
    if (!answer) return
    if (!answer.access_token) return showFailure(services, ctx, answer.error, answer.error_description)
    showTokens(services, ctx, answer)
  })

  return router
}
