import type { Context } from 'koa'
import type { SessionIdentity } from '../accounts/sign-in-tickets.ts'

export interface ErrorProblem {
  readonly error: string
  readonly description?: string
  /** An application asked for a sign-out in a way that cannot be trusted: the user is still signed in. */
  readonly isSignOut?: boolean
}

/** The pages that the OAuth endpoints show. `web/` renders them. */
export interface ProtocolPages {
  /** An error that must not be sent to a redirect URI. `ctx.status` is set already. */
  error(ctx: Context, problem: ErrorProblem): void
  /** A form that submits itself, or by a button where scripts are off. */
  forward(ctx: Context, form: { readonly action: string; readonly fields: Readonly<Record<string, string>> }): void
  /** Posting `xsrf` and `logout=yes` to `action` signs out; without `logout` the user stays signed in. */
  confirmSignOut(ctx: Context, form: { readonly action: string; readonly xsrf: string; readonly client?: string }): void
  signedOut(ctx: Context, client?: string): void
  /** Leads a browser whose session has ended on to the provider of its identity, and from there to `next`. False: not there. */
  signOutAtProvider(ctx: Context, identity: SessionIdentity, next: string): Promise<boolean>
  /** Posting `xsrf` and `user_code` to `action`. */
  deviceCode(ctx: Context, form: DeviceCodeForm): void
  /** Posting `xsrf`, `user_code` and `confirm=yes`, or `abort=yes`, to `action`. */
  confirmDevice(ctx: Context, form: DeviceCodeForm & { readonly client: string; readonly device: string }): void
  deviceDone(ctx: Context): void
}

/** Why the device code that was entered before is not accepted; `refused`: the user refused the device. */
export type DeviceCodeProblem = 'missing' | 'unknown' | 'expired' | 'used' | 'refused' | 'failed'

export interface DeviceCodeForm {
  readonly action: string
  readonly xsrf: string
  readonly userCode?: string
  readonly problem?: DeviceCodeProblem
}
