import { decodeJwt } from 'jose'
import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import { requested, skipsConsent, type UserAccount } from './engine-consents.ts'
import { interactionResultOf } from './engine-internals.ts'
import { registrationOf } from './request-state.ts'

const { Check, base } = interactionPolicy

const isSkipped = (ctx: KoaContextWithOIDC): boolean =>
  skipsConsent(registrationOf(ctx.oidc.client!), (ctx.oidc.account as unknown as UserAccount).user, requested(ctx))

/** A client that anybody on the same machine could pretend to be (RFC 8252, section 8.6). */
function isUnprovenNative({ oidc }: KoaContextWithOIDC): boolean {
  const { redirect_uri: uri } = oidc.params ?? {}
  return registrationOf(oidc.client!).isPublic && typeof uri === 'string' && !uri.startsWith('https:')
}

interface Wanted {
  readonly sub?: { readonly value?: string }
  readonly acr?: { readonly essential?: boolean; readonly value?: string; readonly values?: string[] }
}

const wantedOf = ({ oidc }: KoaContextWithOIDC): Wanted => (oidc.claims.id_token ?? {}) as Wanted

/** The engine judged the hint's signature when the request came, and forgets it while somebody signs in. */
function hintedUser({ oidc }: KoaContextWithOIDC): unknown {
  const { id_token_hint: hint } = oidc.params ?? {}
  return typeof hint === 'string' ? decodeJwt(hint).sub : undefined
}

/** OpenID Connect Core, section 3.1.2.2: nobody else's tokens, even if they are signed in. */
function isOtherUser(ctx: KoaContextWithOIDC): boolean {
  const wanted = [hintedUser(ctx), wantedOf(ctx).sub?.value].filter((sub) => sub !== undefined)
  return wanted.some((sub) => sub !== ctx.oidc.session?.accountId)
}

/** OpenID Connect Core, section 5.5.1.1: what is essential and was not done has failed. */
function isOtherAcr(ctx: KoaContextWithOIDC): boolean {
  const { essential, value, values = [] } = wantedOf(ctx).acr ?? {}
  const wanted = value === undefined ? values : [value]
  return essential === true && wanted.length > 0 && !wanted.includes(String(ctx.oidc.acr))
}

/** Who has just signed in would be asked again and again for what they cannot give; so the application is told. */
function refuseUnmet(ctx: KoaContextWithOIDC): boolean {
  if (!interactionResultOf(ctx).login) return false
  if (isOtherUser(ctx)) throw new errors.LoginRequired('somebody else than was asked for has signed in')
  if (isOtherAcr(ctx)) throw new errors.UnmetAuthenticationRequirements('this way of signing in is not known here')
  return false
}

/** The engine checks the redirect URI when a request begins; it may be removed from the client while the user signs in. */
function refuseRemovedRedirectUri({ oidc }: KoaContextWithOIDC): boolean {
  const { redirect_uri: uri } = oidc.params ?? {}
  if (typeof uri === 'string' && !oidc.client!.redirectUriAllowed(uri)) throw new errors.InvalidRedirectUri()
  return false
}

/** For the page, which may be wanted although nothing new is asked for. */
const askedFor = (ctx: KoaContextWithOIDC) => ({ asked: requested(ctx) })

/**
 * When a person is asked something, beside the engine's own reasons: when they may no longer sign in; and when a native
 * application without a secret asks, which never gets a code without somebody having looked.
 */
export function createPolicy() {
  const policy = base()
  const signIn = policy.get('login')!.checks
  signIn.add(new Check('redirect_uri', 'it was removed', 'invalid_redirect_uri', refuseRemovedRedirectUri))
  signIn.add(new Check('unmet', 'somebody else, or another way', 'login_required', refuseUnmet))
  signIn.add(new Check('user_gone', 'the person must sign in again', 'login_required', ({ oidc }) => !oidc.account))
  const { checks } = policy.get('consent')!
  checks.remove('native_client_prompt')
  checks.remove('consent_prompt')
  checks.add(
    new Check(
      'consent_prompt',
      'the person is to be asked',
      'consent_required',
      (ctx) => ctx.oidc.promptPending('consent') && !isSkipped(ctx),
      askedFor,
    ),
  )
  checks.add(
    new Check(
      'native_application',
      'native applications need the person',
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
