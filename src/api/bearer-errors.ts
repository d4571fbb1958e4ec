import { ProblemError } from './problems.ts'

const REALM = 'realm="Keywright management"'

/** RFC 6750, section 3.1: the challenge to a request without a token carries no error code. */
export const missingToken = () =>
  new ProblemError('missing_token', 'send an access token in the header Authorization: Bearer <token>', {
    headers: { 'WWW-Authenticate': `Bearer ${REALM}` },
  })

export const invalidToken = (detail: string) =>
  new ProblemError('invalid_token', detail, {
    headers: { 'WWW-Authenticate': `Bearer ${REALM}, error="invalid_token", error_description="${detail}"` },
  })

export const insufficientScope = (scope: string) =>
  new ProblemError('insufficient_scope', `this request requires the scope ${scope}`, {
    headers: { 'WWW-Authenticate': `Bearer ${REALM}, error="insufficient_scope", scope="${scope}"` },
  })
