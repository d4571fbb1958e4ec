import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { JWT_BEARER_ASSERTION } from '../../src/clients/client-assertions.ts'
import { parsePublicKeys } from '../../src/clients/client-keys.ts'
import { newId } from '../../src/shared/ids.ts'

/** A key of a client, with which it signs assertions. */
export async function newClientKey(alg = 'ES256', members: Record<string, string> = {}) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), ...members }
  return {
    alg,
    kid: members.kid,
    jwk,
    publicKey,
    privateKey,
    parsed: await parsePublicKeys(JSON.stringify({ keys: [jwk] })),
  }
}

export type ClientKey = Awaited<ReturnType<typeof newClientKey>>

interface Assertion {
  readonly clientId: string
  readonly audience: string
  /** Claims in place of the right ones; undefined leaves one out. */
  readonly claims?: JWTPayload
  readonly header?: Record<string, unknown>
}

/** A signed assertion of a client (RFC 7523, section 3), right unless `claims` and `header` say otherwise. */
export async function signAssertion(
  { alg, kid, privateKey }: ClientKey,
  { clientId, audience, claims, header }: Assertion,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const right = { iss: clientId, sub: clientId, aud: audience, iat: now, exp: now + 60, jti: newId() }
  const protectedHeader = { alg, ...(kid !== undefined && { kid }), ...header }
  return await new SignJWT({ ...right, ...claims }).setProtectedHeader(protectedHeader).sign(privateKey)
}

/** The status of an introspection by a client that authenticates by its key. */
export async function introspectionStatus(
  { url, issuer }: { readonly url: string; readonly issuer: string },
  clientId: string,
  key: ClientKey,
): Promise<number> {
  const assertion = await signAssertion(key, { clientId, audience: issuer })
  const body = new URLSearchParams({ token: 'any', ...assertionForm(assertion) })
  return (await fetch(`${url}/oauth2/introspect`, { method: 'POST', body })).status
}

/** The parameters of a request that the client proves by an assertion. */
export const assertionForm = (assertion: string) => ({
  client_assertion_type: JWT_BEARER_ASSERTION,
  client_assertion: assertion,
})
