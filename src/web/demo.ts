import { createHash, randomBytes } from 'node:crypto'
import Router from '@koa/router'
import type { Context } from 'koa'
import { invalidInput } from '../shared/errors.ts'
import type { Show } from './renderer.ts'

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

/** Milliseconds in which the person must come back. */
const PATIENCE = 15 * 60 * 1000

const random = () => randomBytes(32).toString('base64url')

const SCOPE = 'openid profile email offline_access'

function keep(ctx: Context, attempt: Attempt | undefined): void {
  const value = attempt ? Buffer.from(JSON.stringify(attempt)).toString('base64url') : null
  ctx.cookies.set(COOKIE, value, { path: '/demo', httpOnly: true, sameSite: 'lax', maxAge: PATIENCE, overwrite: true })
}

function kept(ctx: Context): Attempt | undefined {
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
    redirect_uri: `${issuer}/demo/callback`,
    scope,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
  return `${issuer}/oauth2/authorize?${new URLSearchParams(params)}`
}

async function redeem({ issuerUrl, ownUrl }: DemoServices, attempt: Attempt, code: string) {
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: `${issuerUrl()}/demo/callback`,
    client_id: attempt.clientId,
    code_verifier: attempt.verifier,
  }
  const response = await fetch(`${ownUrl()}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
  return (await response.json()) as Record<string, string>
}

const claimsOf = (jwt: string | undefined): unknown =>
  jwt && JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())

const pretty = (value: unknown): string => JSON.stringify(value, null, 2)

/** The answer of the token endpoint with its long values cut, so that its shape can be seen. */
const shape = (answer: Record<string, unknown>): string =>
  pretty(Object.fromEntries(Object.entries(answer).map(([name, value]) => [name, abridged(value)])))

const abridged = (value: unknown) =>
  typeof value === 'string' && value.length > 60 ? `${value.slice(0, 24)}…${value.slice(-8)}` : value

function showFailure({ show }: DemoServices, ctx: Context, error: unknown, description: unknown): void {
  show(ctx, {
    view: 'demo-failed',
    title: error === 'access_denied' ? 'You denied it' : 'It did not work',
    status: error === 'access_denied' ? 200 : 400,
    data: { error: String(error ?? ''), description: String(description ?? ''), clientId: kept(ctx)?.clientId },
  })
}

function showTokens({ show, issuerUrl }: DemoServices, ctx: Context, answer: Record<string, string>): void {
  const data = {
    answer: shape(answer),
    accessToken: answer.access_token,
    accessClaims: pretty(claimsOf(answer.access_token)),
    identity: pretty(claimsOf(answer.id_token)),
    userinfo: `curl --silent --header "Authorization: Bearer ${answer.access_token}" ${issuerUrl()}/oauth2/userinfo`,
  }
  show(ctx, { view: 'demo-tokens', title: 'The application got its tokens', data })
}

/** The scopes of the demo's request: about the person, and everything that the client has of its API. */
export type ApiScopesOf = (clientId: string) => Promise<readonly string[]>

/** A small application within the server, for a newcomer to see what people see and what comes of it. */
export function demoRoutes(services: DemoServices, apiScopesOf: ApiScopesOf): Router {
  const router = new Router()

  router.get('/demo', async (ctx) => {
    const { client_id: clientId } = ctx.query
    if (typeof clientId !== 'string' || !/^\w{1,100}$/.test(clientId))
      throw invalidInput('the link names no application')
    const attempt = { clientId, state: random(), verifier: random() }
    keep(ctx, attempt)
    const scope = [SCOPE, ...(await apiScopesOf(clientId))].join(' ')
    ctx.redirect(authorizationUrl(services.issuerUrl(), attempt, scope))
  })

  router.get('/demo/callback', async (ctx) => {
    const attempt = kept(ctx)
    const { code, state, iss, error, error_description: description } = ctx.query
    if (!attempt || state !== attempt.state || iss !== services.issuerUrl()) {
      return showFailure(services, ctx, 'invalid_state', 'This answer belongs to no request of this browser.')
    }
    if (typeof code !== 'string') return showFailure(services, ctx, error, description)
    const answer = await redeem(services, attempt, code)
    keep(ctx, undefined)
    if (!answer.access_token) return showFailure(services, ctx, answer.error, answer.error_description)
    showTokens(services, ctx, answer)
  })

  return router
}
