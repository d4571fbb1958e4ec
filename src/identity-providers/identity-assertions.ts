import type { Knex } from 'knex'
import type { EncryptionKeys } from '../shared/encryption-keys.ts'
import { KeywrightError } from '../shared/errors.ts'
import type { RefusalReason } from '../shared/refusal-reasons.ts'
import { unsealUpstreamSecret } from './identity-provider-secrets.ts'
import { type IdentityProvider, type IdentityProviderRow, toIdentityProvider } from './identity-providers.ts'
import { type Claims, mayNameAccount, subjectIn } from './upstream-claims.ts'
import { type UpstreamClient, UpstreamError } from './upstream-client.ts'
import { CLOCK_TOLERANCE, verifyUpstreamToken } from './upstream-tokens.ts'

/** Seconds after which an assertion is refused, whatever its `exp` says: its `jti` is kept for so long. */
const LONGEST_AGE = 3600

/**
 * What a provider states in an Identity Assertion JWT Authorization Grant (draft-ietf-oauth-identity-assertion-authz-grant-03): who somebody is, and what a client may do for them. Its use
 * is not recorded yet.
 */
export interface IdentityAssertion {
  readonly provider: IdentityProvider
  readonly claims: Claims
  readonly subject: string
  readonly jti: string
  /** Seconds since 1970. */
  readonly issuedAt: number
  /** Seconds since 1970. After it, the assertion is refused for its age. */
  readonly keptUntil: number
  /** The identifiers of APIs (RFC 8707); undefined: it names none. */
  readonly resources: readonly string[] | undefined
  /** Undefined: it names none. */
  readonly scopes: readonly string[] | undefined
  /** The thumbprint of the key to which it is bound (RFC 9449, section 6.1). */
  readonly jkt: string | undefined
}

/** Who presents an assertion, and to whom. */
export interface AssertionRecipient {
  /** The client that has authenticated. */
  readonly clientId: string
  /** The account of the client; null: the client belongs to the instance. */
  readonly accountId: string | null
  /** The issuer identifier of this server. */
  readonly issuer: string
}

interface AssertionServices {
  readonly knex: Knex
  readonly encryptionKeys: EncryptionKeys
  readonly client: Pick<UpstreamClient, 'keysOf'>
}

/** An assertion that obtains no token: the standard's error, and why, which the client may know. */
export const assertionError = (
  message: string,
  reason: RefusalReason = 'identity_assertion_invalid',
  cause?: unknown,
) => new KeywrightError('invalid_grant', message, { reason, cause })

const invalid = (message: string, cause?: unknown) =>
  assertionError(`the identity assertion is not valid: ${message}`, 'identity_assertion_invalid', cause)

/** The claims before the signature is verified: only to find the keys. @throws KeywrightError `invalid_grant` */
function issuerOf(assertion: string): string {
  try {
    const { iss } = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString())
    if (typeof iss === 'string' && iss.length <= 2000 && iss.isWellFormed() && !iss.includes('\0')) return iss
  } catch {}
  throw invalid('it has no claim iss')
}

/** The providers of this issuer whose assertions the client may present: those of its account and of the instance, or of any account. */
function providersOf(knex: Knex, issuer: string, { accountId }: AssertionRecipient): Knex.QueryBuilder {
  const providers = knex('identity_providers AS p').where({
    'p.issuer': issuer,
    'p.status': 'enabled',
    'p.identity_assertions': true,
  })
  if (accountId === null) return providers
  return providers.where((one) => void one.where('p.account_id', accountId).orWhereNull('p.account_id'))
}

/** In the claim `aud_tenant`: the ID or external ID of the account. @throws KeywrightError `invalid_grant` */
export function accountNamedIn({ aud_tenant: named }: Claims): string | undefined {
  if (named === undefined) return undefined
  if (mayNameAccount(named)) return named
  throw invalid('aud_tenant is not a text')
}

/**
 * Of the providers of an issuer, that of the account which the assertion names, or else the only one that knows the subject, or else
 * the only one.
 * @throws KeywrightError `invalid_grant`
 */
