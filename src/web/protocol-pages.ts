import type { Context } from 'koa'
import { wantsPage } from './accepts-html.ts'
import { messagePage } from './messages.ts'
import type { Show } from './page.ts'
import { type FormTargets, formTargets } from './page-headers.ts'

export interface DeviceCodeForm {
  readonly action: string
  readonly xsrf: string
  readonly userCode?: string
  readonly problem?: string
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
  deviceCode(ctx: Context, form: DeviceCodeForm): void
  confirmDevice(ctx: Context, form: DeviceCodeForm & { readonly client: string; readonly device: string }): void
  deviceDone(ctx: Context): void
}

const UNKNOWN_APPLICATION = 'Unknown application'

/** RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6; RFC 8707; RFC 9126. */
const TITLES: Readonly<Record<string, string>> = {
  invalid_client: UNKNOWN_APPLICATION,
  unauthorized_client: 'The application is not allowed to do this',
  invalid_redirect_uri: 'Redirect URI not registered',
  invalid_scope: 'Invalid scope or API',
  invalid_target: 'Invalid scope or API',
  invalid_request_uri: 'This link has expired',
  expired_token: 'This code has expired',
  access_denied: 'Access denied',
  slow_down: 'Too many attempts',
  rate_limit_exceeded: 'Too many requests from your network',
  unsupported_response_type: 'Unsupported response type',
  server_error: 'Something went wrong on our side',
  temporarily_unavailable: 'Service unavailable',
}

const OURS = new Set(['server_error', 'temporarily_unavailable', 'rate_limit_exceeded'])

const LATER = 'Try again in a moment. If the problem continues, contact support with the request ID below.'
const ANEW =
  'Go back to the application and try again. If the problem continues, send the details below to the developer of the application.'

const notSignedOutPage = (detail: string, requestId: string) =>
  messagePage({
    title: 'You are not signed out',
    paragraphs: ['The sign-out link is invalid, so you are still signed in. You can sign out here.'],
    detail,
    requestId,
    actions: [
      { label: 'Sign out', href: '/oauth2/logout' },
      { label: 'Go to the home page', href: '/' },
    ],
  })

function showError(show: Show, ctx: Context, { error, description, isSignOut }: Problem): void {
  if (!wantsPage(ctx)) {
    ctx.body = { error, error_description: description }
    return
  }
  const detail = [error, description].filter(Boolean).join(': ')
  if (isSignOut) {
    show(ctx, notSignedOutPage(detail, ctx.state.requestId))
    return
  }
  const title = TITLES[error] ?? 'Invalid request'
  const paragraphs = [OURS.has(error) ? LATER : ANEW]
  const actions = [{ label: 'Go to the home page', href: '/' }]
  show(ctx, messagePage({ title, paragraphs, detail, requestId: ctx.state.requestId, actions }))
}

const signedOutPage = (client: string | undefined) =>
  messagePage({
    title: 'You have been signed out',
    paragraphs: [
      client === undefined
        ? 'You can close this window.'
        : `You have been signed out of this site and of ${client}. You can close this window.`,
    ],
    actions: [{ label: 'Sign in again', href: '/signin' }],
  })

const deviceDonePage = () =>
  messagePage({
    title: 'Your device is connected',
    paragraphs: ['Your device continues in a few seconds. You can close this window.'],
    actions: [{ label: 'View connected applications', href: '/account/applications' }],
  })

/** A form to this site (a change of accounts) goes on to whichever application had asked. */
const targetsOf = (ctx: Context, action: string): FormTargets =>
  URL.parse(action, ctx.origin)?.host === ctx.host ? 'anywhere' : formTargets(action)

export function createProtocolPages(show: Show): ProtocolPages {
  return {
    error: (ctx, problem) => showError(show, ctx, problem),
    forward(ctx, form) {
      const fields = Object.entries(form.fields)
      const data = { action: form.action, fields }
      show(ctx, { view: 'forward', title: 'Redirecting', formTargets: targetsOf(ctx, form.action), data })
    },
    confirmSignOut: (ctx, form) =>
      show(ctx, { view: 'confirm-sign-out', title: 'Sign out?', formTargets: 'anywhere', data: { form } }),
    signedOut: (ctx, client) => show(ctx, signedOutPage(client)),
    deviceCode: (ctx, form) => show(ctx, { view: 'device-code', title: 'Connect a device', data: { form } }),
    confirmDevice: (ctx, form) => show(ctx, { view: 'confirm-device', title: 'Is this your code?', data: { form } }),
    deviceDone: (ctx) => show(ctx, deviceDonePage()),
  }
}
