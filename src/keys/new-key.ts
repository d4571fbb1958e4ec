import { generateKeyPair, type JsonWebKey, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { calculateJwkThumbprint, type JWK } from 'jose'
import type { SigningAlg } from '../shared/algorithms.ts'

const generate = promisify(generateKeyPair) as unknown as (
  type: string,
  options: object,
) => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>

function generateFor(alg: SigningAlg) {
  if (alg === 'ES256') return generate('ec', { namedCurve: 'P-256' })
  if (alg === 'EdDSA') return generate('ed25519', {})
  return generate('rsa', { modulusLength: 2048 })
}

async function generateKey(alg: SigningAlg) {
  const { publicKey, privateKey } = await generateFor(alg)
  const publicJwk = publicKey.export({ format: 'jwk' }) as JsonWebKey as JWK
  return { publicJwk, privateKey, kid: await calculateJwkThumbprint(publicJwk) }
}

/** A key whose ID can be given to commands: these take what begins with a hyphen for an option. */
export async function newKey(alg: SigningAlg) {
  let key = await generateKey(alg)
  while (key.kid.startsWith('-')) key = await generateKey(alg)
  const { publicJwk, privateKey, kid } = key
  return {
    kid,
    alg,
    public_jwk: JSON.stringify({ ...publicJwk, kid, alg, use: 'sig' }),
    private_jwk: Buffer.from(JSON.stringify(privateKey.export({ format: 'jwk' }))),
  }
}

export type NewKey = Awaited<ReturnType<typeof newKey>>
