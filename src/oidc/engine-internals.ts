/**
 * The one module, with engine-session-internals.ts and engine-response-modes.ts, that reaches into parts of oidc-provider which its documentation and its types leave out.
 * `test/oidc/engine-internals.test.ts` fails when an update changes a part that is used here; package.json pins the version.
 */
import Provider, { type ClientMetadata, type KoaContextWithOIDC } from 'oidc-provider'
// @ts-expect-error no types
import ServerChallenge from 'oidc-provider/lib/helpers/challenge.js'

// @ts-expect-error the types leave out the errors that show the page for user codes again
import { AlreadyUsedError } from 'oidc-provider/lib/helpers/re_render_errors.js'

// @ts-expect-error no types
import instance from 'oidc-provider/lib/helpers/weak_cache.js'

import type { InteractionResult } from './engine-login.ts'
import type { OidcContext } from './request-state.ts'

export { checkDpopReplay, validateDpop } from 'oidc-provider/lib/helpers/grants.js'
export { AlreadyUsedError }

export type EngineClient = InstanceType<Provider['Client']>
export type EngineGrant = InstanceType<Provider['Grant']>
export type EngineToken = InstanceType<Provider['AccessToken']> & { expiresIn?: number; rar?: unknown }

export type EngineContext = KoaContextWithOIDC & OidcContext

/** The request that the engine is processing; undefined outside of its middleware. */
export const engineContext = (): EngineContext | undefined => Provider.ctx as EngineContext | undefined

/** The result of an interaction that has just been finished for the request. */
export const interactionResultOf = ({ oidc }: KoaContextWithOIDC): InteractionResult =>
  (oidc as unknown as { result?: InteractionResult }).result ?? {}

/** The CSRF secret in the session of a sign-out or of a user code, or an empty text. */
export function formSecretOf({ oidc }: KoaContextWithOIDC): string {
  const { state } = oidc.session as unknown as { state?: { secret?: string } }
  return state?.secret ?? ''
}

/** Makes an engine sign and verify with the keys of another one: its requests in progress must not use a revoked key. */
export function useKeysOf(earlier: Provider, present: Provider): void {
  instance(earlier).keystore = instance(present).keystore
}

type Method = (...args: never[]) => unknown

/** Replaces methods that exist. A method that an update removed would else be replaced in vain, without any error. */
export function replaceMethods(target: object, methods: Readonly<Record<string, Method>>): void {
  for (const name of Object.keys(methods)) {
    if (typeof (target as Record<string, unknown>)[name] === 'function') continue
    throw new Error(`oidc-provider has no method ${name} any more, which engine-internals.ts replaces`)
  }
  Object.assign(target, methods)
}

/** Runs the engine's client schema, some 100 microseconds. */
export function createEngineClient(provider: Provider, metadata: ClientMetadata): EngineClient {
  return new (provider.Client as unknown as new (metadata: ClientMetadata) => EngineClient)(metadata)
}

/** Lets the engine accept every redirect URI of a registration: registrations have validated them, by other rules. */
export function acceptRegisteredRedirectUris(provider: Provider): void {
  const { Schema } = provider.Client as unknown as { Schema: { prototype: object } }
  replaceMethods(Schema.prototype, { redirectUris: () => {}, postLogoutRedirectUris: () => {} })
}

/** How the engine finds and checks its clients. */
export interface ClientOverrides {
  find(id: unknown): Promise<EngineClient | undefined>
  compareClientSecret(client: EngineClient): Promise<boolean>
  responseTypeAllowed(client: EngineClient): boolean
  grantTypeAllowed(client: EngineClient, type: string): boolean
}

export function overrideClients(provider: Provider, overrides: ClientOverrides): void {
  replaceMethods(provider.Client, { find: overrides.find })
  replaceMethods(provider.Client.prototype, {
    compareClientSecret(this: EngineClient) {
      return overrides.compareClientSecret(this)
    },
    responseTypeAllowed(this: EngineClient) {
      return overrides.responseTypeAllowed(this)
    },
    grantTypeAllowed(this: EngineClient, type: string) {
      return overrides.grantTypeAllowed(this, type)
    },
  })
}

/** What the engine calls to notify a client of a sign-out. */
interface LogoutClient {
  readonly backchannelLogoutUri?: string
  backchannelLogout(sub: string, sid: string | undefined): Promise<void>
}

/** Sends a logout token (OpenID Connect Back-Channel Logout 1.0). Undefined where the client has no URI for it. */
export function backchannelLogout(client: EngineClient, sub: string, sid: string | undefined) {
  const recipient = client as unknown as LogoutClient
  return recipient.backchannelLogoutUri ? recipient.backchannelLogout(sub, sid) : undefined
}

/** Makes the engine record access tokens by `save`, which returns the JWT. Its response is sent after `save` resolved. */
export function saveAccessTokensBy(provider: Provider, save: (token: EngineToken) => Promise<string>): void {
  for (const model of [provider.AccessToken, provider.ClientCredentials]) {
    replaceMethods(model.prototype, {
      save(this: EngineToken) {
        return save(this)
      },
    })
  }
}

