import type Provider from 'oidc-provider'
import { errors, type KoaContextWithOIDC } from 'oidc-provider'
import type { NamedSubject } from '../exchange/named-subjects.ts'
import { readTokenClaims } from '../tokens/presented-claims.ts'
import { inEngineTerms, OAuthError } from './engine-errors.ts'
import type { OidcServices } from './oidc-services.ts'
import { provenKey } from './proven-key.ts'
import { actorOf, clientOf, type OidcContext } from './request-state.ts'

type Context = KoaContextWithOIDC & OidcContext

type Parameters = Readonly<Record<string, string | undefined>>

/** RFC 8693, section 3. An access token of this server is a JWT too. */
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const TYPES: readonly (string | undefined)[] = [ACCESS_TOKEN, 'urn:ietf:params:oauth:token-type:jwt']

/** Longer than any access token of this server. */
const MAX_TOKEN_LENGTH = 16_384

const invalidRequest = (description: string) => new errors.InvalidRequest(description)

/** RFC 8693, section 2.1. @throws errors.InvalidRequest */
function checkParameters({
  subject_token,
  subject_token_type,
  actor_token,
  actor_token_type,
  requested_token_type,
}: Parameters): void {
  if (!subject_token) throw invalidRequest("missing required parameter 'subject_token'")
  if (!subject_token_type) throw invalidRequest("missing required parameter 'subject_token_type'")
  if (!TYPES.includes(subject_token_type))
    throw invalidRequest('only access tokens can be exchanged (subject_token_type)')
  if (requested_token_type && !TYPES.includes(requested_token_type))
    throw invalidRequest('tokens are exchanged for access tokens only (requested_token_type)')
  if (actor_token || actor_token_type)
    throw invalidRequest('actor_token is not supported: the actor is the client that authenticates')
}

/** The user or the account that the client names: parameters beside those of RFC 8693. */
function namedSubject({ requested_subject: user, requested_account: account }: Parameters): NamedSubject | undefined {
  if (user) return { user, account: account || undefined }
  return account ? { user: undefined, account } : undefined
}

/** The handler of token exchange (RFC 8693). It issues access tokens only: no refresh token and no ID token. */
export function createExchangeHandler(provider: Provider, services: OidcServices) {
  /** The claims of an active or inactive access token of this server. @throws OAuthError `invalid_request` */
  async function subjectClaims({ subject_token = '' }: Parameters): Promise<Record<string, unknown>> {
    const { keyRings, issuerUrl } = services
    const isShort = subject_token.length <= MAX_TOKEN_LENGTH
    const claims = isShort ? await readTokenClaims(keyRings, issuerUrl(), subject_token) : undefined
    if (claims) return claims
    const reason = 'subject_token_invalid'
    throw new OAuthError(400, 'invalid_request', 'the subject token is no access token of this server', { reason })
  }

  return async (ctx: Context): Promise<void> => {
    const parameters = (ctx.oidc.params ?? {}) as Parameters
    checkParameters(parameters)
    const client = clientOf(ctx, services.authenticator, ctx.oidc.client!)
    const jkt = await provenKey(provider, ctx as never)
    const claims = await subjectClaims(parameters)
    const { resource, scope } = parameters
    const named = namedSubject(parameters)
    const request = { client, claims, named, resource, scope, jkt, actor: actorOf(ctx) }
    ctx.state.issued = await inEngineTerms(() => services.tokenExchange.exchange(request))
    ctx.body = { issued_token_type: ACCESS_TOKEN, token_type: jkt ? 'DPoP' : 'Bearer' }
  }
}
