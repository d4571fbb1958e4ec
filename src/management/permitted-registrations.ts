import type { Knex } from 'knex'
import { lockAccountWithApiShared } from '../accounts/accounts.ts'
import { takeAttempts } from '../accounts/sign-in-limits.ts'
import type { ClientMetadata } from '../clients/client-metadata.ts'
import type { ClientSettings } from '../clients/client-settings.ts'
import { hasClientsOfIssuer, hasOpenClients, type RegistrationSource } from '../clients/dynamic-registrations.ts'
import {
  findInitialAccessToken,
  type InitialAccessToken,
  useInitialAccessToken,
} from '../clients/initial-access-tokens.ts'
import { dynamicRegistrationOf, getInstanceSettings, lockInstanceShared } from '../clients/instance-settings.ts'
import { OPEN_GRANTS } from '../clients/registration-attributes.ts'
import { useStatementIssuer } from '../clients/software-statement-issuers.ts'
import { type SoftwareStatement, SoftwareStatementError } from '../clients/software-statements.ts'
import { invalidInput, KeywrightError, RateLimitedError } from '../shared/errors.ts'
import { networkOf } from '../shared/networks.ts'
import { hashSecret } from '../shared/secrets.ts'

// By what right clients register themselves, and what they may have.

/** The token of a request is unknown, expired, revoked or used up, or is for another client (RFC 6750, section 3.1). */
export class InvalidRegistrationTokenError extends KeywrightError {
  constructor(message: string) {
    super('forbidden', message)
  }
}

/** @throws KeywrightError `invalid_input` */
export function checkGrants(grants: readonly string[], permitted: readonly string[]): void {
  const [other] = grants.filter((grant) => !permitted.includes(grant))
  if (other === undefined) return
  throw invalidInput(`the client may not register the grant type ${other.slice(0, 100)}`, 'grants')
}

type CalledUrls = Pick<ClientSettings, 'jwksUri' | 'backchannelLogoutUri'>

/**
 * The server calls a URL of keys for as long as the client exists, and a URL of sign-outs for each session of a user, so strangers may
 * choose neither. Anybody who has a copy of the software has its statement.
 * @param present what an admin has set, or a statement says
 * @throws KeywrightError `invalid_input`
 */
export function checkCalledUrls({ settings }: ClientMetadata, source: RegistrationSource, present: CalledUrls): void {
  if (source === 'initial_access_token') return
  const { jwksUri, backchannelLogoutUri } = settings
  const refused = (field: string, message: string) =>
    invalidInput(`a client that registers without an initial access token ${message}`, field)
  if (jwksUri !== null && jwksUri !== present.jwksUri) throw refused('jwksUri', 'gives its keys as jwks')
  if (backchannelLogoutUri !== null && backchannelLogoutUri !== present.backchannelLogoutUri)
    throw refused('backchannelLogoutUri', 'cannot have a backchannel_logout_uri')
}

/** What a new client may have, and by what right. */
export interface Permitted extends Pick<InitialAccessToken, 'accountId' | 'grants' | 'apis' | 'scopes'> {
  readonly source: RegistrationSource
  readonly through?: string
  /** URLs that the server may call, because no stranger has chosen them. */
  readonly urls: CalledUrls
}

const NO_URLS: CalledUrls = { jwksUri: null, backchannelLogoutUri: null }

const unusable = () =>
  new InvalidRegistrationTokenError('the initial access token is missing, unknown, expired, revoked or used up')

/** The locks in the order of a registration in the console. @throws InvalidRegistrationTokenError, KeywrightError `conflict` */
export async function permittedByToken(trx: Knex, secret: string): Promise<Permitted> {
  const token = await findInitialAccessToken(trx, secret)
  if (!token) throw unusable()
  await lockInstanceShared(trx)
  if ((await dynamicRegistrationOf(trx)) === 'off') throw unusable()
  await lockAccountWithApiShared(trx, token.accountId)
  if (!(await useInitialAccessToken(trx, token.id))) throw unusable()
  return { ...token, source: 'initial_access_token', through: token.id, urls: NO_URLS }
}

