import type { Context } from 'koa'

export interface ErrorProblem {
  readonly error: string
  readonly description?: string
  /** An application asked for a sign-out in a way that cannot be trusted: the user is still signed in. */
  readonly isSignOut?: boolean
}

/** The pages that the protocol itself shows to people; whoever renders them is handed in. */
export interface ProtocolPages {
  /** What went wrong and cannot be told to any application. `ctx.status` is set already. */
  error(ctx: Context, problem: ErrorProblem): void
  /** A form that goes on by itself, or at the press of a button where scripts are off. */
  forward(ctx: Context, form: { readonly action: string; readonly fields: Readonly<Record<string, string>> }): void
  /** Posting `xsrf` and `logout=yes` to `action` signs out; without `logout` the person stays signed in. */
  confirmSignOut(ctx: Context, form: { readonly action: string; readonly xsrf: string; readonly client?: string }): void
  signedOut(ctx: Context, client?: string): void
  /** Posting `xsrf` and `user_code` to `action`. */
  deviceCode(ctx: Context, form: DeviceCodeForm): void
  /** Posting `xsrf`, `user_code` and `confirm=yes`, or `abort=yes`, to `action`. */
  confirmDevice(ctx: Context, form: DeviceCodeForm & { readonly client: string; readonly device: string }): void
  deviceDone(ctx: Context): void
}

export interface DeviceCodeForm {
  readonly action: string
  readonly xsrf: string
  readonly userCode?: string
  /** In words, why the last one was not taken. */
  readonly problem?: string
}
