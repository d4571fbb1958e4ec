// Gets an access token of Keywright for a job in GitHub Actions, which has no secret, and calls an API with it. Node 20, without dependencies.

const {
  KEYWRIGHT_ISSUER,
  CLIENT_ID,
  API_URL,
  SCOPE,
  GRANT_TYPE = 'client_credentials',
  // Only in jobs with the permission `id-token: write`.
  ACTIONS_ID_TOKEN_REQUEST_URL,
  ACTIONS_ID_TOKEN_REQUEST_TOKEN,
} = process.env

const JWT_BEARER_GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const JWT_BEARER_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Milliseconds. */
const TIMEOUT = 10_000

const say = (text) => process.stdout.write(`${text}\n`)

/** From now on the runner replaces the value by *** in the log of the job. */
const mask = (value) => say(`::add-mask::${value}`)

/** The token that GitHub signs for this job, for Keywright alone: the audience is the issuer identifier of Keywright. */
async function identityToken() {
  if (!ACTIONS_ID_TOKEN_REQUEST_URL) throw new Error('the job needs the permission id-token: write')
  const url = new URL(ACTIONS_ID_TOKEN_REQUEST_URL)
  url.searchParams.set('audience', KEYWRIGHT_ISSUER)
  const headers = { authorization: `Bearer ${ACTIONS_ID_TOKEN_REQUEST_TOKEN}` }
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(TIMEOUT) })
  if (!response.ok) throw new Error(`GitHub issued no token: ${response.status}`)
  const { value } = await response.json()
  mask(value)
  return value
}

/** The token of GitHub as the client's assertion (RFC 7523, section 2.2), or as the grant itself (section 2.1). */
const parametersOf = (token) =>
  GRANT_TYPE === JWT_BEARER_GRANT
    ? { assertion: token }
    : { client_assertion_type: JWT_BEARER_ASSERTION, client_assertion: token }

/** Needed again after `expires_in` seconds, with a new token of GitHub. */
async function accessToken() {
  const form = {
    grant_type: GRANT_TYPE,
    client_id: CLIENT_ID,
    ...parametersOf(await identityToken()),
    ...(SCOPE && { scope: SCOPE }),
  }
  const request = { method: 'POST', body: new URLSearchParams(form), signal: AbortSignal.timeout(TIMEOUT) }
  const response = await fetch(`${KEYWRIGHT_ISSUER}/oauth2/token`, request)
  if (!response.ok) throw new Error(`Keywright issued no access token: ${response.status} ${await response.text()}`)
  const { access_token } = await response.json()
  mask(access_token)
  return access_token
}

try {
  const headers = { authorization: `Bearer ${await accessToken()}` }
  const response = await fetch(API_URL, { headers, signal: AbortSignal.timeout(TIMEOUT) })
  say(`${API_URL}: ${response.status}`)
  say(await response.text())
  if (!response.ok) process.exitCode = 1
} catch (error) {
  say(`::error::${error.message.replaceAll(/\s+/g, ' ')}`)
  process.exitCode = 1
}
