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

const UNKNOWN_APPLICATION = 'This application is not known here'

/** RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6; RFC 8707; RFC 9126. */
const TITLES: Readonly<Record<string, string>> = {
  invalid_client: UNKNOWN_APPLICATION,
  unauthorized_client: 'This application may not do that',
  invalid_redirect_uri: 'The way back to the application is not registered',
  invalid_scope: 'The application asked for something that does not exist',
  invalid_target: 'The application asked for something that does not exist',
  invalid_request_uri: 'This link is used up',
  expired_token: 'This code is over',
  access_denied: 'Access was not allowed',
  slow_down: 'Too many tries',
  rate_limit_exceeded: 'Too many requests from your network',
  unsupported_response_type: 'The application asked in a way that is not known here',
  server_error: 'Something went wrong on our side',
  temporarily_unavailable: 'We cannot answer just now',
}

const OURS = new Set(['server_error', 'temporarily_unavailable', 'rate_limit_exceeded'])

const LATER = 'Try again in a moment. If it happens again, tell us the request id below: it leads us to the cause.'
const ANEW =
  'Go back to the application and start again. If it happens again, its makers can find the cause with what stands below.'

const notSignedOutPage = (detail: string, requestId: string) =>
  messagePage({
    title: 'You are not signed out',
    paragraphs: ['The link to sign out is not valid, so nothing was changed. You can sign out here.'],
    detail,
    requestId,
    actions: [
      { label: 'Sign out', href: '/oauth2/logout' },
      { label: 'Go to the start page', href: '/' },
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
  const title = TITLES[error] ?? 'This request was not understood'
  const paragraphs = [OURS.has(error) ? LATER : ANEW]
  const actions = [{ label: 'Go to the start page', href: '/' }]
  show(ctx, messagePage({ title, paragraphs, detail, requestId: ctx.state.requestId, actions }))
}

const signedOutPage = (client: string | undefined) =>
  messagePage({
    title: 'You are signed out',
    paragraphs: [
      client === undefined
        ? 'You can close this window.'
        : `You are signed out here and of ${client}. You can close this window.`,
    ],
    actions: [{ label: 'Sign in again', href: '/signin' }],
  })

const deviceDonePage = () =>
  messagePage({
    title: 'Your device is connected',
    paragraphs: ['It goes on by itself in a few seconds. You can close this window.'],
    actions: [{ label: 'See your connected applications', href: '/account/applications' }],
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
      show(ctx, { view: 'forward', title: 'One moment', formTargets: targetsOf(ctx, form.action), data })
    },
    confirmSignOut: (ctx, form) =>
      show(ctx, { view: 'confirm-sign-out', title: 'Sign out?', formTargets: 'anywhere', data: { form } }),
    signedOut: (ctx, client) => show(ctx, signedOutPage(client)),
    deviceCode: (ctx, form) => show(ctx, { view: 'device-code', title: 'Connect a device', data: { form } }),
    confirmDevice: (ctx, form) => show(ctx, { view: 'confirm-device', title: 'Is this your code?', data: { form } }),
    deviceDone: (ctx) => show(ctx, deviceDonePage()),
  }
}
