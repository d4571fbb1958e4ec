#!/usr/bin/env node
// HAProxy reads public keys as PEM, by fixed names, when it starts; the server publishes them as a JWK Set (RFC 7517).
// Writes them as 1.pem … 4.pem, and exits with 0 when they changed, so that HAProxy is reloaded only then:
//
//   node fetch-keys.mjs https://auth.example.com /etc/haproxy/keywright && systemctl reload haproxy

import { createPublicKey } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

// As many as haproxy.cfg names: the one that signs, the next, and the last two, whose tokens may still be about. The server
// names them in this order.
const SLOTS = 4

const [issuer, directory] = process.argv.slice(2)
const response = await fetch(`${issuer}/oauth2/jwks`, { redirect: 'error', signal: AbortSignal.timeout(5000) })
if (!response.ok) throw new Error(`the key set answers ${response.status}`)
const { keys } = await response.json()
const pems = keys
  .filter(({ alg }) => alg === 'ES256')
  .map((jwk) => createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }))
if (pems.length === 0) throw new Error('the key set holds no key for ES256')
if (pems.length > SLOTS) {
  // To stop here would cost more: HAProxy would not know the key that signs next.
  process.stderr.write(`${pems.length} keys for ES256, haproxy.cfg names ${SLOTS}: tokens of the oldest are refused\n`)
}

let changed = false
for (let slot = 0; slot < SLOTS; slot++) {
  const path = join(directory, `${slot + 1}.pem`)
  // A name without a file would keep HAProxy from starting.
  const pem = pems[slot] ?? pems[0]
  if (pem === (await readFile(path, 'utf8').catch(() => ''))) continue
  await writeFile(`${path}.new`, pem)
  await rename(`${path}.new`, path)
  changed = true
}
process.exitCode = changed ? 0 : 3
