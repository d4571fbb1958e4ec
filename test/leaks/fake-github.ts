import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** GitHub's server of public keys, with a key pair whose private half signs as GitHub does. */
export async function startFakeGithub() {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const identifier = 'bcb53661c06b4728e59d897fb6165d5c9cda0fd9cdf9d09ead458168deb7518c'
  const pem = String(publicKey.export({ type: 'spki', format: 'pem' }))
  let requests = 0
  const http = createServer((_req, res) => {
    requests++
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ public_keys: [{ key_identifier: identifier, key: pem, is_current: true }] }))
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))

  const signed = (body: string, key: KeyObject) => sign('sha256', Buffer.from(body), key).toString('base64')

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/meta/public_keys/secret_scanning`,
    identifier,
    requests: () => requests,
    /** The headers with which GitHub sends this body. */
    headersFor: (body: string) => ({
      'content-type': 'application/json',
      'github-public-key-identifier': identifier,
      'github-public-key-signature': signed(body, privateKey),
    }),
    /** A signature with a key of somebody else. */
    forgedSignature: (body: string) => signed(body, other.privateKey),
    stop: () => new Promise<void>((resolve) => http.close(() => resolve())),
  }
}
