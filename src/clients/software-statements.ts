import type { JWK } from 'jose'
import type { Knex } from 'knex'
import { KeywrightError } from '../shared/errors.ts'
import { parseJson } from '../shared/json-text.ts'
import { LONGEST_ASSERTION } from '../shared/longest-assertion.ts'
import { isSignedBy, readSignedAssertion, type SignedAssertion } from './assertion-signatures.ts'
import { IssuerUnavailableError, keySetAt } from './issuer-documents.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import type { Json } from './metadata-members.ts'
import { findStatementIssuer, type SoftwareStatementIssuer } from './software-statement-issuers.ts'

/** Seconds by which the clock of an issuer may differ. */
const TOLERANCE = 60

/** A JWT of another type is made for something else. */
const TYPES: readonly unknown[] = [undefined, 'JWT', 'jwt']

/** What the JWT says about itself, and is no client metadata. A statement in a statement is none of this client. */
const OWN_CLAIMS = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'software_statement'])

/** RFC 7591, section 3.2.2. */
export class SoftwareStatementError extends KeywrightError {
  readonly error: 'invalid_software_statement' | 'unapproved_software_statement'

  constructor(error: SoftwareStatementError['error'], message: string) {
    super('invalid_input', message)
    this.error = error
  }
}

const invalid = (message: string) => new SoftwareStatementError('invalid_software_statement', message)

/** A statement of an issuer that the operator trusts. */
export interface SoftwareStatement {
  readonly issuer: SoftwareStatementIssuer
  /** As the client sent it. */
  readonly text: string
  /** The client metadata in it. */
  readonly metadata: Json
}

/** The claims of a statement that is not verified. @throws SoftwareStatementError */
function claimsIn({ payload }: SignedAssertion): Json {
  try {
    const claims = parseJson(Buffer.from(payload, 'base64url').toString())
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return claims as Json
  } catch {}
  throw invalid('the software statement has no valid JSON object, in which each name is unique')
}

const metadataIn = (claims: Json): Json =>
  Object.fromEntries(Object.entries(claims).filter(([name, value]) => !OWN_CLAIMS.has(name) && value !== null))

/** The client metadata in a statement that was verified when its client registered. */
export const metadataOfStatement = (text: string): Json => metadataIn(claimsIn(readSignedAssertion(text)))

/** @throws SoftwareStatementError */
function parse(text: unknown): SignedAssertion {
  if (typeof text !== 'string') throw invalid('software_statement must be a text')
  if (text.length > LONGEST_ASSERTION) throw invalid(`a software statement has at most ${LONGEST_ASSERTION} characters`)
  try {
    const signed = readSignedAssertion(text)
    if (TYPES.includes(signed.header.typ)) return signed
  } catch {
    throw invalid('the software statement is no signed JWT in compact form')
  }
  throw invalid('the software statement is a JWT of another type (typ)')
}

/** @throws SoftwareStatementError */
function checkTimes({ exp, nbf, iat }: Json, now: number): void {
  if ([exp, nbf, iat].some((time) => time !== undefined && !Number.isFinite(time)))
    throw invalid('exp, nbf and iat of a software statement are numbers')
  if (exp !== undefined && (exp as number) + TOLERANCE <= now) throw invalid('the software statement has expired')
  for (const time of [nbf, iat]) {
    if (time !== undefined && (time as number) > now + TOLERANCE)
      throw invalid('the software statement is from the future')
  }
}

/** A JWT for somebody else, such as an ID token of the same issuer, is no statement for this server. @throws SoftwareStatementError */
function checkAudience({ aud }: Json, serverIssuer: string): void {
  if (aud !== undefined && !(Array.isArray(aud) ? aud : [aud]).includes(serverIssuer))
    throw invalid('the software statement is for another audience (aud)')
}

/** @throws KeywrightError `unavailable` */
async function keysOf(issuerKeys: IssuerKeys, issuer: SoftwareStatementIssuer, kid: string | undefined) {
  const { jwks, jwksUri } = issuer
  if (jwksUri === null) return jwks ?? []
  try {
    return await issuerKeys.keysOf(keySetAt(jwksUri), kid)
  } catch (error) {
    if (!(error instanceof IssuerUnavailableError)) throw error
    throw new KeywrightError('unavailable', 'the keys of the issuer of the software statement cannot be read now')
  }
}

const nameOf = ({ n, e, crv, x, y }: JWK): string => JSON.stringify([n, e, crv, x, y])

/** @throws SoftwareStatementError */
function checkSignature(signed: SignedAssertion, keys: readonly JWK[]): void {
  const { kid } = signed.header
  const candidates = keys.filter((jwk) => kid === undefined || jwk.kid === undefined || jwk.kid === kid)
  const isSigned = candidates.some((jwk) => {
    try {
      return isSignedBy({ jwk, hash: nameOf(jwk) }, signed)
    } catch {
      return false
    }
  })
  if (!isSigned) throw invalid('no key of its issuer signed the software statement by a supported algorithm')
}

/**
 * Verifies a software statement (RFC 7591, section 2.3; RFC 7519, section 7.2).
 * @param serverIssuer the issuer identifier of this server
 * @param now milliseconds since 1970
 * @throws SoftwareStatementError; KeywrightError `unavailable` (the keys of its issuer)
 */
export async function verifySoftwareStatement(
  db: Knex,
  issuerKeys: IssuerKeys,
  text: unknown,
  serverIssuer: string,
  now: number,
): Promise<SoftwareStatement> {
  const signed = parse(text)
  const claims = claimsIn(signed)
  const { iss } = claims
  const { kid } = signed.header
  if (typeof iss !== 'string') throw invalid('the software statement has no issuer (iss)')
  if (kid !== undefined && typeof kid !== 'string') throw invalid('kid is no text')
  const issuer = /^[\x21-\x7e]{1,2000}$/.test(iss) ? await findStatementIssuer(db, iss) : undefined
  if (!issuer)
    throw new SoftwareStatementError('unapproved_software_statement', 'its issuer is not trusted by this server')
  checkSignature(signed, await keysOf(issuerKeys, issuer, kid))
  checkTimes(claims, now / 1000)
  checkAudience(claims, serverIssuer)
  return { issuer, text: text as string, metadata: metadataIn(claims) }
}

/** Where users are led from the pages of a client. */
const LINKS = ['client_uri', 'policy_uri', 'tos_uri', 'post_logout_redirect_uris']

/** What a client says whose statement alone lets it register: its links count only in the statement, which vouches for its name. */
export const withoutLinks = (json: Json): Json =>
  Object.fromEntries(Object.entries(json).filter(([name]) => !LINKS.includes(name)))

/** What a statement says wins over what the client says (RFC 7591, section 3.1.1). */
export const withStatement = (json: Json, statement: Json): Json => ({ ...json, ...statement })

/**
 * The same for an update of a client, which may have fewer grant types by now; its response types follow from these.
 * @param grants those that it has
 */
export function withStatementOfClient(json: Json, statement: Json, grants: readonly string[]): Json {
  const { response_types: _, grant_types: stated, ...rest } = statement
  const kept = Array.isArray(stated) && { grant_types: stated.filter((grant) => grants.includes(grant)) }
  return { ...json, ...rest, ...kept }
}
