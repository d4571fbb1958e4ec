import Koa from 'koa'
import type { RegistrationServices } from './api/client-registration-endpoint.ts'
import type { ManagementApiServices } from './api/management-api.ts'
import {
  GLOBAL_TOKEN_REVOCATION_PATH,
  isManagementPath,
  isRegistrationPath,
  isScimPath,
} from './api/management-paths.ts'
import { createOperations } from './api/operations.ts'
import { certificateMethodsOf } from './clients/certificate-authentication.ts'
import { createWorkloadTokenChecker } from './clients/workload-token-checks.ts'
import { AssertedTokens } from './exchange/asserted-tokens.ts'
import { createDelegatedTokens } from './exchange/delegated-tokens.ts'
import { TokenExchange } from './exchange/token-exchange.ts'
import { takeCertificateHeader } from './http/certificate-header.ts'
import { takeClientAddress } from './http/client-address.ts'
import { compressPages } from './http/compress-pages.ts'
import { loadWhenUsed } from './http/late-middleware.ts'
import { redirectToOneLoopbackName } from './http/loopback-redirect.ts'
import { observeRequests } from './http/observe.ts'
import { createUpstreamSignOut } from './identity-providers/upstream-sign-out.ts'
import { createGithubKeys, type GithubKeys } from './leaks/github-keys.ts'
import { mailSummary } from './mail/mail-summary.ts'
import { createDpopStore } from './oidc/dpop-store.ts'
import { createOidcInterface } from './oidc/oidc-interface.ts'
import { CodeTokens } from './refresh/code-tokens.ts'
import { RefreshTokens } from './refresh/refresh-tokens.ts'
import type { ServerServices } from './server-services.ts'
import type { createSignInServices } from './sign-in-services.ts'
import { StatusPublication } from './status/status-publication.ts'
import { ClientTokens } from './tokens/client-tokens.ts'
import { Issuer } from './tokens/issuance.ts'
import { createFreshTokens } from './tokens/reusable-tokens.ts'
import { upstreamCheck, upstreamClient } from './upstream-check.ts'
import { createPages, type Pages } from './web/pages.ts'
import { createDirectory } from './web/sign-in-directory.ts'
import type { WebServices } from './web/web-services.ts'

export interface ApplicationOptions {
  /** The issuer identifier, a URL. */
  readonly issuerUrl: string
  /** The URL by which this process reaches itself. */
  readonly ownUrl: string
  /** Whether the server accepts requests: it is not stopping. */
  readonly isOpen: () => boolean
  /** The text of /metrics. */
  readonly exposition: () => Promise<string>
}

export interface Application {
  readonly koa: Koa
  /** Closes the streams of the revocation feed. */
  closeFeed(): void
}

function createTokenServices(services: ServerServices, issuerUrl: string) {
  const { database, keyRings, accessTokenStore, statusIndexes, statusFollower, serverWatch, config } = services
  const { clock, knex } = database
  const issuer = new Issuer({ accessTokenStore, keyRings, statusIndexes, server: serverWatch, issuerUrl, clock })
  return {
    delegatedTokens: createDelegatedTokens({ knex, issuer, registrations: services.registrations }),
    clientTokens: new ClientTokens(knex, issuer, createFreshTokens(database, serverWatch)),
    refreshTokens: new RefreshTokens(knex, issuer),
    codeTokens: new CodeTokens(knex, issuer),
    tokenExchange: new TokenExchange(knex, issuer, clock),
    assertedTokens: new AssertedTokens(knex, issuer),
    statusPublication: new StatusPublication(database, statusFollower, keyRings, {
      issuer: issuerUrl,
      ttl: config.statusListTtl,
    }),
  }
}

/** Undefined unless the operator lets GitHub report leaks. */
function githubKeys({ config, outgoing }: ServerServices): GithubKeys | undefined {
  const url = config.githubSecretScanningKeys
  return url === undefined ? undefined : createGithubKeys({ url, fetch: (address) => outgoing.fetch(address) })
}

/** The management API and the console are loaded when they are first used: most nodes only issue tokens. */
function managementApi(services: ManagementApiServices): Koa.Middleware {
  const run = loadWhenUsed(async () => (await import('./api/management-api.ts')).createManagementApi(services))
  return (ctx, next) => (isManagementPath(ctx.path) ? run(ctx, next) : next())
}

/** The endpoints of the identity providers of accounts, loaded when they are first used. */
function globalTokenRevocation(services: ManagementApiServices): Koa.Middleware {
  const run = loadWhenUsed(async () =>
    (await import('./api/global-token-revocation.ts')).globalTokenRevocation(services),
  )
  return (ctx, next) => (ctx.path.replace(/\/$/, '') === GLOBAL_TOKEN_REVOCATION_PATH ? run(ctx, next) : next())
}

