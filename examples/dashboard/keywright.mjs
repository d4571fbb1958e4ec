/** The management API of Keywright, for a service that acts for itself. */

const MANAGEMENT = 'urn:keywright:management'

export function keywright({ url, clientId, clientSecret }) {
  let present = { token: '', until: 0 }

  async function ownToken() {
    if (present.until > Date.now()) return present.token
    const form = {
      grant_type: 'client_credentials',
      resource: MANAGEMENT,
      client_id: clientId,
      client_secret: clientSecret,
    }
    const response = await fetch(`${url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
    if (!response.ok) throw new Error(`no token for the service: ${response.status} ${await response.text()}`)
    const { access_token: token, expires_in } = await response.json()
    present = { token, until: Date.now() + (expires_in - 60) * 1000 }
    return token
  }

  /** @param token absent: that of the service itself */
  async function send(method, path, body, token) {
    const headers = {
      authorization: `Bearer ${token ?? (await ownToken())}`,
      ...(body && { 'content-type': 'application/json' }),
    }
    const request = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    const response = await fetch(`${url}/api/v1${path}`, request)
    const text = await response.text()
    return { status: response.status, body: text ? JSON.parse(text) : {} }
  }

  async function expect(method, path, body) {
    const answer = await send(method, path, body)
    if (answer.status < 300) return answer.body
    const message = `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`
    throw Object.assign(new Error(message), { status: answer.status })
  }

  return {
    send,
    get: (path) => expect('GET', path),
    post: (path, body) => expect('POST', path, body),
    put: (path, body) => expect('PUT', path, body),
  }
}
