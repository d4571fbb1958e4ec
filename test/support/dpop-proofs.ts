import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'

/** Somebody with a key, who proves to hold it (RFC 9449). */
export type Prover = Awaited<ReturnType<typeof createProver>>

export async function createProver(issuer: () => string, alg = 'ES256') {
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const jwk = await exportJWK(publicKey)

  /** @param more further claims; `token` is the access token that the request sends; `header` replaces parts of the header */
  async function prove(
    path: string,
    { method = 'POST', token, header = {}, ...more }: Record<string, unknown> = {},
  ): Promise<string> {
    const ath = token === undefined ? undefined : createHash('sha256').update(String(token)).digest('base64url')
    const claims = { htm: method, htu: issuer() + path, jti: randomUUID(), ...more }
    return await new SignJWT({ ...claims, ...(ath && { ath }) })
      .setProtectedHeader({ alg, typ: 'dpop+jwt', jwk, ...(header as object) })
      .setIssuedAt(more.iat as number | undefined)
      .sign(privateKey)
  }
  const proof = async (path = '/oauth2/token', more = {}) => ({ headers: { dpop: await prove(path, more) } })
  return { prove, proof, jkt: await calculateJwkThumbprint(jwk) }
}