/** The endpoints at which clients register themselves. */
function clientRegistration(services: RegistrationServices): Koa.Middleware {
  const run = loadWhenUsed(async () =>
    (await import('./api/client-registration-endpoint.ts')).clientRegistration(services),
  )
  return (ctx, next) => (isRegistrationPath(ctx.path) ? run(ctx, next) : next())
}

function scim(services: ManagementApiServices): Koa.Middleware {
  const run = loadWhenUsed(async () => (await import('./api/scim/scim-interface.ts')).createScimInterface(services))
  return (ctx, next) => (isScimPath(ctx.path) ? run(ctx, next) : next())
}

type SignInServices = ReturnType<typeof createSignInServices>

/** The pages, with what only they need, loaded when they are first used. */
const web = (
  services: Omit<WebServices, keyof SignInServices>,
  pages: Pages,
  create: (module: typeof import('./sign-in-services.ts')) => SignInServices,
): Koa.Middleware =>
  loadWhenUsed(async () => {
    const { createWeb } = await import('./web/web.ts')
    return createWeb({ ...services, ...create(await import('./sign-in-services.ts')) }, pages)
  })

/** Creates the HTTP interfaces for an issuer: the OAuth endpoints, the operations, the management API and the pages. */
export function createApplication(services: ServerServices, options: ApplicationOptions): Application {
  const { config, log, database, encryptionKeys, metrics, keyRings, accessTokenStore, readiness } = services
  const { isOpen, exposition } = options
  const issuerUrl = () => options.issuerUrl
  const mail = mailSummary(config.mail)
  const client = upstreamClient(services.outgoing)
  const upstream = upstreamCheck(client, options.issuerUrl, services.config.outgoingAllow.length > 0)
  const { delegatedTokens, ...tokenServices } = createTokenServices(services, options.issuerUrl)
  const management = {
    knex: database.knex,
    reports: database.reports,
    encryptionKeys,
    mail,
    issuerUrl,
    delegatedTokens,
    upstream,
    fetchKeys: services.keyFetches.fetchNow,
    checkWorkloadToken: createWorkloadTokenChecker(services.issuerKeys, options.issuerUrl, database.clock),
  }
  const directory = createDirectory(database)
  const { knex, clock } = database
  const signOut = { knex, encryptionKeys, clock, client, issuerUrl: options.issuerUrl, log }
  const upstreamSignOut = createUpstreamSignOut(signOut)
  const pages = createPages(directory, upstreamSignOut)
  const oidc = createOidcInterface({
    ...services,
    ...tokenServices,
    statusListTtl: config.statusListTtl,
    statusFeedMax: config.statusFeedMax,
    certificateMethods: certificateMethodsOf(config.clientCertificates),
    certificateOrigin: config.clientCertificates?.origin,
    pages: pages.protocolPages,
    upstreamClient: client,
    issuerUrl,
  })
  const webServices = {
    flow: oidc.signInFlow,
    upstreamSignOut,
    directory,
    management,
    statusListTtl: config.statusListTtl,
    issuerUrl,
    ownUrl: () => options.ownUrl,
    apiDocument: async () => (await import('./api/openapi.ts')).describeApi(options.issuerUrl),
  }
  const { metricsToken, trustProxy, clientCertificates } = config
  const koa = new Koa({ proxy: trustProxy })
  koa.on('error', (error: Error) => log.warn({ detail: error.message }, 'response failed'))
  koa.use(takeClientAddress({ trustProxy, log }))
  if (clientCertificates) koa.use(takeCertificateHeader(clientCertificates))
  koa.use(observeRequests(log, metrics, database.clock))
  koa.use(compressPages())
  koa.use(redirectToOneLoopbackName(options.issuerUrl))
  koa.use(oidc.middleware)
  koa.use(createOperations({ readiness, metrics, metricsToken, issuerUrl: options.issuerUrl, exposition, isOpen }))
  const managementServices = {
    database,
    accessTokenStore,
    keyRings,
    dpopStore: createDpopStore(database.knex, encryptionKeys),
    certificateOrigin: config.clientCertificates?.origin,
    management,
    githubKeys: githubKeys(services),
    issuerUrl,
    isOpen,
  }
  koa.use(managementApi(managementServices))
  koa.use(globalTokenRevocation(managementServices))
  koa.use(clientRegistration({ database, issuerKeys: services.issuerKeys, issuerUrl }))
  koa.use(scim(managementServices))
  koa.use(web(webServices, pages, (module) => module.createSignInServices(services, options.issuerUrl, client)))
  return { koa, closeFeed: oidc.closeFeed }
}
