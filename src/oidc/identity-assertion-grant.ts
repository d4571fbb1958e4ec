import type Provider from 'oidc-provider'
import { acceptsIdentityAssertions } from '../exchange/asserted-tokens.ts'
import { assertionError, readIdentityAssertion } from '../identity-providers/identity-assertions.ts'
import { epochSeconds } from '../shared/clock.ts'
import type { AssertionHandler } from './assertion-handler.ts'
import { inEngineTerms } from './engine-errors.ts'
import { recordOnce } from './engine-rows.ts'
import type { OidcServices } from './oidc-services.ts'
import { provenKey } from './proven-key.ts'
import { actorOf, clientOf } from './request-state.ts'

/** The handler of identity assertions (draft-ietf-oauth-identity-assertion-authz-grant-03, section 4.4). */
export function createIdentityAssertionHandler(provider: Provider, services: OidcServices): AssertionHandler {
  const { database, encryptionKeys, upstreamClient, assertedTokens, issuerUrl } = services
  const { knex, clock } = database

  return async (ctx, presented) => {
    const client = clientOf(ctx, services.authenticator, ctx.oidc.client!)
    const { key, clientId, accountId, isPublic } = client.registration
    const jkt = await provenKey(provider, ctx as never)
    const { resource, scope } = (ctx.oidc.params ?? {}) as Record<string, string | undefined>
    ctx.state.issued = await inEngineTerms(async () => {
      // Before the keys of a provider are read.
      if (isPublic || !(await acceptsIdentityAssertions(knex, key)))
        throw assertionError('this client may not present identity assertions', 'identity_assertion_not_allowed')
      const recipient = { clientId, accountId, issuer: issuerUrl() }
      const reader = { knex, encryptionKeys, client: upstreamClient }
      const assertion = await readIdentityAssertion(reader, presented, recipient, epochSeconds(clock.now()))
      const actor = { ...actorOf(ctx), ip: ctx.ip }
      return await assertedTokens.issue({ client, assertion, resource, scope, jkt, actor, once: recordOnce })
    })
    ctx.body = { token_type: jkt ? 'DPoP' : 'Bearer' }
  }
}
