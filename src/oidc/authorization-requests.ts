import type { Next } from 'koa'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import { findNamedClient } from './authorizing-clients.ts'
import { namedClientId } from './client-credentials.ts'
import { isSameResource, takeAudience, takeDeclaredResource } from './declared-resources.ts'
import { type FormStep, normalizeScope, readForm } from './endpoint-requests.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { Form, OidcContext } from './request-state.ts'

const words = (value: unknown): string[] => (typeof value === 'string' ? value.split(' ').filter(Boolean) : [])

/** Adds the client's default scopes to a request without `scope` (RFC 6749, section 3.3). */
function takeDefaultScope(services: OidcServices): FormStep {
  return async (ctx, form) => {
    const clientId = namedClientId(ctx, form)
    if (!clientId || words(form.scope).length > 0 || Array.isArray(form.scope)) return
    const registration = await findNamedClient(services, ctx, clientId)
    const api = registration?.apis.find(
      ({ identifier }) => identifier === (form.resource ?? registration.apis[0]?.identifier),
    )
    const known = (scope: string) => IDENTITY_SCOPES.includes(scope) || api?.scopes.includes(scope)
    const scopes = registration?.defaultScopes?.filter(known) ?? api?.scopes
    if (scopes && scopes.length > 0) form.scope = scopes.join(' ')
  }
}

/**
 * Adds `prompt=consent` to a request for offline access. OpenID Connect Core, section 11, lets the server ignore the scope
 * without that prompt; many clients omit it, and the consent page serves them better.
 */
function askForOfflineAccess(_ctx: OidcContext, form: Form): void {
  const prompts = words(form.prompt)
  if (!words(form.scope).includes('offline_access') || prompts.includes('none') || prompts.includes('consent')) return
  form.prompt = [...prompts, 'consent'].join(' ')
}

/**
 * Replaces `prompt=select_account` by `login`, where anybody can sign in, and by `account_selection`, for which a user of several
 * accounts chooses again.
 */
function takeAccountSelection(_ctx: OidcContext, form: Form): void {
  delete form.account_selection
  const prompts = words(form.prompt)
  if (!prompts.includes('select_account')) return
  form.account_selection = 'required'
  form.prompt = [...new Set(prompts.map((prompt) => (prompt === 'select_account' ? 'login' : prompt)))].join(' ')
}

/** Replaces an unambiguous `audience` by `resource`. The engine refuses others: it knows whether it may redirect. */
function takeClearAudience(ctx: OidcContext, form: Form): void {
  const { audience, resource } = form
  if (
    !Array.isArray(audience) &&
    (resource === undefined || (audience !== undefined && isSameResource(resource, audience)))
  )
    takeAudience(ctx, form)
}

/** What every endpoint adds to an authorization request before the engine is called. */
export const authorizationSteps = (services: OidcServices): FormStep[] => [
  takeClearAudience,
  takeDeclaredResource(services),
  takeDefaultScope(services),
  takeAccountSelection,
  askForOfflineAccess,
]

/** Characters. Every server and proxy accepts a URL of this length. */
const MAX_QUERY = 8 * 1024

/** Parameters of a pushed request that are never in a URL. */
const AUTHENTICATION = new Set(['client_secret', 'client_assertion', 'client_assertion_type'])

const queryOf = (form: Form): string =>
  new URLSearchParams(
    Object.entries(form).flatMap(([name, value]) => [value ?? ''].flat().map((one): [string, string] => [name, one])),
  ).toString()

/** Applies the limit for a request in a URL to a pushed request (RFC 9126, section 2.3: 413). */
export function checkSize(_ctx: OidcContext, form: Form): void {
  const parameters = Object.fromEntries(Object.entries(form).filter(([name]) => !AUTHENTICATION.has(name)))
  if (queryOf(parameters).length > MAX_QUERY) throw new OAuthError(413, 'invalid_request', 'the request is too long')
}

function checkQuery(ctx: OidcContext): void {
  if (ctx.querystring.length > MAX_QUERY) throw new OAuthError(414, 'invalid_request', 'the request is too long')
}

/**
 * Redirects a POST to the same request by GET. A form that another site posts carries no cookies (SameSite=Lax), so the user
 * would appear signed out.
 */
export async function postToGet(ctx: OidcContext, next: Next): Promise<void> {
  if (ctx.method !== 'POST') return await next()
  const form = await readForm(ctx)
  const query = queryOf(form)
  if (query.length > MAX_QUERY) throw new OAuthError(413, 'invalid_request', 'the request is too long')
  ctx.status = 303
  ctx.redirect(`${ctx.path}?${query}`)
}

/** Applies the form steps to the query of a link. */
export function linkEndpoint(...steps: FormStep[]) {
  return async (ctx: OidcContext, next: Next): Promise<void> => {
    checkQuery(ctx)
    const form: Form = { ...ctx.query }
    normalizeScope(form)
    for (const step of form.request_uri === undefined ? steps : []) await step(ctx, form)
    // Koa writes undefined as a parameter without a value.
    ctx.query = Object.fromEntries(Object.entries(form).filter(([, value]) => value !== undefined)) as never
    await next()
  }
}
