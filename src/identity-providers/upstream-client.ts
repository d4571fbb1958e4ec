import type { JWTVerifyGetKey } from 'jose'
import { LRUCache } from 'lru-cache'
import type { Configuration, CustomFetch } from 'openid-client'
import { KeywrightError } from '../shared/errors.ts'
import type { IdentityProvider } from './identity-providers.ts'
import { checkMetadata, UnsupportedProviderError } from './provider-metadata.ts'
import type { Claims } from './upstream-claims.ts'
import { createUpstreamKeys } from './upstream-keys.ts'
import type { UpstreamState } from './upstream-state.ts'

/** Fetches a URL that an account or operator named, in bounded time and size, at public addresses only. */
export type UpstreamFetch = (url: string, init: RequestInit) => Promise<Response>

/** A provider with its client secret. */
export interface UpstreamProvider {
  readonly provider: Pick<IdentityProvider, 'issuer' | 'clientId' | 'clientAuth' | 'scopes'>
  readonly clientSecret: string
}

/** Why a response of a provider leads to no sign-in. */
export type UpstreamProblem =
  /** It does not respond, or has an error of its own. */
  | 'unavailable'
  /** The user or the provider declined. */
  | 'denied'
  /** The response or a token is not valid. */
  | 'invalid'

export class UpstreamError extends Error {
  readonly problem: UpstreamProblem

  constructor(problem: UpstreamProblem, message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'UpstreamError'
    this.problem = problem
  }
}

/** Seconds by which the clocks of a provider and of this node may differ. */
const CLOCK_TOLERANCE = 60

/** Milliseconds for which the metadata of a provider is used. Its keys are read again after five minutes, and for an unknown key. */
const METADATA_LIFETIME = 3_600_000

/** Milliseconds for which a provider that failed is not asked again. */
const FAILURE_LIFETIME = 5_000

const library = () => import('openid-client')

const causesOf = (error: unknown): unknown[] => (error instanceof Error ? [error, ...causesOf(error.cause)] : [])

const hasStatus5xx = (error: unknown): boolean => {
  const status = (error as { status?: unknown }).status
  const cause = (error as { cause?: unknown }).cause
  const response = cause instanceof Response ? cause.status : undefined
  return [status, response].some((one) => typeof one === 'number' && one >= 500)
}

const codeOf = (error: unknown): unknown => (error as { error?: unknown }).error

/** What went wrong, in the words of the log; the library's messages contain neither tokens nor secrets. */
function problemOf(error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error
  const causes = causesOf(error)
  const message = causes
    .map((one) => (one as Error).message)
    .join(': ')
    .slice(0, 500)
  const isOurs = causes.some((one) => one instanceof KeywrightError)
  if (isOurs || causes.some(hasStatus5xx)) return new UpstreamError('unavailable', message, error)
  const code = causes.map(codeOf).find((one) => typeof one === 'string')
  if (code === 'access_denied') return new UpstreamError('denied', message, error)
  const isBusy = code === 'temporarily_unavailable' || code === 'server_error'
  const text = code ? `${message} (${code})`.slice(0, 500) : message
  return new UpstreamError(isBusy ? 'unavailable' : 'invalid', text, error)
}

/** Runs what talks to a provider. @throws UpstreamError */
async function explained<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw problemOf(error)
  }
}

/** A field of metadata that browsers and this server open. @throws UnsupportedProviderError */
function checkEndpoint(value: string | undefined, name: string, isInsecure: boolean): void {
  const url = value === undefined ? undefined : URL.parse(value)
  const isSafe = url?.protocol === 'https:' || (isInsecure && url?.protocol === 'http:')
  if (!isSafe) throw new UnsupportedProviderError('issuer', `the metadata of the provider has no valid ${name}`)
}

async function discover({ provider, clientSecret }: UpstreamProvider, fetch: UpstreamFetch): Promise<Configuration> {
  const {
    discovery,
    ClientSecretBasic,
    ClientSecretPost,
    allowInsecureRequests,
    enableNonRepudiationChecks,
    ...symbols
  } = await library()
  const isInsecure = provider.issuer.startsWith('http:')
  const authentication = provider.clientAuth === 'client_secret_post' ? ClientSecretPost : ClientSecretBasic
  const custom: CustomFetch = (url, init) => fetch(url, init as RequestInit)
  const config = await discovery(
    new URL(provider.issuer),
    provider.clientId,
    { [symbols.clockTolerance]: CLOCK_TOLERANCE },
    authentication(clientSecret),
    {
      // Signatures are verified although the token endpoint is reached over TLS, and thereby only public keys are accepted.
      execute: [enableNonRepudiationChecks, ...(isInsecure ? [allowInsecureRequests] : [])],
      [symbols.customFetch]: custom,
      timeout: 10,
    },
  )
  const metadata = config.serverMetadata()
  checkEndpoint(metadata.authorization_endpoint, 'authorization_endpoint', isInsecure)
  checkEndpoint(metadata.token_endpoint, 'token_endpoint', isInsecure)
  checkEndpoint(metadata.jwks_uri, 'jwks_uri', isInsecure)
  return config
}