/** Makes the engine find access tokens of both its kinds by `find`, as tokens of one kind. */
export function findAccessTokensBy(provider: Provider, find: () => Promise<EngineToken | undefined>): void {
  replaceMethods(provider.AccessToken, { find })
  replaceMethods(provider.ClientCredentials, { find: async () => undefined })
}

/** A token that the engine may inspect, and revoke by its `destroy`. */
export function createEngineToken(provider: Provider, fields: object): EngineToken {
  const token = new (provider.AccessToken as unknown as new () => EngineToken)()
  return Object.assign(token, fields)
}

/** Makes the engine find refresh tokens by `find`, which returns the fields of one, or undefined. */
export function findRefreshTokensBy(provider: Provider, find: (value: string) => Promise<object | undefined>): void {
  replaceMethods(provider.RefreshToken, {
    async find(value: string) {
      const fields = await find(value)
      return fields && Object.assign(new (provider.RefreshToken as unknown as new () => object)(), fields)
    },
  })
}

/** Makes the engine find grants by `find`. */
export function findGrantsBy(provider: Provider, find: (id: unknown) => Promise<EngineGrant | undefined>): void {
  replaceMethods(provider.Grant, { find })
}

/** Keeps the engine from marking codes as used before their tokens are issued. */
export function disableCodeConsumption({ AuthorizationCode, DeviceCode }: Provider): void {
  for (const model of [AuthorizationCode, DeviceCode]) replaceMethods(model.prototype, { consume: async () => {} })
}

/** Calls `onMissing` when the engine finds no authorization code, or an expired one. */
export function onMissingCode({ AuthorizationCode }: Provider, onMissing: (value: string) => Promise<void>): void {
  const find = AuthorizationCode.find.bind(AuthorizationCode)
  replaceMethods(AuthorizationCode, {
    async find(value: string, options: object) {
      const code = (await find(value, options as never)) as { isExpired: boolean } | undefined
      if (!code || code.isExpired) await onMissing(value)
      return code
    },
  })
}

/**
 * Makes the engine record each use of a DPoP proof by `record`, which throws for one that was recorded before: the engine would respond with
 * another error at each endpoint. It records nothing else, as it authenticates no client.
 */
export function recordProofsBy(
  provider: Provider,
  record: (clientId: string, jti: string, expiresAt: number) => Promise<void>,
): void {
  replaceMethods(provider.ReplayDetection, {
    async unique(clientId: string, jti: string, expiresAt: number) {
      await record(clientId, jti, expiresAt)
      return true
    },
  })
}

/** Calls `prepare` with the ID token before the engine signs it. */
export function beforeIdTokenIssue({ IdToken }: Provider, prepare: (token: { scope?: string }, use?: string) => void) {
  interface Issuing {
    readonly use?: string
  }
  const issue = IdToken.prototype.issue as (this: { scope?: string }, options: Issuing) => Promise<string>
  replaceMethods(IdToken.prototype, {
    issue(this: { scope?: string }, options: Issuing): Promise<string> {
      prepare(this, options.use)
      return issue.call(this, options)
    },
  })
}

/** The nonces of DPoP proofs: the one to use next, and whether one is valid, which it is for some three minutes. */
export interface DpopNonces {
  nextChallenge(): string
  checkChallenge(nonce: string): boolean
}

/** The engine's nonces of one secret of 32 bytes. */
export const engineNonces = (secret: Buffer): DpopNonces => new ServerChallenge(secret, 'DPoP')

/**
 * Makes the engine issue and check nonces by `nonces`. Its configuration must have a `nonceSecret`. Where `isOffered` is false, the
 * engine issues none and judges the time of a proof.
 */
export function useNonces(provider: Provider, nonces: DpopNonces, isOffered: (ctx: EngineContext) => boolean): void {
  const engine = (instance(provider) as { DPoPNonces?: object }).DPoPNonces ?? {}
  replaceMethods(engine, {
    nextChallenge: () => (isOffered(engineContext()!) ? nonces.nextChallenge() : undefined),
    checkChallenge: (nonce: string) => nonces.checkChallenge(nonce),
  })
}

interface RequestUrls {
  readonly ctx: EngineContext
  readonly route: string
  urlFor(name: string, options?: object): string
}

/**
 * Makes the engine expect the DPoP proof of a request for its route at another origin, where `originOf` names one. A proof is the only
 * reason for which the engine asks for the URL of these routes while it serves them.
 */
export function expectProofsAt(provider: Provider, originOf: (ctx: EngineContext) => string | undefined): void {
  const { prototype } = (provider as unknown as { OIDCContext: { prototype: RequestUrls } }).OIDCContext
  const { urlFor } = prototype
  const routes = ['token', 'pushed_authorization_request', 'userinfo']
  replaceMethods(prototype, {
    urlFor(this: RequestUrls, name: string, options?: object) {
      const url = urlFor.call(this, name, options)
      const origin = name === this.route && routes.includes(name) ? originOf(this.ctx) : undefined
      return origin === undefined ? url : origin + new URL(url).pathname
    },
  })
}
