import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import { type PersonAccount, skipsConsent } from './consents.ts'
import { registrationOf } from './request-state.ts'

const { Check, base } = interactionPolicy

const isSkipped = ({ oidc }: KoaContextWithOIDC): boolean =>
  skipsConsent(registrationOf(oidc.client!), (oidc.account as unknown as PersonAccount).user)

/** A client that anybody on the same machine could pretend to be (RFC 8252, section 8.6). */
function isUnprovenNative({ oidc }: KoaContextWithOIDC): boolean {
  const { redirect_uri: uri } = oidc.params ?? {}
  return registrationOf(oidc.client!).isPublic && typeof uri === 'string' && !uri.startsWith('https:')
}

/**
 * When a person is asked something, beside the engine's own reasons: when they may no longer sign in; and when a native
 * application without a secret asks, which never gets a code without somebody having looked.
 */
export function createPolicy() {
  const policy = base()
  policy
    .get('login')!
    .checks.add(
      new Check('person_gone', 'the person must sign in again', 'login_required', ({ oidc }) => !oidc.account),
    )
  const { checks } = policy.get('consent')!
  checks.remove('native_client_prompt')
  checks.remove('consent_prompt')
  checks.add(
    new Check(
      'consent_prompt',
      'the person is to be asked',
      'consent_required',
      (ctx) => ctx.oidc.promptPending('consent') && !isSkipped(ctx),
    ),
  )
  checks.add(
    new Check('native_application', 'native applications need the person', 'interaction_required', (ctx) => {
      const { result } = ctx.oidc as unknown as { result?: { consent?: unknown; login?: unknown } }
      return isUnprovenNative(ctx) && !result?.consent && !(isSkipped(ctx) && result?.login)
    }),
  )
  return policy
}
