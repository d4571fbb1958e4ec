import { createPublicKey } from 'node:crypto'
import type { Knex } from 'knex'
import { keyIdOf, unverifiedPayload, type VerifiedJwt, verifyWith } from '../keys/jwt.ts'
import { TOKEN_TYPES } from '../shared/algorithms.ts'
import { isId } from '../shared/ids.ts'
import { findByName, findClient, findUserByEmail } from './client-findings.ts'
import type { Finding } from './findings.ts'
import type { InspectionReason } from './inspection-reasons.ts'
import { type Recognized, recognize } from './recognition.ts'
import { findByLastFour, findSecret, MAX_CANDIDATES } from './secret-findings.ts'
import { findToken, type TokenClaims, type TokenExpectation } from './token-finding.ts'

/** What a text is. It never contains the text. */
export interface InspectionResult {
  readonly kind: Recognized['kind']
  /** Whether the one credential that was found works; null: there are several candidates. */
  readonly works: boolean | null
  /** Null: it works, or there are several candidates. */
  readonly reason: InspectionReason | null
  readonly findings: readonly Finding[]
  /** There are more candidates than `findings`. */
  readonly isMore: boolean
}

const nothing = (kind: Recognized['kind'], reason: InspectionReason): InspectionResult => ({
  kind,
  works: false,
  reason,
  findings: [],
  isMore: false,
})

function resultOf(kind: Recognized['kind'], found: readonly Finding[], none: InspectionReason): InspectionResult {
  const [first] = found
  if (!first) return nothing(kind, none)
  const { works, reason } = found.length === 1 ? first : { works: null, reason: null }
  return { kind, works, reason, findings: found.slice(0, MAX_CANDIDATES), isMore: found.length > MAX_CANDIDATES }
}

interface Search {
  readonly knex: Knex
  /** The only account that is searched; null: every account. */
  readonly account: string | null
  readonly expected: TokenExpectation
}

/** The client of an access token that is no longer recorded, with what its signed claims still tell. */
function withClaims(client: Finding, { exp, aud }: Record<string, unknown>): Finding {
  const expiresAt = new Date(Number(exp) * 1000)
  const ofToken = { ...client, works: false, replacedBy: null, api: String(aud) }
  if (expiresAt.getTime() < Date.now())
    return { ...ofToken, reason: 'token_expired', since: expiresAt.toISOString(), by: null }
  return client.reason === 'client_deleted' ? ofToken : { ...ofToken, reason: 'token_unknown', since: null, by: null }
}

/** A text column holds no NUL character. */
const toColumn = (value: unknown): string | null =>
  typeof value === 'string' && value.isWellFormed() && !value.includes('\0') ? value : null

/** What a JWT says of itself. Anybody can write it. */
function unverifiedClaims(text: string): TokenClaims {
  const { jti, client_id } = unverifiedPayload(text)
  return { kid: toColumn(keyIdOf(text)), jti: isId(String(jti)) ? String(jti) : null, clientId: toColumn(client_id) }
}

const isAccessToken = ({ type, claims }: VerifiedJwt): boolean =>
  (TOKEN_TYPES as readonly unknown[]).includes(type) && isId(String(claims.jti)) && typeof claims.client_id === 'string'

async function inspectJwt({ knex, account, expected }: Search, text: string): Promise<InspectionResult> {
  if (text.split('.').length !== 3 || keyIdOf(text) === undefined) return nothing('jwt', 'token_malformed')
  const { key, finding } = await findToken(knex, account, unverifiedClaims(text), expected)
  const publicKey = key && createPublicKey({ key: key.public_jwk, format: 'jwk' })
  const verified = publicKey && verifyWith({ alg: key.alg, publicKey }, text)
  if (!verified) return nothing('jwt', 'not_signed_by_issuer')
  if (!isAccessToken(verified)) return nothing('jwt', 'not_an_access_token')
  const found = finding && (finding.token ? finding : withClaims(finding, verified.claims))
  return resultOf('jwt', found ? [found] : [], 'token_unknown')
}

async function inspectJti({ knex, account, expected }: Search, jti: string): Promise<InspectionResult> {
  const { finding } = await findToken(knex, account, { jti, kid: null, clientId: null }, expected)
  return resultOf('jti', finding ? [finding] : [], 'token_unknown')
}

async function inspectRecognized(search: Search, recognized: Recognized): Promise<InspectionResult> {
  const { knex, account } = search
  const { kind } = recognized
  switch (kind) {
    case 'jwt':
      return await inspectJwt(search, recognized.text)
    case 'jti':
      return await inspectJti(search, recognized.jti)
    case 'client_secret':
    case 'api_key':
      if (!recognized.isWellFormed) return nothing(kind, 'secret_malformed')
      return resultOf(kind, await findSecret(knex, account, recognized.text), 'not_found')
    case 'client_id':
      return resultOf(kind, await findClient(knex, account, recognized.clientId), 'not_found')
    case 'email':
      return resultOf(kind, await findUserByEmail(knex, account, recognized.emailKey), 'not_found')
    case 'last_four':
      return resultOf(kind, await findByLastFour(knex, account, recognized.lastFour), 'not_found')
    case 'name':
      return resultOf(kind, await findByName(knex, account, recognized.name), 'not_found')
    case 'unrecognized':
      return nothing(kind, 'unrecognized')
    default:
      return nothing(kind, 'not_searchable')
  }
}

/** Finds what a text is, in at most three statements. Accepts any text. */
export const inspectText = (search: Search, text: string): Promise<InspectionResult> =>
  inspectRecognized(search, recognize(text))
