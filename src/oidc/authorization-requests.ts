import type { Next } from 'koa'
import { IDENTITY_SCOPES } from '../apis/scopes.ts'
import { namedClientId } from './client-credentials.ts'
import { isSameResource, takeAudience, takeDeclaredResource } from './declared-resources.ts'
import { type FormStep, normalizeScope, readForm } from './endpoint-requests.ts'
import { OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import type { Form, OidcContext } from './request-state.ts'

const words = (value: unknown): string[] => (typeof value === 'string' ? value.split(' ').filter(Boolean) : [])

/** A request that names no scope gets the application's default ones (RFC 6749, section 3.3). */
function takeDefaultScope({ registrations }: OidcServices): FormStep {
  return async (ctx, form) => {
    const clientId = namedClientId(ctx, form)
    if (!clientId || words(form.scope).length > 0 || Array.isArray(form.scope)) return
    const registration = await registrations.fresh(clientId)
    const api = registration?.apis.find(
      ({ identifier }) => identifier === (form.resource ?? registration.apis[0]?.identifier),
    )
    const known = (scope: string) => IDENTITY_SCOPES.includes(scope) || api?.scopes.includes(scope)
    const scopes = registration?.defaultScopes?.filter(known) ?? api?.scopes
    if (scopes && scopes.length > 0) form.scope = scopes.join(' ')
  }
}

/**
 * OpenID Connect Core, section 11: offline access takes an explicit consent, for which the client must ask, and is else
 * ignored. Clients that forget are better served by asking the person.
 */
function askForOfflineAccess(_ctx: OidcContext, form: Form): void {
  const prompts = words(form.prompt)
  if (!words(form.scope).includes('offline_access') || prompts.includes('none') || prompts.includes('consent')) return
  form.prompt = [...prompts, 'consent'].join(' ')
}

/** The sign-in page lets anybody be chosen, so it serves who asks for a choice of accounts. */
function takeAccountSelection(_ctx: OidcContext, form: Form): void {
  const prompts = words(form.prompt)
  if (!prompts.includes('select_account')) return
  form.prompt = [...new Set(prompts.map((prompt) => (prompt === 'select_account' ? 'login' : prompt)))].join(' ')
}

/** One that contradicts is left for the engine, which knows whether the application may be told. */
function takeClearAudience(ctx: OidcContext, form: Form): void {
  const { audience, resource } = form
  if (
    !Array.isArray(audience) &&
    (resource === undefined || (audience !== undefined && isSameResource(resource, audience)))
  )
    takeAudience(ctx, form)
}

/** What an authorization request is given before the engine sees it, by whichever endpoint it comes. */
export const authorizationSteps = (services: OidcServices): FormStep[] => [
  takeClearAudience,
  takeDeclaredResource(services),
  takeDefaultScope(services),
  takeAccountSelection,
  askForOfflineAccess,
]

/** A URL that long is taken by every server and proxy on its way. */
const MAX_QUERY = 8 * 1024

/** What stands in the body of a pushed request only, and would stand in no URL. */
const AUTHENTICATION = new Set(['client_secret', 'client_assertion', 'client_assertion_type'])

const queryOf = (form: Form): string =>
  new URLSearchParams(
    Object.entries(form).flatMap(([name, value]) => [value ?? ''].flat().map((one): [string, string] => [name, one])),
  ).toString()

/** A request that is pushed is as large as the same request in a URL may be (RFC 9126, section 2.3: 413). */
export function checkSize(_ctx: OidcContext, form: Form): void {
  const parameters = Object.fromEntries(Object.entries(form).filter(([name]) => !AUTHENTICATION.has(name)))
  if (queryOf(parameters).length > MAX_QUERY) throw new OAuthError(413, 'invalid_request', 'the request is too long')
}

function checkQuery(ctx: OidcContext): void {
  if (ctx.querystring.length > MAX_QUERY) throw new OAuthError(414, 'invalid_request', 'the request is too long')
}

/**
 * A form that another site posts comes without our cookies (SameSite=Lax), so that its person would seem to be signed
 * out. It goes on as the link that it might have been.
 */
export async function postToGet(ctx: OidcContext, next: Next): Promise<void> {
  if (ctx.method !== 'POST') return await next()
  const form = await readForm(ctx)
  const query = queryOf(form)
  if (query.length > MAX_QUERY) throw new OAuthError(413, 'invalid_request', 'the request is too long')
  ctx.status = 303
  ctx.redirect(`${ctx.path}?${query}`)
}

/** Lets the steps work on the query of a link. */
export function linkEndpoint(...steps: FormStep[]) {
  return async (ctx: OidcContext, next: Next): Promise<void> => {
    checkQuery(ctx)
    const form: Form = { ...ctx.query }
    normalizeScope(form)
    for (const step of form.request_uri === undefined ? steps : []) await step(ctx, form)
    // Koa takes undefined for a parameter without a value.
    ctx.query = Object.fromEntries(Object.entries(form).filter(([, value]) => value !== undefined)) as never
    await next()
  }
}
