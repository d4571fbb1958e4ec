import type { Context, Middleware, Next } from 'koa'
import { takeFrom } from '../accounts/sign-in-limits.ts'
import { clientMetadataOf, parseClientMetadata } from '../clients/client-metadata.ts'
import type { IssuerKeys } from '../clients/issuer-keys.ts'
import {
  metadataOfStatement,
  SoftwareStatementError,
  verifySoftwareStatement,
  withoutLinks,
  withStatement,
  withStatementOfClient,
} from '../clients/software-statements.ts'
import type { Database } from '../database/open-database.ts'
import { readBody } from '../http/request-body.ts'
import { checkRequest } from '../http/request-check.ts'
import {
  acceptsRegistrations,
  type NewlyRegisteredClient,
  type RegisteredClient,
  registerClient,
} from '../management/dynamic-registration.ts'
import { InvalidRegistrationTokenError } from '../management/permitted-registrations.ts'
import {
  deleteRegisteredClient,
  hasSecret,
  readRegisteredClient,
  updateRegisteredClient,
} from '../management/registered-clients.ts'
import { invalidInput, KeywrightError, RateLimitedError } from '../shared/errors.ts'
import { parseJson } from '../shared/json-text.ts'
import { networkOf } from '../shared/networks.ts'
import { hashSecret } from '../shared/secrets.ts'
import { REGISTRATION_PATH } from './management-paths.ts'
import { PROBLEMS, ProblemError, problemOf } from './problems.ts'

/** In bytes. A key set has some KiB. */
const BODY_LIMIT = 64 * 1024

/** The requests of one network that are answered at once; afterwards one every `INTERVAL` seconds. */
const BURST = 60
const INTERVAL = 2

export interface RegistrationServices {
  readonly database: Database
  readonly issuerKeys: IssuerKeys
  issuerUrl(): string
}

type Json = Readonly<Record<string, unknown>>

/** A request that RFC 7592 does not allow. */
class InvalidRequestError extends KeywrightError {
  constructor(message: string) {
    super('invalid_input', message)
  }
}

/** RFC 6750, section 2.1. */
const bearerOf = (ctx: Context): string => /^bearer +([\w~+/.-]+=*) *$/i.exec(ctx.get('authorization'))?.[1] ?? ''

const REDIRECT_FIELDS = ['redirectUris', 'redirect_uris']

/** RFC 7591, section 3.2.2. */
const metadataError = ({ fieldErrors }: KeywrightError): string =>
  fieldErrors.some(({ field }) => REDIRECT_FIELDS.includes(field)) ? 'invalid_redirect_uri' : 'invalid_client_metadata'

const CODES: Readonly<Record<string, string>> = {
  invalid_input: 'invalid_request',
  rate_limited: 'rate_limit_exceeded',
  conflict: 'access_denied',
  server_error: 'server_error',
  unavailable: 'temporarily_unavailable',
}

function errorNameOf(error: unknown, code: string): string {
  if (error instanceof InvalidRegistrationTokenError) return 'invalid_token'
  if (error instanceof InvalidRequestError) return 'invalid_request'
  if (error instanceof SoftwareStatementError) return error.error
  if (error instanceof KeywrightError && error.code === 'invalid_input') return metadataError(error)
  return CODES[code] ?? code
}

function respondWithError(ctx: Context, error: unknown): void {
  const { code, message, headers } = problemOf(error)
  const name = errorNameOf(error, code)
  ctx.state.failure = error
  ctx.state.errorCode = name
  ctx.set(headers)
  ctx.status = PROBLEMS[code][0]
  if (error instanceof RateLimitedError) ctx.set('Retry-After', String(error.retryAfter))
  if (name === 'invalid_token') {
    ctx.status = 401
    // RFC 6750, section 3.1: the challenge to a request without a token carries no error code.
    ctx.set('WWW-Authenticate', bearerOf(ctx) === '' ? 'Bearer' : 'Bearer error="invalid_token"')
  }
  ctx.body = { error: name, error_description: message }
}

/** @throws ProblemError `unsupported_media_type`; InvalidRequestError */
async function readMetadata(ctx: Context): Promise<Json> {
  if (ctx.request.type !== 'application/json')
    throw new ProblemError('unsupported_media_type', 'send client metadata as application/json')
  const body = await readBody(ctx.req, BODY_LIMIT)
  const json = parseJson(body.toString())
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json
  throw invalidInput('client metadata is a JSON object')
}

const secondsOf = (time: Date | null): number => (time ? Math.floor(time.getTime() / 1000) : 0)

/** The metadata with what the server adds (RFC 7591, section 3.2.1; RFC 7592, section 3). */
function informationOf(issuer: string, { client, registration, scopes, keys }: RegisteredClient, token: string) {
  return {
    client_id: client.clientId,
    client_id_issued_at: secondsOf(client.createdAt),
    registration_client_uri: `${issuer}${REGISTRATION_PATH}/${client.clientId}`,
    registration_access_token: token,
    ...clientMetadataOf({ settings: client, scopes, keys, ...registration }),
    ...(registration.softwareStatement && { software_statement: registration.softwareStatement }),
  }
}

function newInformationOf(issuer: string, registered: NewlyRegisteredClient) {
  const { clientSecret, secretExpiresAt, registrationAccessToken } = registered
  return {
    ...informationOf(issuer, registered, registrationAccessToken),
    ...(clientSecret && { client_secret: clientSecret, client_secret_expires_at: secondsOf(secretExpiresAt) }),
  }
}

