import type { KoaContextWithOIDC } from 'oidc-provider'
import { findConsent, grantConsent } from '../consents/consents.ts'
import { findActingAccount } from './acting-account.ts'
import { covers, requested, skipsConsent, toEngineGrant, type UserAccount } from './engine-consents.ts'
import type { EngineGrant } from './engine-internals.ts'
import type { OidcServices } from './oidc-services.ts'
import { type OidcContext, registrationOf } from './request-state.ts'

/**
 * The grant of the user for the client of the request, in the account that is decided; undefined: there is none yet. Where the consent
 * page is skipped, consent is recorded here.
 */
export async function loadGrant(ctx: KoaContextWithOIDC, services: OidcServices): Promise<EngineGrant | undefined> {
  const acting = await findActingAccount(ctx, services)
  const { state } = ctx as unknown as OidcContext
  state.acting = acting
  if (!('accountId' in acting)) return undefined
  const { accountId, consent } = acting
  const { provider } = ctx.oidc
  const registration = registrationOf(ctx.oidc.client!)
  const wanted = requested(ctx)
  if (!skipsConsent(registration, accountId, wanted) || (consent && covers(consent, wanted))) {
    return consent && toEngineGrant(provider, consent)
  }
  const { knex } = services.database
  const actor = { type: 'system', id: 'consent skipped', ip: ctx.ip, requestId: state.requestId } as const
  const { user } = ctx.oidc.account as unknown as UserAccount
  const parties = { userId: user.id, accountId, clientKey: registration.key }
  await grantConsent(knex, { ...parties, skipped: true, since: user.sessionsValidFrom }, wanted, actor)
  return toEngineGrant(provider, (await findConsent(knex, parties))!)
}
