import type { Context } from 'koa'
import type { ProviderOffers } from '../identity-providers/upstream-results.ts'
import type { Translate } from '../languages/translator.ts'
import type { Login } from './sign-in-flow.ts'

export type { ProviderOffers }

/** Asks the browser for a passkey. */
export interface PasskeyPrompt {
  /** Where the response of the authenticator is posted to. */
  readonly path: string
  /** The challenge, sealed. */
  readonly sealed: string
  /** `PublicKeyCredentialRequestOptionsJSON`, as text. */
  readonly options: string
}

/** Where somebody signs in: on the way to an application, or without one. */
export interface SignInContext {
  readonly t: Translate
  readonly signInPath: string
  readonly passwordPath: string
  /** Where a code of the second factor is posted to; the steps of its set-up are below. */
  readonly factorPath: string
  /** What the page asks the browser for a passkey with; absent: browsers offer none here. */
  passkey?(): PasskeyPrompt | undefined
  /** Where the choice of an identity provider is posted to. */
  readonly providerPath: string
  /** Absent: there are none. */
  readonly offers?: ProviderOffers | undefined
  /** The interaction of an application's request. */
  readonly uid?: string
  /** The address that an application named. */
  readonly loginHint?: string | undefined
  /** Seconds since the user authenticated, which the application requires; 0: the user authenticates now. */
  readonly maxAge?: number | undefined
  /** An identity at a provider that is connected after this sign-in, sealed. */
  readonly link?: string | undefined
  /** The application one continues to. */
  readonly application?: string
  /** The address of its logo, if an operator answers for the application. */
  readonly applicationLogo?: string | undefined
  readonly formTargets?: readonly string[]
  /** Where to go afterwards, for a sign-in without an application. */
  readonly returnTo?: string
  /** A form that waits for the sign-in (`interrupted-forms.ts`). */
  readonly interrupted?: string | undefined
  /** Whether somebody who is signed in proves that it is still they. */
  readonly isConfirmation?: boolean
  /** Whether the application requires a second factor. */
  readonly demandsSecondFactor?: boolean
  /** Where the user goes on to the product of the operator to sign in, and its host; absent: users sign in here. */
  readonly product?: { readonly path: string; readonly host: string } | undefined
  /** Where a link for a new password is requested; absent: the instance sends no e-mail. */
  readonly forgotPath?: string | undefined
  /** Where a form is posted to that gives up. */
  readonly cancelPath?: string
  finish(ctx: Context, login: Login): Promise<void>
}
