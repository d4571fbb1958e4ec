import { DPOP_ALGS } from '../shared/algorithms.ts'
import { ProblemError } from './problems.ts'

const REALM = 'realm="Keywright management"'

/** RFC 9449, section 5.1. */
const ALGS = `algs="${DPOP_ALGS.join(' ')}"`

const errorOf = (error: string, detail: string) => `error="${error}", error_description="${detail}"`

/** RFC 6750, section 3.1: the challenge to a request without a token carries no error code. */
export const missingToken = () =>
  new ProblemError('missing_token', 'send an access token in the header Authorization: Bearer <token>', {
    headers: { 'WWW-Authenticate': `Bearer ${REALM}, DPoP ${REALM}, ${ALGS}` },
  })

export const invalidToken = (detail: string) =>
  new ProblemError('invalid_token', detail, {
    headers: { 'WWW-Authenticate': `Bearer ${REALM}, ${errorOf('invalid_token', detail)}` },
  })

/** The token, or how it is sent, does not fit its binding to a key (RFC 9449, sections 7.1 and 7.2). */
export const invalidBinding = (detail: string) =>
  new ProblemError('invalid_token', detail, {
    headers: { 'WWW-Authenticate': `DPoP ${REALM}, ${errorOf('invalid_token', detail)}, ${ALGS}` },
  })

/** RFC 9449, section 7.1. */
export const invalidProof = (detail: string) =>
  new ProblemError('invalid_dpop_proof', detail, {
    headers: { 'WWW-Authenticate': `DPoP ${REALM}, ${errorOf('invalid_dpop_proof', detail)}, ${ALGS}` },
  })

/** RFC 9449, section 9. @param nonce the one to use */
export const nonceRequired = (nonce: string) => {
  const detail = 'the DPoP proof needs the nonce of the header DPoP-Nonce'
  const challenge = `DPoP ${REALM}, ${errorOf('use_dpop_nonce', detail)}, ${ALGS}`
  return new ProblemError('use_dpop_nonce', detail, {
    headers: { 'WWW-Authenticate': challenge, 'DPoP-Nonce': nonce },
  })
}

export const insufficientScope = (scope: string) =>
  new ProblemError('insufficient_scope', `this request requires the scope ${scope}`, {
    headers: { 'WWW-Authenticate': `Bearer ${REALM}, error="insufficient_scope", scope="${scope}"` },
  })