/**
 * The clients of strangers that an account holds, and those of a software statement issuer: each user could allow any number.
 * Registrations of strangers at the same time may exceed it by their number, which their rate limits.
 */
export const MAX_OPEN_CLIENTS = 10_000

/**
 * What the operator permits strangers.
 * @throws InvalidRegistrationTokenError; KeywrightError `conflict` (the API of the instance is switched off, or the account holds too many)
 */
export async function permittedOpenly(trx: Knex): Promise<Permitted> {
  await lockInstanceShared(trx)
  const settings = await getInstanceSettings(trx)
  const { dynamicRegistration, openRegistrationAccount: accountId } = settings
  if (dynamicRegistration !== 'open' || accountId === null) throw unusable()
  await lockAccountWithApiShared(trx, accountId).catch((error) => {
    // What is wrong with the account is not for strangers.
    throw error instanceof KeywrightError ? unusable() : error
  })
  if (await hasOpenClients(trx, accountId, MAX_OPEN_CLIENTS))
    throw new KeywrightError('conflict', 'no more clients can register without an initial access token')
  const { openRegistrationApis: apis, openRegistrationScopes: scopes } = settings
  return { accountId, grants: OPEN_GRANTS, apis, scopes, source: 'open', urls: NO_URLS }
}

const unapproved = (message: string) => new SoftwareStatementError('unapproved_software_statement', message)

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** What the operator permits to whom has a statement of this issuer. @throws SoftwareStatementError, InvalidRegistrationTokenError */
export async function permittedByStatement(
  trx: Knex,
  { issuer: trusted, metadata }: SoftwareStatement,
): Promise<Permitted> {
  const { accountId, grants, apis, scopes, issuer } = trusted
  await lockInstanceShared(trx)
  if ((await dynamicRegistrationOf(trx)) === 'off') throw unusable()
  await lockAccountWithApiShared(trx, accountId).catch((error) => {
    throw error instanceof KeywrightError ? unapproved('clients with statements of this issuer cannot register') : error
  })
  await keepIssuer(trx, trusted.id)
  if (await hasClientsOfIssuer(trx, issuer, MAX_OPEN_CLIENTS))
    throw new KeywrightError('conflict', 'no more clients with statements of this issuer can register')
  const urls = {
    jwksUri: textOrNull(metadata.jwks_uri),
    backchannelLogoutUri: textOrNull(metadata.backchannel_logout_uri),
  }
  return { accountId, grants, apis, scopes, source: 'software_statement', urls }
}

/** The operator may have removed it since it was found. @throws SoftwareStatementError */
export async function keepIssuer(trx: Knex, id: string): Promise<void> {
  if (!(await useStatementIssuer(trx, id))) throw unapproved('its issuer is not trusted by this server')
}

/** Registrations of one network that are answered at once; afterwards one every `interval` seconds. */
const OF_NETWORK = { burst: 10, interval: 60 }

/** The same of all networks together: some 1,500 a day. Unused ones are deleted, so their number is bounded. */
const OF_ALL = { burst: 100, interval: 60 }

/**
 * Limits what strangers store: their registrations, and the changes of these.
 * @param issuer of their software statements; each has limits of its own
 * @throws RateLimitedError
 */
export async function limitStrangers(knex: Knex, ip: string | undefined, issuer: string | null): Promise<void> {
  const what = issuer === null ? 'open registration' : `software statements of ${issuer}`
  const buckets = [
    { key: hashSecret(`${what} ${networkOf(ip ?? '')}`), ...OF_NETWORK },
    { key: hashSecret(what), ...OF_ALL },
  ]
  const refused = await takeAttempts(knex, buckets)
  if (refused) throw new RateLimitedError(refused.retryAfter)
}