/** RFC 7592, section 2.2: what the server adds is not part of an update. @throws InvalidRequestError */
function checkUpdate(json: Json, clientId: string): void {
  if (json.client_id !== clientId) throw new InvalidRequestError('client_id must be that of the client')
  const added = [
    'registration_access_token',
    'registration_client_uri',
    'client_secret_expires_at',
    'client_id_issued_at',
  ].find((name) => Object.hasOwn(json, name))
  if (added) throw new InvalidRequestError(`an update must not have ${added}`)
}

/** As `withoutLinks`: those that the client has stay, as an admin may have set them. */
const linksOf = ({ clientUri, policyUri, tosUri, postLogoutRedirectUris }: RegisteredClient['client']): Json => ({
  ...{ client_uri: clientUri, policy_uri: policyUri, tos_uri: tosUri },
  post_logout_redirect_uris: postLogoutRedirectUris,
})

/** What an update says with what the statement says by which the client registered. @throws SoftwareStatementError */
function updateOf(json: Json, { client, registration: { source, softwareStatement } }: RegisteredClient): Json {
  const { software_statement: given = null, ...rest } = json
  if (given !== null && given !== softwareStatement)
    throw new SoftwareStatementError(
      'unapproved_software_statement',
      'the software statement cannot change: register the client again',
    )
  if (softwareStatement === null) return rest
  const own = source === 'software_statement' ? { ...rest, ...linksOf(client) } : rest
  return withStatementOfClient(own, metadataOfStatement(softwareStatement), client.grants)
}

function refuseMethod(allowed: string): never {
  throw new ProblemError('method_not_allowed', `this endpoint accepts ${allowed}`, { headers: { Allow: allowed } })
}

/** Clients in browsers register themselves too. No cookie counts, so every origin may. */
function allowAnyOrigin(ctx: Context): boolean {
  ctx.set('Access-Control-Allow-Origin', '*')
  ctx.set('Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After')
  if (ctx.method !== 'OPTIONS') return false
  ctx.set('Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE')
  ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type')
  ctx.status = 204
  return true
}

function forbidStoring(ctx: Context): void {
  ctx.set('Cache-Control', 'no-store')
  ctx.set('Pragma', 'no-cache')
}

/** @throws RateLimitedError */
async function limitRate(ctx: Context, { reader }: Database): Promise<void> {
  const key = hashSecret(`registration ${networkOf(ctx.ip)}`)
  const taken = await takeFrom(reader, { key, burst: BURST, interval: INTERVAL })
  if ('wait' in taken) throw new RateLimitedError(taken.wait)
}

/**
 * Dynamic client registration (RFC 7591) at `POST /oauth2/register`, and its management (RFC 7592) at `/oauth2/register/{client_id}`.
 * 404 while the operator has it switched off.
 */
export function clientRegistration({ database, issuerKeys, issuerUrl }: RegistrationServices): Middleware {
  const { knex, clock } = database
  const originOf = (ctx: Context) => ({ ip: ctx.ip, requestId: ctx.state.requestId })

  async function register(ctx: Context): Promise<void> {
    if (ctx.method !== 'POST') refuseMethod('POST')
    const { software_statement: text = null, ...json } = await readMetadata(ctx)
    const statement =
      text === null ? undefined : await verifySoftwareStatement(knex, issuerKeys, text, issuerUrl(), clock.now())
    const token = bearerOf(ctx)
    const own = statement && token === '' ? withoutLinks(json) : json
    const metadata = parseClientMetadata(withStatement(own, statement?.metadata ?? {}), 'client_secret_basic')
    const registered = await registerClient(knex, token, metadata, originOf(ctx), statement)
    ctx.status = 201
    ctx.body = newInformationOf(issuerUrl(), registered)
  }

  async function configure(ctx: Context, clientId: string): Promise<void> {
    const configured = { clientId, registrationAccessToken: bearerOf(ctx) }
    if (ctx.method === 'DELETE') {
      await deleteRegisteredClient(knex, configured, originOf(ctx))
      ctx.status = 204
      return
    }
    if (ctx.method !== 'GET' && ctx.method !== 'PUT') refuseMethod('GET, PUT, DELETE')
    let registered = await readRegisteredClient(knex, configured)
    if (ctx.method === 'PUT') {
      const json = await readMetadata(ctx)
      checkUpdate(json, clientId)
      if (!(await hasSecret(knex, registered.client, json.client_secret)))
        throw new InvalidRequestError('client_secret must be the current client secret, or left out')
      const metadata = parseClientMetadata(updateOf(json, registered), registered.registration.authMethod)
      registered = await updateRegisteredClient(knex, configured, metadata, originOf(ctx))
    }
    ctx.body = informationOf(issuerUrl(), registered, configured.registrationAccessToken)
  }

  async function respond(ctx: Context): Promise<void> {
    checkRequest(ctx)
    await limitRate(ctx, database)
    const path = ctx.path.replace(/\/$/, '')
    if (path === REGISTRATION_PATH) await register(ctx)
    else await configure(ctx, path.slice(REGISTRATION_PATH.length + 1))
  }

  return async (ctx, next: Next) => {
    try {
      // As an endpoint that does not exist.
      if (!(await acceptsRegistrations(knex))) return await next()
      forbidStoring(ctx)
      if (!allowAnyOrigin(ctx)) await respond(ctx)
    } catch (error) {
      respondWithError(ctx, error)
    }
  }
}
