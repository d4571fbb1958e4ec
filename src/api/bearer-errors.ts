import { ProblemError } from './problems.ts'

const REALM = 'realm="Keywright management"'

/** RFC 6750, section 3.1: whoever sent no token is told no error, only what to send. */
export const missingToken = () =>
  new ProblemError('missing_token', 'send an access token as Authorization: Bearer', {
    headers: { 'WWW-Authenticate': `Bearer ${REALM}` },
  })

export const invalidToken = (detail: string) =>
  new ProblemError('invalid_token', detail, {
    headers: { 'WWW-Authenticate': `Bearer ${REALM}, error="invalid_token", error_description="${detail}"` },
  })

export const insufficientScope = (scope: string) =>
  new ProblemError('insufficient_scope', `this takes a token with the scope ${scope}`, {
    headers: { 'WWW-Authenticate': `Bearer ${REALM}, error="insufficient_scope", scope="${scope}"` },
  })
