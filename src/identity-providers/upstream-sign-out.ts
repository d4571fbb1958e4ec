import type { Knex } from 'knex'
import type { SessionIdentity } from '../accounts/sign-in-tickets.ts'
import type { Clock } from '../shared/clock.ts'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import type { Log } from '../shared/log.ts'
import { createSealedTickets } from '../shared/sealed-tickets.ts'
import { unsealUpstreamSecret } from './identity-provider-secrets.ts'
import { findIdentityProvider } from './identity-providers.ts'
import { type UpstreamClient, UpstreamError } from './upstream-client.ts'
import { postLogoutUriOf } from './upstream-redirect-uris.ts'

interface SignOutServices {
  readonly knex: Knex
  readonly encryptionKeys: EncryptionKeys
  /** The database's. */
  readonly clock: Clock
  readonly client: Pick<UpstreamClient, 'endSessionEndpoint'>
  /** The issuer identifier, a URL. */
  readonly issuerUrl: string
  readonly log: Log
}

/** Milliseconds in which the browser comes back from the provider. */
const LIFETIME = 15 * 60_000

/** Characters of where a sign-out leads: a longer state would be cut off by servers on the way. */
const LONGEST_NEXT = 1500

interface SignOutState {
  readonly providerId: string
  readonly browser: string
  readonly next: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}

/** Where a browser signs out at a provider. */
export interface SignOutAtProvider {
  readonly url: URL
  readonly providerName: string
}

/** Undefined: there is none that a browser may be sent to. */
function browserUrl(endpoint: string | undefined, { issuer }: { readonly issuer: string }): URL | undefined {
  const url = endpoint === undefined ? null : URL.parse(endpoint)
  const isSafe = url?.protocol === 'https:' || (issuer.startsWith('http:') && url?.protocol === 'http:')
  return isSafe ? url! : undefined
}

/**
 * Sign-outs that go on to the provider with which a session began (OpenID Connect RP-Initiated Logout 1.0), after the session has ended here.
 * The parameter `state` is sealed and bound to the browser, so that nobody else decides where the browser goes afterwards.
 */
export function createUpstreamSignOut({ knex, encryptionKeys, clock, client, issuerUrl, log }: SignOutServices) {
  const states = createSealedTickets<SignOutState>(encryptionKeys, 'upstream sign-out')

  /** The provider of an identity that still exists, if it is enabled and users are signed out there too. */
  async function providerOf(identityId: string) {
    const row = await knex('user_identities').where({ id: identityId }).first('provider_id')
    const found = row && (await findIdentityProvider(knex, row.provider_id))
    return found?.provider.status === 'enabled' && found.provider.signOutAtProvider ? found : undefined
  }

  return {
    /**
     * Undefined: the user stays signed in at the provider, or the provider does not respond.
     * @param next where the browser goes afterwards, which the caller has checked
     */
    async begin(
      { id, idToken }: SessionIdentity,
      { boundTo, next }: { readonly boundTo: string; readonly next: string },
    ): Promise<SignOutAtProvider | undefined> {
      const found = idToken !== undefined && next.length <= LONGEST_NEXT ? await providerOf(id) : undefined
      if (!found) return undefined
      const { provider, sealedSecret } = found
      const clientSecret = unsealUpstreamSecret(encryptionKeys, provider.id, sealedSecret)
      try {
        const endpoint = await client.endSessionEndpoint(`${provider.id} ${provider.revision}`, {
          provider,
          clientSecret,
        })
        const url = browserUrl(endpoint, provider)
        if (!url) return undefined
        const state = { providerId: provider.id, browser: boundTo, next, expiresAt: clock.now() + LIFETIME }
        url.searchParams.set('id_token_hint', idToken!)
        url.searchParams.set('client_id', provider.clientId)
        url.searchParams.set('post_logout_redirect_uri', postLogoutUriOf(issuerUrl, provider.id))
        url.searchParams.set('state', states.seal(state))
        return { url, providerName: provider.name }
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error
        const { id: identityProvider, issuer } = provider
        log.warn(
          { identityProvider, issuer, problem: error.problem, detail: error.message },
          'upstream sign-out failed',
        )
        return undefined
      }
    },

    /** Where the browser goes that comes back from the provider. Undefined: the state has expired, or was not given to this browser. */
    nextOf(sealed: string, { providerId, browser }: { providerId: string; browser: string }): string | undefined {
      const state = states.open(sealed, clock.now())
      return state?.providerId === providerId && state.browser === browser ? state.next : undefined
    },
  }
}

export type UpstreamSignOut = ReturnType<typeof createUpstreamSignOut>
