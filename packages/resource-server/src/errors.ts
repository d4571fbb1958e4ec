/**
 * Why a request is rejected. Callers may rely on these codes; the messages may change. Where the issuer's *Inspect* has the same
 * code it means the same.
 */
export type AccessTokenErrorCode = keyof typeof RESPONSES

interface ErrorResponse {
  readonly status: 400 | 401 | 403 | 503
  /** The `error` of RFC 6750, section 3.1, or RFC 9449, section 7.1, if the standard has one. */
  readonly error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof'
}

const INVALID_TOKEN: ErrorResponse = { status: 401, error: 'invalid_token' }
const INVALID_PROOF: ErrorResponse = { status: 401, error: 'invalid_dpop_proof' }
// Not the client's fault. On `invalid_token` every client would discard a valid token and request another.
const UNAVAILABLE: ErrorResponse = { status: 503 }

const RESPONSES = {
  token_missing: { status: 401 },
  token_malformed: { status: 400, error: 'invalid_request' },
  token_invalid: INVALID_TOKEN,
  not_signed_by_issuer: INVALID_TOKEN,
  not_an_access_token: INVALID_TOKEN,
  wrong_audience: INVALID_TOKEN,
  token_expired: INVALID_TOKEN,
  token_not_yet_valid: INVALID_TOKEN,
  token_revoked: INVALID_TOKEN,
  status_missing: INVALID_TOKEN,
  status_malformed: INVALID_TOKEN,
  status_foreign: INVALID_TOKEN,
  status_out_of_range: INVALID_TOKEN,
  status_unknown: UNAVAILABLE,
  keys_unavailable: UNAVAILABLE,
  api_key_missing: INVALID_TOKEN,
  api_key_wrong: INVALID_TOKEN,
  certificate_missing: INVALID_TOKEN,
  certificate_wrong: INVALID_TOKEN,
  confirmation_unsupported: INVALID_TOKEN,
  dpop_required: INVALID_TOKEN,
  dpop_not_bound: INVALID_TOKEN,
  dpop_invalid: INVALID_PROOF,
  dpop_replayed: INVALID_PROOF,
  dpop_overloaded: UNAVAILABLE,
  insufficient_scope: { status: 403, error: 'insufficient_scope' },
} as const satisfies Record<string, ErrorResponse>

/** Seconds after which a client may retry after a 503. */
const RETRY_AFTER = 5

/** The request is rejected. `message` may be shown to the client; private details are in `cause`. */
export class AccessTokenError extends Error {
  readonly code: AccessTokenErrorCode
  /** The HTTP status of the response. */
  readonly status: number
  readonly error: string | undefined
  /** With `insufficient_scope`: the required scopes, space-separated. */
  readonly scope: string | undefined
  /** With status 503: seconds. */
  readonly retryAfter: number | undefined
  /** The `jti` of the token if the issuer signed it, so that the issuer's operator can look up why it does not work. */
  tokenId: string | undefined

  constructor(
    code: AccessTokenErrorCode,
    message: string,
    options?: ErrorOptions & { scope?: string; tokenId?: string | undefined },
  ) {
    super(message, options)
    const response: ErrorResponse = RESPONSES[code]
    this.name = 'AccessTokenError'
    this.code = code
    this.status = response.status
    this.error = response.error
    this.scope = options?.scope
    this.tokenId = options?.tokenId
    this.retryAfter = response.status === 503 ? RETRY_AFTER : undefined
  }
}

/** Something that the operator of the API should know and its clients need not. */
export interface Problem {
  readonly code:
    | 'keys_unavailable'
    | 'list_unavailable'
    | 'list_invalid'
    | 'feed_lost'
    | 'feed_refused'
    | 'feed_invalid'
    | 'feed_reset'
  readonly message: string
  readonly cause?: unknown
}

export type Report = (problem: Problem) => void

/** Returns the message of a thrown value: the `fetch` and the functions in the options may reject with anything. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** The issuer's response is not what it should be. Becomes a `Problem` or the `cause` of an `AccessTokenError`. */
export class InvalidResponseError extends Error {
  override readonly name: string = 'InvalidResponseError'
}
