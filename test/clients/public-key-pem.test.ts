import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { describe, expect, it, test } from 'vitest'
import { parsePublicKeys } from '../../src/clients/client-keys.ts'

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed25519 = generateKeyPairSync('ed25519')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })

const spki = ({ publicKey }: typeof p256) => publicKey.export({ type: 'spki', format: 'pem' }).toString()
const pkcs8 = ({ privateKey }: typeof p256) => privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const thumbprintOf = async ({ publicKey }: typeof p256) =>
  await calculateJwkThumbprint(publicKey.export({ format: 'jwk' }) as JWK)
const parsed = async (text: string) =>
  (await parsePublicKeys(text)).map(({ thumbprint }) => thumbprint.toString('base64url'))

describe('PEM', () => {
  it('has the same keys as JWK sets, several in one text with other lines between them', async () => {
    const text = `Bag Attributes\n${spki(p256)}\nsubject=somebody\n${spki(ed25519)}${spki(rsa)}`
    const all = [await thumbprintOf(p256), await thumbprintOf(ed25519), await thumbprintOf(rsa)]
    expect(await parsed(text)).toEqual(all)
    expect(await parsed(text.replaceAll('\n', '\r\n'))).toEqual(all)
    const pkcs1 = rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString()
    expect(await parsed(pkcs1)).toEqual([all[2]])
  })

  it('has the key of a certificate', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pem-'))
    try {
      const [key, certificate] = [join(directory, 'key'), join(directory, 'certificate')]
      writeFileSync(key, pkcs8(p256))
      execFileSync('openssl', ['req', '-x509', '-new', '-key', key, '-subj', '/CN=client', '-out', certificate])
      expect(await parsed(readFileSync(certificate, 'utf8'))).toEqual([await thumbprintOf(p256)])
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
  const short = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const x25519 = generateKeyPairSync('x25519')

  test.each([
    ['a private key', pkcs8(p256), /private key: send public keys only/],
    ['a private key after a public one', spki(p256) + pkcs8(p256), /private key/],
    ['an encrypted private key', pkcs8(p256).replaceAll('PRIVATE', 'ENCRYPTED PRIVATE'), /private key/],
    ['an EC private key', p256.privateKey.export({ type: 'sec1', format: 'pem' }).toString(), /private key/],
    ['a private key under another label', pkcs8(p256).replaceAll('PRIVATE KEY', 'PUBLIC KEY'), /cannot be read/],
    ['a block without an end', spki(p256).slice(0, -20), /no end/],
    ['a damaged block', spki(p256).replace('MFkw', 'AAAA'), /cannot be read/],
    ['a request for a certificate', spki(p256).replaceAll('PUBLIC KEY', 'CERTIFICATE REQUEST'), /neither/],
    ['another curve', spki(secp256k1), /none of the algorithms/],
    ['a key that cannot sign', spki(x25519), /none of the algorithms/],
    ['a short RSA key', spki(short), /bits/],
    ['the same key twice', spki(p256) + spki(p256), /twice/],
    ['many beginnings', '-----BEGIN PUBLIC KEY-----\n'.repeat(700), /no end/],
  ])('%s is refused', async (_, text, message) => {
    await expect(parsePublicKeys(text)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringMatching(message),
    })
  })
})
