import type { SignInStep } from '../accounts/sign-in-progress.ts'
import type { SignInOrigin } from '../accounts/sign-in-record.ts'
import type { UpstreamTarget } from './upstream-state.ts'

/** The ways to sign in through a provider. */
export interface ProviderOffers {
  readonly providers: readonly { readonly id: string; readonly name: string }[]
  /** The domains of some addresses lead to a provider. */
  readonly isRouted: boolean
  /** A provider is on this machine, which is for development. */
  readonly hasLoopback: boolean
}

/** Why a sign-in through a provider failed. */
export type UpstreamFailure =
  /** The state has expired, was used, or belongs to another browser or provider. */
  | 'expired'
  /** There is no such provider, or it is disabled. */
  | 'disabled'
  /** The provider does not respond. */
  | 'unavailable'
  /** The user or the provider declined. */
  | 'denied'
  /** The response is not valid. */
  | 'invalid'
  /** Nobody here belongs to the identity, and nobody is created for it. */
  | 'unknown'
  /** The user or their account is disabled. */
  | 'inactive'
  /** The provider did not authenticate the user recently enough, or does not say when. */
  | 'not_fresh'
  /** Another user than the one who confirms. */
  | 'other_user'
  /** The identity is connected already: with the user who connects it, or with another one. */
  | 'connected'
  | 'connected_elsewhere'
  | 'slow_down'

/** Why a sign-in leads nowhere. */
export interface UpstreamRefusal {
  readonly failure: UpstreamFailure
  readonly providerName?: string
  /** Seconds until the next attempt passes. */
  readonly retryAfter?: number
}

/** `target`: where the sign-in was to lead; absent: nobody knows. */
export type UpstreamResult =
  | { readonly outcome: 'continue'; readonly step: SignInStep; readonly target: UpstreamTarget }
  /** The user signs in with credentials of this instance, and then confirms the link. */
  | {
      readonly outcome: 'link'
      readonly ticket: string
      readonly providerName: string
      readonly email: string | undefined
      readonly target: UpstreamTarget
    }
  /** The user who is signed in confirms that they connect the identity. */
  | { readonly outcome: 'connect'; readonly ticket: string; readonly target: UpstreamTarget }
  | ({ readonly outcome: 'failed'; readonly target?: UpstreamTarget } & UpstreamRefusal)

export interface UpstreamResponse extends SignInOrigin {
  readonly providerId: string
  /** The parameters of the authorization response. */
  readonly parameters: URLSearchParams
  /** The browser that sends it. */
  readonly boundTo: string
  /** What this browser was given at an earlier sign-in. */
  readonly browser?: string | undefined
}

export interface UpstreamRequest {
  readonly providerId: string
  readonly boundTo: string
  readonly target: UpstreamTarget
  readonly loginHint?: string | undefined
}
