import type { Context } from 'koa'
import type { SessionIdentity } from '../accounts/sign-in-tickets.ts'
import type { UpstreamSignOut } from '../identity-providers/upstream-sign-out.ts'
import type { MessageKey, Translate } from '../languages/translator.ts'
import { wantsPage } from './accepts-html.ts'
import { messagePage } from './messages.ts'
import type { Page, Show } from './page.ts'
import { type FormTargets, formTargets } from './page-headers.ts'
import { translateFor } from './page-language.ts'
import { leadToProvider } from './upstream-sign-out-steps.ts'

/** Why the device code that was entered before is not accepted. */
type DeviceCodeProblem = 'missing' | 'unknown' | 'expired' | 'used' | 'refused' | 'failed'

export interface DeviceCodeForm {
  readonly action: string
  readonly xsrf: string
  readonly userCode?: string
  readonly problem?: DeviceCodeProblem
}

export interface SignOutForm {
  readonly action: string
  readonly xsrf: string
  readonly client?: string
}

interface Problem {
  readonly error: string
  readonly description?: string
  readonly isSignOut?: boolean
}

/** The pages that the protocol shows; it declares what it needs of them itself, and is handed these. */
export interface ProtocolPages {
  error(ctx: Context, problem: Problem): void
  forward(ctx: Context, form: { readonly action: string; readonly fields: Readonly<Record<string, string>> }): void
  confirmSignOut(ctx: Context, form: SignOutForm): void
  signedOut(ctx: Context, client?: string): void
  /** Leads a browser whose session has ended on to the provider of its identity, and from there to `next`. False: not there. */
  signOutAtProvider(ctx: Context, identity: SessionIdentity, next: string): Promise<boolean>
  deviceCode(ctx: Context, form: DeviceCodeForm): void
  confirmDevice(ctx: Context, form: DeviceCodeForm & { readonly client: string; readonly device: string }): void
  deviceDone(ctx: Context): void
}

/** RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6; RFC 8707; RFC 9126. */
const TITLES: Readonly<Record<string, MessageKey>> = {
  invalid_client: 'error.unknownApplication',
  unauthorized_client: 'error.notAllowed',
  invalid_redirect_uri: 'error.redirectUri',
  invalid_scope: 'error.scope',
  invalid_target: 'error.scope',
  invalid_request_uri: 'error.linkExpired',
  expired_token: 'error.codeExpired',
  access_denied: 'error.accessDenied',
  slow_down: 'error.tooManyAttempts',
  rate_limit_exceeded: 'error.tooManyFromNetwork',
  unsupported_response_type: 'error.responseType',
  server_error: 'error.server',
  temporarily_unavailable: 'error.unavailable',
}

/** What happened and what to do, where there is more to say than to start again. */
const TEXTS: Readonly<Record<string, MessageKey>> = {
  invalid_client: 'error.unknownApplicationText',
  invalid_redirect_uri: 'error.redirectUriText',
  invalid_request_uri: 'error.linkExpiredText',
  expired_token: 'error.codeExpiredText',
  access_denied: 'error.accessDeniedText',
  slow_down: 'error.later',
  rate_limit_exceeded: 'error.later',
  server_error: 'error.later',
  temporarily_unavailable: 'error.later',
}

const homeLink = (t: Translate) => ({ label: t('common.home'), href: '/' })

const notSignedOutPage = (t: Translate, detail: string, requestId: string) =>
  messagePage({
    title: t('signOut.failed'),
    paragraphs: [t('signOut.failedText')],
    detail,
    requestId,
    actions: [{ label: t('signOut.submit'), href: '/oauth2/logout' }, homeLink(t)],
  })

/** The error and its description are for developers, and English (RFC 6749, section 4.1.2.1). */
function showError(show: Show, ctx: Context, { error, description, isSignOut }: Problem): void {
  if (!wantsPage(ctx)) {
    ctx.body = { error, error_description: description }
    return
  }
  const t = translateFor(ctx)
  const detail = [error, description].filter(Boolean).join(': ')
  if (isSignOut) {
    show(ctx, notSignedOutPage(t, detail, ctx.state.requestId))
    return
  }
  const title = t(TITLES[error] ?? 'error.invalidRequest')
  const paragraphs = [t(TEXTS[error] ?? 'error.startAgain')]
  show(ctx, messagePage({ title, paragraphs, detail, requestId: ctx.state.requestId, actions: [homeLink(t)] }))
}

const signedOutPage = (t: Translate, client: string | undefined) =>
  messagePage({
    title: t('signOut.done'),
    paragraphs: [client === undefined ? t('signOut.close') : t('signOut.ofClient', { client })],
    actions: [{ label: t('signOut.signInAgain'), href: '/signin' }],
  })

const deviceDonePage = (t: Translate) =>
  messagePage({
    title: t('device.connected'),
    paragraphs: [t('device.connectedText')],
    actions: [{ label: t('device.viewApplications'), href: '/account/applications' }],
  })

const confirmSignOutPage = (t: Translate, form: SignOutForm): Page => ({
  view: 'confirm-sign-out',
  title: t('signOut.title'),
  formTargets: 'anywhere',
  data: { form },
})

const DEVICE_PROBLEMS: Readonly<Record<DeviceCodeProblem, MessageKey>> = {
  missing: 'device.codeMissing',
  unknown: 'device.codeUnknown',
  expired: 'device.codeExpired',
  used: 'device.codeUsed',
  refused: 'device.refused',
  failed: 'device.failed',
}

function deviceCodePage(t: Translate, { problem, ...form }: DeviceCodeForm): Page {
  const fieldError = problem && t(DEVICE_PROBLEMS[problem])
  return { view: 'device-code', title: t('device.title'), data: { form, fieldError } }
}

/** A form to this site (a change of accounts) goes on to whichever application had asked. */
const targetsOf = (ctx: Context, action: string): FormTargets =>
  URL.parse(action, ctx.origin)?.host === ctx.host ? 'anywhere' : formTargets(action)

export function createProtocolPages(show: Show, signOut: UpstreamSignOut): ProtocolPages {
  return {
    error: (ctx, problem) => showError(show, ctx, problem),
    forward(ctx, form) {
      const fields = Object.entries(form.fields)
      const data = { action: form.action, fields }
      show(ctx, {
        isPassing: true,
        view: 'forward',
        title: translateFor(ctx)('forward.title'),
        formTargets: targetsOf(ctx, form.action),
        data,
      })
    },
    confirmSignOut: (ctx, form) => show(ctx, confirmSignOutPage(translateFor(ctx), form)),
    signOutAtProvider: leadToProvider(signOut, show),
    signedOut: (ctx, client) => show(ctx, signedOutPage(translateFor(ctx), client)),
    deviceCode: (ctx, form) => show(ctx, deviceCodePage(translateFor(ctx), form)),
    confirmDevice: (ctx, form) =>
      show(ctx, { view: 'confirm-device', title: translateFor(ctx)('device.confirm'), data: { form } }),
    deviceDone: (ctx) => show(ctx, deviceDonePage(translateFor(ctx))),
  }
}