async function selectProvider(
  knex: Knex,
  claims: Claims,
  subject: string,
  recipient: AssertionRecipient,
): Promise<IdentityProvider> {
  const named = accountNamedIn(claims)
  const rows: (IdentityProviderRow & { is_known: boolean })[] = await providersOf(knex, String(claims.iss), recipient)
    .leftJoin('user_identities AS i', (on) => {
      on.on('i.provider_id', 'p.id').andOn('i.subject', knex.raw('?', [subject]))
    })
    .leftJoin('accounts AS a', 'a.id', 'p.account_id')
    .modify((query) => {
      // The account of a user of a provider of the instance is checked when the user is known.
      if (named !== undefined)
        query.whereRaw('(p.account_id IS NULL OR a.id::text = ? OR a.external_id = ?)', [named, named])
    })
    .orderByRaw('(i.id IS NOT NULL) DESC, p.created_at, p.id')
    .limit(2)
    .select('p.*', knex.raw('(i.id IS NOT NULL) AS is_known'))
  const [first, second] = rows
  if (!first)
    throw assertionError(
      'no identity provider of this account accepts identity assertions',
      'identity_assertion_not_allowed',
    )
  if (second && second.is_known === first.is_known)
    throw assertionError('several accounts use this issuer: aud_tenant must name one', 'identity_assertion_not_allowed')
  return toIdentityProvider(first)
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 2000

/** The claim `resource`: a URI, or a list of URIs. @throws KeywrightError `invalid_grant` */
function resourcesIn({ resource }: Claims): readonly string[] | undefined {
  if (resource === undefined) return undefined
  const all: unknown[] = Array.isArray(resource) ? resource : [resource]
  if (all.length > 0 && all.length <= 50 && all.every(isText)) return all as string[]
  throw invalid('resource is neither a URI nor a list of URIs')
}

/** The claim `scope` (RFC 6749, section 3.3). @throws KeywrightError `invalid_grant` */
function scopesIn({ scope }: Claims): readonly string[] | undefined {
  if (scope === undefined) return undefined
  if (typeof scope !== 'string') throw invalid('scope is not a text')
  return scope.split(' ').filter(Boolean)
}

/** The claim `cnf`. @throws KeywrightError `invalid_grant` */
function keyIn({ cnf }: Claims): string | undefined {
  if (cnf === undefined) return undefined
  const { jkt, ...others } = (typeof cnf === 'object' && cnf !== null ? cnf : {}) as Record<string, unknown>
  if (typeof jkt === 'string' && Object.keys(others).length === 0) return jkt
  throw invalid('cnf is not the thumbprint of a key (jkt)')
}

/** What is not understood and could narrow what is granted. An assertion with it obtains no token. */
const UNSUPPORTED = ['authorization_details', 'act', 'tenant', 'crit'] as const

/** @throws KeywrightError `invalid_grant` */
function checkClaims(claims: Claims, { clientId, issuer }: AssertionRecipient, now: number): void {
  const { aud, client_id, auth_time } = claims
  if (aud !== issuer && !(Array.isArray(aud) && aud.length === 1))
    throw invalid('aud is not the issuer identifier of this server alone')
  if (client_id !== clientId) throw invalid('client_id is not the client that authenticated')
  if (auth_time !== undefined && !(typeof auth_time === 'number' && auth_time <= now + CLOCK_TOLERANCE))
    throw invalid('auth_time is in the future')
  for (const name of UNSUPPORTED) if (claims[name] !== undefined) throw invalid(`the claim ${name} is not supported`)
}

async function verifiedClaims(
  { knex, encryptionKeys, client }: AssertionServices,
  assertion: string,
  recipient: AssertionRecipient,
): Promise<Claims> {
  const row: IdentityProviderRow | undefined = await providersOf(knex, issuerOf(assertion), recipient).first('p.*')
  if (!row)
    throw assertionError(
      'no identity provider with this issuer accepts identity assertions',
      'identity_assertion_not_allowed',
    )
  const clientSecret = unsealUpstreamSecret(encryptionKeys, row.id, row.sealed_client_secret)
  const provider = toIdentityProvider(row)
  try {
    const keys = await client.keysOf(`${row.id} ${row.revision}`, { provider, clientSecret })
    const required = ['exp', 'iat', 'jti', 'sub', 'client_id']
    const rules = {
      issuer: provider.issuer,
      audience: recipient.issuer,
      longestAge: LONGEST_AGE,
      requiredClaims: required,
      invalid,
    }
    return await verifyUpstreamToken(assertion, keys, rules)
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error
    throw new KeywrightError('unavailable', 'the keys of the identity provider cannot be read', { cause: error })
  }
}

/**
 * Validates an assertion (RFC 7521, section 5.2, and section 4.4.1 of the draft). The caller makes sure that it is used once.
 * @param now seconds since 1970
 * @throws KeywrightError `invalid_grant`; `unavailable`: the keys of the provider cannot be read
 */
export async function readIdentityAssertion(
  services: AssertionServices,
  assertion: string,
  recipient: AssertionRecipient,
  now: number,
): Promise<IdentityAssertion> {
  const claims = await verifiedClaims(services, assertion, recipient)
  checkClaims(claims, recipient, now)
  const { jti, iat, exp } = claims as { jti: unknown; iat: number; exp: number }
  if (typeof jti !== 'string' || jti.length === 0 || jti.length > 300)
    throw invalid('jti is not a text of at most 300 characters')
  if (exp - iat > LONGEST_AGE) throw invalid(`it is valid for more than ${LONGEST_AGE} seconds`)
  const subject = subjectIn(claims)
  if (subject === undefined) throw invalid('sub is not valid')
  return {
    provider: await selectProvider(services.knex, claims, subject, recipient),
    claims,
    subject,
    jti,
    issuedAt: iat,
    keptUntil: iat + LONGEST_AGE + 2 * CLOCK_TOLERANCE,
    resources: resourcesIn(claims),
    scopes: scopesIn(claims),
    jkt: keyIn(claims),
  }
}
