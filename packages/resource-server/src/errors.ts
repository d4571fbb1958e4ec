/** Why a request is refused. Callers may rely on these; the messages may change. */
export type RefusalCode = keyof typeof REFUSALS

interface Refusal {
  readonly status: 400 | 401 | 403 | 503
  /** The `error` of RFC 6750, section 3.1, or RFC 9449, section 7.1; absent where the standard names none. */
  readonly error?: 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof'
}

const INVALID_TOKEN: Refusal = { status: 401, error: 'invalid_token' }
const INVALID_PROOF: Refusal = { status: 401, error: 'invalid_dpop_proof' }
// Not the caller's fault: told `invalid_token`, every client would throw its good token away and ask for another.
const UNAVAILABLE: Refusal = { status: 503 }

const REFUSALS = {
  token_missing: { status: 401 },
  token_malformed: { status: 400, error: 'invalid_request' },
  token_invalid: INVALID_TOKEN,
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
  confirmation_unsupported: INVALID_TOKEN,
  dpop_required: INVALID_TOKEN,
  dpop_not_bound: INVALID_TOKEN,
  dpop_invalid: INVALID_PROOF,
  dpop_replayed: INVALID_PROOF,
  dpop_overloaded: UNAVAILABLE,
  insufficient_scope: { status: 403, error: 'insufficient_scope' },
} as const satisfies Record<string, Refusal>

/** How soon to come again after a 503, in seconds. */
const RETRY_AFTER = 5

/** A request that is refused. `message` may be shown to the caller; what is private stays in `cause`. */
export class AccessTokenError extends Error {
  readonly code: RefusalCode
  /** The HTTP status to answer with. */
  readonly status: number
  readonly error: string | undefined
  /** Of `insufficient_scope`: what is needed, space-separated. */
  readonly scope: string | undefined
  /** Of a 503: seconds. */
  readonly retryAfter: number | undefined

  constructor(code: RefusalCode, message: string, options?: ErrorOptions & { scope?: string }) {
    super(message, options)
    const refusal: Refusal = REFUSALS[code]
    this.name = 'AccessTokenError'
    this.code = code
    this.status = refusal.status
    this.error = refusal.error
    this.scope = options?.scope
    this.retryAfter = refusal.status === 503 ? RETRY_AFTER : undefined
  }
}

/** What the operator of an API wants to know and its callers need not. */
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

/** Of whatever was thrown: what is given to us may reject with anything, or nothing. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** What was received is not what it should be; becomes a `Problem` or an `AccessTokenError` where it is known whose. */
export class InvalidAnswerError extends Error {
  override readonly name: string = 'InvalidAnswerError'
}