/** @throws UpstreamError */
function checkClaims(claims: Claims, { clientId }: { clientId: string }): void {
  const latest = Date.now() / 1000 + CLOCK_TOLERANCE
  for (const name of ['iat', 'auth_time'])
    if (typeof claims[name] === 'number' && claims[name] > latest)
      throw new UpstreamError('invalid', `the claim ${name} of the ID token is in the future`)
  if (claims.azp !== undefined && claims.azp !== clientId)
    throw new UpstreamError('invalid', 'the claim azp of the ID token names another client')
}

/** What a provider said of somebody. */
export interface UpstreamIdentity {
  /** Of the ID token. */
  readonly claims: Claims
  /** In compact form. */
  readonly idToken: string
  /** Adds the claims of userinfo, whose subject is the same. @throws UpstreamError */
  withUserinfo(): Promise<Claims>
}

export interface AuthorizationOptions {
  readonly redirectUri: string
  readonly loginHint?: string | undefined
  /** Seconds since the user authenticated; 0: the user authenticates now. */
  readonly maxAge?: number | undefined
  /** Authentication context classes that are requested. */
  readonly acrValues?: readonly string[] | undefined
}

/** Talks to OpenID providers as a client (OpenID Connect Core, section 3.1: code flow with PKCE). Keeps their metadata and keys. */
export function createUpstreamClient(fetch: UpstreamFetch) {
  const configurations = new LRUCache<string, Promise<Configuration>>({ max: 500, ttl: METADATA_LIFETIME })

  /** Requests at the same time share one discovery. @param key changes with the provider */
  function configurationOf(key: string, upstream: UpstreamProvider): Promise<Configuration> {
    const known = configurations.get(key)
    if (known) return known
    const found = explained(() => discover(upstream, fetch))
    configurations.set(key, found)
    found.catch(() => configurations.set(key, found, { ttl: FAILURE_LIFETIME }))
    return found
  }

  const keySets = createUpstreamKeys(fetch)

  return {
    /** The keys with which the provider signs, read when they are needed. @throws UpstreamError */
    async keysOf(key: string, upstream: UpstreamProvider): Promise<JWTVerifyGetKey> {
      const config = await configurationOf(key, upstream)
      return keySets(key, config.serverMetadata().jwks_uri!)
    },

    /** As in the metadata (OpenID Connect RP-Initiated Logout 1.0). @throws UpstreamError */
    endSessionEndpoint: async (key: string, upstream: UpstreamProvider): Promise<string | undefined> =>
      (await configurationOf(key, upstream)).serverMetadata().end_session_endpoint,

    /** As in `ProviderChecks`. */
    check: async (upstream: UpstreamProvider): Promise<void> => {
      await explained(async () => checkMetadata((await discover(upstream, fetch)).serverMetadata(), upstream.provider))
    },

    /** Where the browser is sent to. @throws UpstreamError */
    async authorizationUrl(
      key: string,
      upstream: UpstreamProvider,
      { sealed, nonce, verifier }: Pick<UpstreamState, 'nonce' | 'verifier'> & { readonly sealed: string },
      { redirectUri, loginHint, maxAge, acrValues = [] }: AuthorizationOptions,
    ): Promise<URL> {
      const config = await configurationOf(key, upstream)
      const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await library()
      return buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope: upstream.provider.scopes.join(' '),
        state: sealed,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        ...(loginHint !== undefined && { login_hint: loginHint }),
        ...(maxAge === 0 && { prompt: 'login' }),
        ...(maxAge !== undefined && { max_age: String(maxAge) }),
        ...(acrValues.length > 0 && { acr_values: acrValues.join(' ') }),
      })
    },

    /**
     * Redeems the code of an authorization response, whose state was checked before.
     * @param responseUrl the redirect URI with the parameters of the response
     * @throws UpstreamError
     */
    async redeem(
      key: string,
      upstream: UpstreamProvider,
      { nonce, verifier }: Pick<UpstreamState, 'nonce' | 'verifier'>,
      responseUrl: URL,
    ): Promise<UpstreamIdentity> {
      const config = await configurationOf(key, upstream)
      const { authorizationCodeGrant, fetchUserInfo } = await library()
      const checks = {
        expectedState: responseUrl.searchParams.get('state') ?? '',
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      }
      const tokens = await explained(() => authorizationCodeGrant(config, responseUrl, checks))
      const claims = tokens.claims() as Claims
      checkClaims(claims, upstream.provider)
      return {
        claims,
        idToken: tokens.id_token!,
        async withUserinfo() {
          if (!config.serverMetadata().userinfo_endpoint) return claims
          const more = await explained(() => fetchUserInfo(config, tokens.access_token, claims.sub as string))
          return { ...more, ...claims }
        },
      }
    },
  }
}

export type UpstreamClient = ReturnType<typeof createUpstreamClient>
