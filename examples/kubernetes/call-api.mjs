// Gets access tokens of Keywright for a pod, which has no secret, and calls an API with them. Node 20, without dependencies.
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

const {
  KEYWRIGHT_ISSUER,
  CLIENT_ID,
  API_URL,
  SCOPE,
  TOKEN_FILE = '/var/run/secrets/keywright/token',
  // Seconds between two calls; empty: one call, for a CronJob.
  INTERVAL,
} = process.env

/** Milliseconds. */
const TIMEOUT = 10_000

const say = (text) => process.stdout.write(`${text}\n`)

let current = { token: '', until: 0 }

/** The present access token, or a new one shortly before it expires. */
async function accessToken() {
  if (current.until > Date.now()) return current.token
  const form = {
    grant_type: 'client_credentials',
    client_id: CLIENT_ID,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    // Read for each request: the kubelet replaces the file before the token in it expires.
    client_assertion: (await readFile(TOKEN_FILE, 'utf8')).trim(),
    ...(SCOPE && { scope: SCOPE }),
  }
  const request = { method: 'POST', body: new URLSearchParams(form), signal: AbortSignal.timeout(TIMEOUT) }
  const response = await fetch(`${KEYWRIGHT_ISSUER}/oauth2/token`, request)
  if (!response.ok) throw new Error(`Keywright issued no access token: ${response.status} ${await response.text()}`)
  const { access_token: token, expires_in: seconds } = await response.json()
  current = { token, until: Date.now() + (seconds - Math.min(30, seconds / 2)) * 1000 }
  return token
}

/** Whether the API accepted the call. */
async function callApi() {
  try {
    const headers = { authorization: `Bearer ${await accessToken()}` }
    const response = await fetch(API_URL, { headers, signal: AbortSignal.timeout(TIMEOUT) })
    // The access token was revoked: the next call requests another one.
    if (response.status === 401) current.until = 0
    say(`${API_URL}: ${response.status} ${await response.text()}`)
    return response.ok
  } catch (error) {
    say(error.message)
    return false
  }
}

if (!INTERVAL) process.exit((await callApi()) ? 0 : 1)

// As process 1 of a container, Node ends at these signals only if it handles them.
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(0))
while (true) {
  await callApi()
  await wait(Number(INTERVAL) * 1000)
}
