#!/usr/bin/env node
// The server publishes its public keys as a JWK Set (RFC 7517). HAProxy reads PEM files with fixed names at its start. This
// script writes the keys to 1.pem … 4.pem. It exits with 0 if a file changed, so that HAProxy is reloaded only then:
//
//   node fetch-keys.mjs https://auth.example.com /etc/haproxy/keywright && systemctl reload haproxy

import { createPublicKey } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

// The number of keys in haproxy.cfg: the one that signs, the next one, and the last two, whose tokens may still be valid. The
// server publishes them in this order.
const MAX_KEYS = 4

const [issuer, directory] = process.argv.slice(2)
const response = await fetch(`${issuer}/oauth2/jwks`, { redirect: 'error', signal: AbortSignal.timeout(5000) })
if (!response.ok) throw new Error(`the key set returned HTTP status ${response.status}`)
const { keys } = await response.json()
const pems = keys
  .filter(({ alg }) => alg === 'ES256')
  .map((jwk) => createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }))
if (pems.length === 0) throw new Error('the key set contains no key for ES256')
if (pems.length > MAX_KEYS) {
  // Not an error: otherwise HAProxy would not get the key that signs next.
  process.stderr.write(
    `${pems.length} keys for ES256, but haproxy.cfg has ${MAX_KEYS}: tokens of the oldest keys are rejected\n`,
  )
}

let changed = false
for (let index = 0; index < MAX_KEYS; index++) {
  const path = join(directory, `${index + 1}.pem`)
  // HAProxy does not start without a file for each name.
  const pem = pems[index] ?? pems[0]
  if (pem === (await readFile(path, 'utf8').catch(() => ''))) continue
  await writeFile(`${path}.new`, pem)
  await rename(`${path}.new`, path)
  changed = true
}
process.exitCode = changed ? 0 : 3
