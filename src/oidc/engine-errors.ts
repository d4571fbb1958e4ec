import { errors } from 'oidc-provider'
import { ClientIdDocumentError } from '../clients/client-id-documents.ts'
import { QuotaExceededError } from '../clients/quotas.ts'
import { type ErrorCode, ForbiddenNetworkError, KeywrightError, RateLimitedError } from '../shared/errors.ts'
import type { RefusalReason } from '../shared/refusal-reasons.ts'

/** A standard error of OAuth that the engine has no class for, or whose status it does not set. */
export class OAuthError extends errors.OIDCProviderError {
  readonly retryAfter: number | undefined
  /** Why the request is refused, where it is known finer than by the error code. */
  readonly reason: RefusalReason | undefined

  constructor(
    status: number,
    error: string,
    description: string,
    options: { retryAfter?: number; cause?: unknown; reason?: RefusalReason } = {},
  ) {
    super(status, error)
    this.error_description = description
    this.expose = true
    this.retryAfter = options.retryAfter
    this.reason = options.reason
    this.cause = options.cause
  }
}

const STANDARD: Partial<Record<ErrorCode, (message: string, cause: Error) => Error>> = {
  invalid_client: (message, cause) =>
    new OAuthError(401, 'invalid_client', 'client authentication failed', { cause: cause ?? message }),
  invalid_grant: (message, cause) => new OAuthError(400, 'invalid_grant', message, { cause }),
  invalid_scope: (message, cause) => new OAuthError(400, 'invalid_scope', message, { cause }),
  invalid_target: (message, cause) => new OAuthError(400, 'invalid_target', message, { cause }),
  invalid_input: (message, cause) => new OAuthError(400, 'invalid_request', message, { cause }),
  unavailable: (message, cause) => new OAuthError(503, 'temporarily_unavailable', message, { retryAfter: 1, cause }),
}

/** The OAuth error (RFC 6749, section 5.2) for an error of a feature; any other error unchanged. */
export function toEngineError(error: unknown): unknown {
  if (error instanceof RateLimitedError || error instanceof QuotaExceededError) {
    return new OAuthError(429, 'rate_limit_exceeded', error.message, { retryAfter: error.retryAfter, cause: error })
  }
  // A caller with the right client secret may know why it is refused.
  if (error instanceof ForbiddenNetworkError) {
    return new OAuthError(401, 'invalid_client', error.message, { cause: error })
  }
  if (!(error instanceof KeywrightError)) return error
  // RFC 6749, section 4.1.2.1: the user is informed, and not redirected.
  if (error instanceof ClientIdDocumentError)
    return new OAuthError(400, 'invalid_client', error.message, { cause: error })
  // RFC 9449, section 5: the same error as for an invalid proof.
  if (error.reason === 'dpop_proof_missing')
    return new OAuthError(400, 'invalid_dpop_proof', error.message, { cause: error })
  return STANDARD[error.code]?.(error.message, error) ?? error
}

/** Errors that the engine sends without a description (OpenID Connect Core, section 3.1.2.6). */
const UNDESCRIBED: Readonly<Record<string, string>> = {
  request_not_supported: 'request objects (the parameter request) are not supported here',
  request_uri_not_supported: 'request_uri is not supported here; only those of pushed requests are (RFC 9126)',
  registration_not_supported: 'the parameter registration is not supported',
}

/** An error response with a description, also where the engine gives none. */
export function describeError<Response extends { error?: unknown; error_description?: unknown }>(
  response: Response,
): Response {
  const { error, error_description } = response
  const description = error_description === undefined ? UNDESCRIBED[String(error)] : undefined
  return description === undefined ? response : { ...response, error_description: description }
}

export async function inEngineTerms<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toEngineError(error)
  }
}
