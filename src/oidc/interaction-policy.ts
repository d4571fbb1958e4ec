import { decodeJwt } from 'jose'
import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import type { ActingAccount } from './account-choice.ts'
import { needsSecondFactor, requestedAcrs, stateRequestedAcr } from './authentication-context.ts'
import { isUnprovenNative, requested, skipsConsent } from './engine-consents.ts'
import { interactionResultOf } from './engine-internals.ts'
import { type OidcContext, registrationOf } from './request-state.ts'

const { Check, base } = interactionPolicy

const actingOf = (ctx: KoaContextWithOIDC): Partial<ActingAccount & { accountId: string | null }> =>
  (ctx as unknown as OidcContext).state.acting ?? {}

/** Without a decided account the user has to choose, so nothing else is asked for. */
function isSkipped(ctx: KoaContextWithOIDC): boolean {
  const { accountId } = actingOf(ctx)
  return accountId === undefined || skipsConsent(registrationOf(ctx.oidc.client!), accountId, requested(ctx))
}

interface Wanted {
  readonly sub?: { readonly value?: string }
  readonly acr?: { readonly essential?: boolean }
}

const wantedOf = ({ oidc }: KoaContextWithOIDC): Wanted => (oidc.claims.id_token ?? {}) as Wanted

/** The subject of `id_token_hint`, whose signature the engine verified when the request arrived. */
function hintedUser({ oidc }: KoaContextWithOIDC): unknown {
  const { id_token_hint: hint } = oidc.params ?? {}
  return typeof hint === 'string' ? decodeJwt(hint).sub : undefined
}

/** Whether the signed-in user is not the requested one (OpenID Connect Core, section 3.1.2.2). */
function isOtherUser(ctx: KoaContextWithOIDC): boolean {
  const wanted = [hintedUser(ctx), wantedOf(ctx).sub?.value].filter((sub) => sub !== undefined)
  return wanted.some((sub) => sub !== ctx.oidc.session?.accountId)
}

/** Whether an essential `acr` was not reached (OpenID Connect Core, section 5.5.1.1: the request has failed). */
function isOtherAcr(ctx: KoaContextWithOIDC): boolean {
  const wanted = requestedAcrs(ctx)
  return wantedOf(ctx).acr?.essential === true && wanted.length > 0 && !wanted.includes(String(ctx.oidc.acr))
}

/** Refuses instead of asking again: the user has just signed in and does not meet the request. */
function refuseUnmet(ctx: KoaContextWithOIDC): boolean {
  if (!interactionResultOf(ctx).login) return false
  if (isOtherUser(ctx)) throw new errors.LoginRequired('another user than the requested one has signed in')
  if (isOtherAcr(ctx)) throw new errors.UnmetAuthenticationRequirements('the requested acr is not supported')
  return false
}

/** The engine checks the redirect URI when a request begins; it may be removed from the client while the user signs in. */
function refuseRemovedRedirectUri({ oidc }: KoaContextWithOIDC): boolean {
  const { redirect_uri: uri } = oidc.params ?? {}
  if (typeof uri === 'string' && !oidc.client!.redirectUriAllowed(uri)) throw new errors.InvalidRedirectUri()
  return false
}

/** Whether the user must prove a second factor. It is the first check, so that the others compare the stated `acr`. */
function isStepUp(ctx: KoaContextWithOIDC): boolean {
  stateRequestedAcr(ctx)
  return needsSecondFactor(ctx)
}

/** Refuses an account that the request names, in the same way whether it exists or not. */
function refuseAccount(ctx: KoaContextWithOIDC): boolean {
  if ('isRefused' in actingOf(ctx)) throw new errors.AccessDenied('the user may not act for the requested account')
  return false
}

/** What the consent page says of the account. */
function accountDetails(ctx: KoaContextWithOIDC): Record<string, unknown> {
  const acting = actingOf(ctx)
  if ('choice' in acting) return { choice: acting.choice }
  const { accountId, name } = acting as { accountId?: string | null; name?: string }
  return { actingFor: accountId ?? null, actingName: name ?? null }
}

/** For the consent page, which `prompt=consent` shows although nothing new is requested. */
const askedFor = (ctx: KoaContextWithOIDC) => ({ asked: requested(ctx) })

/**
 * When the user must sign in or consent, beside the engine's own checks: when the request takes a second factor, when the user
 * may no longer sign in, and when a native application without a client secret requests a code, which it never gets without
 * interaction.
 */
export function createPolicy() {
  const policy = base()
  const signIn = policy.get('login')!.checks
  signIn.add(
    new Check('second_factor', 'a second factor is required', 'login_required', isStepUp, () => ({
      secondFactor: true,
    })),
    0,
  )
  signIn.add(
    new Check('redirect_uri', 'the redirect URI was removed', 'invalid_redirect_uri', refuseRemovedRedirectUri),
  )
  signIn.add(new Check('unmet', 'another user or acr is required', 'login_required', refuseUnmet))
  signIn.add(new Check('user_gone', 'the user must sign in again', 'login_required', ({ oidc }) => !oidc.account))
  const consent = policy.get('consent')!
  consent.details = accountDetails
  const { checks } = consent
  checks.add(new Check('account_refused', 'another account is required', 'access_denied', refuseAccount), 0)
  checks.add(
    new Check(
      'account_choice',
      'the user must choose an account',
      'account_selection_required',
      (ctx) => 'choice' in actingOf(ctx),
      askedFor,
    ),
    1,
  )
  checks.remove('native_client_prompt')
  checks.remove('consent_prompt')
  checks.add(
    new Check(
      'consent_prompt',
      'consent is required',
      'consent_required',
      (ctx) => ctx.oidc.promptPending('consent') && !isSkipped(ctx),
      askedFor,
    ),
  )
  checks.add(
    new Check(
      'native_application',
      'native applications require interaction',
      'interaction_required',
      (ctx) => {
        const { consent, login } = interactionResultOf(ctx)
        return isUnprovenNative(ctx) && !consent && !(isSkipped(ctx) && login)
      },
      askedFor,
    ),
  )
  return policy
}
