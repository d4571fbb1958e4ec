// Asks the browser for passkeys (Web Authentication Level 3). Without it, pages offer the password.

const isSupported =
  typeof window.PublicKeyCredential?.parseRequestOptionsFromJSON === 'function' &&
  typeof window.PublicKeyCredential.parseCreationOptionsFromJSON === 'function'

/** What to say of an error by its name, in the language of the page. */
const failuresOf = (form) => JSON.parse(form.dataset.failures)

const messageOf = (form) => form.querySelector('[role="alert"]')

function show(form, failures, error) {
  const message = messageOf(form)
  message.textContent = failures[error.name] ?? failures.other
  message.hidden = false
}

const optionsOf = (form) => JSON.parse(form.dataset.options)

/** Sends what the authenticator responded. */
function send(form, credential) {
  form.elements.credential.value = JSON.stringify(credential)
  form.requestSubmit()
}

/** What waits for the user to choose a passkey at the field; only one request of a page can wait. */
let waiting

async function signIn(form, mediation) {
  waiting?.abort()
  waiting = new AbortController()
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(optionsOf(form))
  const credential = await navigator.credentials.get({ publicKey, mediation, signal: waiting.signal })
  if (credential) send(form, credential)
}

/** Lists passkeys among the addresses that the browser knows. */
async function offerAtField(form) {
  // A password manager may answer by itself, and would answer a page that refuses its passkey again and again.
  if (form.dataset.atField === undefined || !document.querySelector('input[autocomplete~="webauthn"]')) return
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return
  await signIn(form, 'conditional')
}

function prepareSignIn(form) {
  form.hidden = false
  form.querySelector('button').addEventListener('click', async () => {
    messageOf(form).hidden = true
    try {
      await signIn(form)
    } catch (error) {
      // The button was pressed again, and that request waits now.
      if (error.name !== 'AbortError') show(form, failuresOf(form), error)
    }
  })
  // Nobody asked for anything yet, so a failure is not shown.
  offerAtField(form).catch(() => {})
}

function prepareCreation(form) {
  form.hidden = false
  for (const instead of document.querySelectorAll('[data-passkey-missing]')) instead.hidden = true
  for (const other of document.querySelectorAll('[data-beside-passkey]')) other.open = false
  form.addEventListener('submit', async (event) => {
    if (form.elements.credential.value) return
    event.preventDefault()
    // Otherwise the form counts as sent.
    event.stopPropagation()
    messageOf(form).hidden = true
    try {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(optionsOf(form))
      send(form, await navigator.credentials.create({ publicKey }))
    } catch (error) {
      show(form, failuresOf(form), error)
    }
  })
}

if (isSupported) {
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    if (form.dataset.passkey === 'create') prepareCreation(form)
    else prepareSignIn(form)
  }
}
