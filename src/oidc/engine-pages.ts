import type { Context, Next } from 'koa'
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { describeError } from './engine-errors.ts'
import { formSecretOf } from './engine-internals.ts'
import type { DeviceCodeForm, DeviceCodeProblem } from './engine-page-types.ts'
import type { OidcServices } from './oidc-services.ts'

/** The engine's self-submitting form. Its values are escaped for HTML. */
const ENGINE_TITLE = '<title>Submitting Callback</title>'
const ENGINE_FORM = / action="([^"]*)"/
const ENGINE_FIELD = / name="([^"]*)" value="([^"]*)"/g

const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" }

const unescapeHtml = (text: string): string => text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity]!)

/** A URL of this server as a path: the browser sends its cookies only to the host name that it used. */
export const onThisSite = (url: string): string => {
  const { pathname, search } = new URL(url)
  return pathname + search
}

/**
 * Replaces the engine's self-submitting forms (form_post, a change of accounts), which contain a script, by pages of this
 * server.
 */
export function showForms({ pages, issuerUrl }: OidcServices) {
  return async (ctx: Context, next: Next): Promise<void> => {
    await next()
    const isForm = typeof ctx.body === 'string' && ctx.body.includes(ENGINE_TITLE)
    const form = isForm ? ENGINE_FORM.exec(ctx.body as string) : null
    if (!form) return
    const fields = [...(ctx.body as string).matchAll(ENGINE_FIELD)].map(([, name, value]) => [
      name!,
      unescapeHtml(value!),
    ])
    const action = unescapeHtml(form[1]!)
    const isOurs = action.startsWith(`${issuerUrl()}/`)
    pages.forward(ctx, { action: isOurs ? onThisSite(action) : action, fields: Object.fromEntries(fields) })
  }
}

const clientName = (ctx: KoaContextWithOIDC) => ctx.oidc.client?.clientName

function deviceForm(ctx: KoaContextWithOIDC, userCode?: string, problem?: DeviceCodeProblem): DeviceCodeForm {
  return {
    action: onThisSite(ctx.oidc.urlFor('code_verification')),
    xsrf: formSecretOf(ctx),
    ...(userCode && { userCode }),
    ...(problem && { problem }),
  }
}

const DEVICE_PROBLEMS: Record<string, DeviceCodeProblem> = {
  NoCodeError: 'missing',
  NotFoundError: 'unknown',
  ExpiredError: 'expired',
  AlreadyUsedError: 'used',
  AbortedError: 'refused',
}

/** The engine's features that show pages, with the pages of this server. */
export function pageFeatures({ pages }: OidcServices): Configuration['features'] {
  return {
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx) => {
        const form = { action: onThisSite(ctx.oidc.urlFor('end_session_confirm')), xsrf: formSecretOf(ctx) }
        const client = clientName(ctx)
        pages.confirmSignOut(ctx as unknown as Context, { ...form, ...(client && { client }) })
      },
      postLogoutSuccessSource: (ctx) => pages.signedOut(ctx as unknown as Context, clientName(ctx)),
    },
    deviceFlow: {
      enabled: true,
      userCodeInputSource: (ctx, _form, _out, error) => {
        const failed = error as (Error & { userCode?: string }) | undefined
        const problem = failed && (DEVICE_PROBLEMS[failed.name] ?? 'failed')
        pages.deviceCode(ctx as unknown as Context, deviceForm(ctx, failed?.userCode, problem))
      },
      userCodeConfirmSource: (ctx, _form, client, device, userCode) => {
        const named = { client: client.clientName ?? client.clientId, device: String(device.ip ?? '') }
        pages.confirmDevice(ctx as unknown as Context, { ...deviceForm(ctx, userCode), ...named })
      },
      successSource: (ctx) => pages.deviceDone(ctx as unknown as Context),
    },
  }
}

interface EngineError {
  readonly error: string
  readonly error_description?: string
}

const INVALID_HINT: EngineError = {
  error: 'invalid_request',
  error_description: 'id_token_hint is not an ID token that was issued here to this client',
}

/**
 * Whether a sign-out failed at its `id_token_hint`. The engine reports a token of an unknown client as `invalid_client`,
 * although what is wrong is the token.
 */
const isAboutHint = (ctx: Context, { error_description }: EngineError): boolean =>
  (ctx as unknown as Partial<KoaContextWithOIDC>).oidc?.route === 'end_session' &&
  /\bid_token_hint\b/.test(error_description ?? '')

/** Shows an error that is not sent to a client: a page for a browser, JSON for a program. */
export function showError(ctx: Context, out: EngineError, { pages }: OidcServices): void {
  const isSignOut = isAboutHint(ctx, out)
  const { error, error_description: description } = isSignOut ? INVALID_HINT : describeError(out)
  pages.error(ctx, { error, isSignOut, ...(description && { description }) })
}
