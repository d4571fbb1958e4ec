import type Provider from 'oidc-provider'
import { errors } from 'oidc-provider'
import { acceptsIdentityAssertions } from '../exchange/asserted-tokens.ts'
import { assertionError, readIdentityAssertion } from '../identity-providers/identity-assertions.ts'
import { epochSeconds } from '../shared/clock.ts'
import type { AssertionHandler, JwtBearerContext } from './assertion-handler.ts'
import { inEngineTerms } from './engine-errors.ts'
import { checkDpopReplay, validateDpop } from './engine-internals.ts'
import { recordOnce } from './engine-rows.ts'
import type { OidcServices } from './oidc-services.ts'
import { actorOf, clientOf } from './request-state.ts'

/** The handler of identity assertions (draft-ietf-oauth-identity-assertion-authz-grant-03, section 4.4). */
export function createIdentityAssertionHandler(provider: Provider, services: OidcServices): AssertionHandler {
  const { database, encryptionKeys, upstreamClient, assertedTokens, issuerUrl } = services
  const { knex, clock } = database

  /** The thumbprint of the key in the DPoP proof (RFC 9449); undefined without a proof. */
  async function provenKey(ctx: JwtBearerContext): Promise<string | undefined> {
    const proof = await validateDpop(provider, ctx as never)
    await checkDpopReplay(provider, ctx as never, proof, ctx.oidc.client!.clientId, errors.InvalidGrant)
    return proof?.thumbprint
  }

  return async (ctx, presented) => {
    const client = clientOf(ctx, services.authenticator, ctx.oidc.client!)
    const { key, clientId, accountId, isPublic } = client.registration
    const jkt = await provenKey(ctx)
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
