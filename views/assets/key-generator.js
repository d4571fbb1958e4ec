// Generates the key pair of a client in the browser. The private key is shown to be copied or saved, and no control with a name has it: a
// form sends only the public key.

const LINE = /.{1,64}/g

/** PKCS #8 in PEM (RFC 7468, section 10). */
function pemOf(der) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(der)))
  return `-----BEGIN PRIVATE KEY-----\n${base64.match(LINE).join('\n')}\n-----END PRIVATE KEY-----\n`
}

/** A pair for ES256: the public key as a JWK set, and the private key in PEM. */
async function generatePair() {
  const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
  ])
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
  const set = JSON.stringify({ keys: [{ kty, crv, x, y, alg: 'ES256' }] }, null, 2)
  return { set, pem: pemOf(await crypto.subtle.exportKey('pkcs8', privateKey)) }
}

function show(box, { set, pem }) {
  const field = document.getElementById(box.dataset.keysOf)
  field.value = set
  document.getElementById(`${field.id}-file`).value = ''
  const shown = box.querySelector('textarea')
  shown.value = pem
  box.querySelector('[data-copy]').dataset.copy = pem
  const link = box.querySelector('a[download]')
  URL.revokeObjectURL(link.href)
  link.href = URL.createObjectURL(new Blob([pem], { type: 'application/x-pem-file' }))
  box.querySelector('.generated-key').hidden = false
  shown.setSelectionRange(0, 0)
  shown.focus()
}

// A browser has `crypto.subtle` only where the address is secure.
for (const box of crypto.subtle ? document.querySelectorAll('[data-keys-of]') : []) {
  const failure = box.querySelector('[role=alert]')
  box.hidden = false
  box.querySelector('button').addEventListener('click', async () => {
    try {
      failure.hidden = true
      show(box, await generatePair())
    } catch {
      failure.hidden = false
    }
  })
}
