/**
 * A small dashboard of an API company, with Node alone. Its customers and their users are its own; their API keys come from Keywright,
 * in three ways: a redirect to the console, the console in a frame, and a component that calls this server. See README.md.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { keywright } from './keywright.mjs'

const { KEYWRIGHT_URL, CLIENT_ID, CLIENT_SECRET, ORIGIN, PORT = '9100', ADMIN_TOKEN = '' } = process.env

const service = keywright({ url: KEYWRIGHT_URL, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET })

const COMPONENT = new URL('../../packages/console/keywright-keys.js', import.meta.url)
const FRAMES = new URL(process.env.KEYWRIGHT_PUBLIC_URL ?? KEYWRIGHT_URL).origin

/** Customers, with the IDs of their accounts at Keywright, and users, by their IDs here. A real product has a database. */
const customers = new Map()
const users = new Map()

// A real product signs users in. Here the cookie names the user, signed.
const sealingKey = randomBytes(32)
const signatureOf = (text) => createHmac('sha256', sealingKey).update(text).digest('base64url')
const isSame = (one, other) => one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))

function userOf({ headers }) {
  const [, id, signature] = /(?:^|; )__Host-user=([\w-]+)\.([\w-]+)/.exec(headers.cookie ?? '') ?? []
  return id && isSame(signature, signatureOf(id)) ? users.get(id) : undefined
}

const escapeHtml = (text) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

const page = (title, body) => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${title} · Weather Inc.</title><link rel="stylesheet" href="/style.css">
<script type="module" src="/keywright-keys.js"></script><script type="module" src="/dashboard.js"></script></head>
<body><header><b>Weather Inc.</b> <nav><a href="/keys">API keys</a> <a href="/keys/own">API keys, own design</a>
<a href="/console">Developer console</a></nav></header><main><h1>${title}</h1>${body}</main></body></html>`

const STYLE = `body{margin:0;font:1rem/1.5 system-ui,sans-serif}header{padding:1rem;border-bottom:1px solid #8884}nav{display:flex;
flex-wrap:wrap;gap:.25rem 1rem}main{max-width:60rem;margin:auto;padding:1rem}keywright-keys{--keywright-accent:#0a7d4f}`

const SCRIPT = `for (const keys of document.querySelectorAll('keywright-keys[session-url]')) {
  keys.addEventListener('keywright-session-over', () => location.reload())
}`

const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src ${FRAMES}; frame-ancestors 'none'; base-uri 'none'`,
}

const html = (title, body) => ({ status: 200, type: 'text/html; charset=utf-8', body: page(title, body) })
const json = (status, body) => ({ status, type: 'application/json', body: JSON.stringify(body) })
const file = (type, body) => ({ status: 200, type, body })

/** The user as Keywright learns of them, each time that they come. */
const asKeywrightUser = ({ customer, id, email, name, role }) => ({
  account: customer,
  user: { external_id: id, email, name, role },
})

/** @throws Error with status 409: the user is disabled at Keywright, for example by the customer's identity provider */
const sessionFor = (user, more = {}) =>
  service.post('/console-sessions', {
    ...asKeywrightUser(user),
    pages: ['keys'],
    return_url: `${ORIGIN}/keys`,
    ...more,
  })

/** Tokens that act for a user, by the user's ID, until shortly before they expire. */
const tokens = new Map()

async function tokenFor(user) {
  const known = tokens.get(user.id)
  if (known && known.until > Date.now()) return known.token
  const scopes = ['key_pairs:read', 'key_pairs:write']
  const issued = await service.post('/console-sessions/tokens', { ...asKeywrightUser(user), scopes })
  tokens.set(user.id, { token: issued.access_token, until: Date.now() + (issued.expires_in - 60) * 1000 })
  return issued.access_token
}

async function bodyOf(request) {
  let text = ''
  for await (const part of request.setEncoding('utf8')) {
    text += part
    if (text.length > 10_000) throw new Error('the body is too long')
  }
  return text ? JSON.parse(text) : {}
}

/** The requests of `<keywright-keys endpoint>`, forwarded in the name of the user. */
async function forwardKeys(request, path, user) {
  // Another site cannot set this header without CORS.
  if (request.headers['x-requested-with'] !== 'keywright-keys') return json(403, {})
  const [, stopped] = /^\/([\w-]+)\/stop$/.exec(path) ?? []
  const { method } = request
  if (!stopped && path !== '') return json(404, {})
  const target = stopped ? `/key-pairs/${stopped}/stop` : method === 'GET' ? '/key-pairs' : '/key-pair'
  const body = method === 'POST' ? await bodyOf(request) : undefined
  const answer = await service.send(method, target, stopped ? undefined : body, await tokenFor(user))
  // It was revoked: the next request obtains another one, or learns that the user is disabled.
  if (answer.status === 401) tokens.delete(user.id)
  return json(answer.status, answer.body)
}

/** What the company's own staff and sign-up do. */
async function administrate(request, path) {
  if (!ADMIN_TOKEN || !isSame(request.headers.authorization ?? '', `Bearer ${ADMIN_TOKEN}`)) return json(401, {})
  const body = await bodyOf(request)
  if (path === '/customers') {
    const account = await service.put(`/accounts/by-external-id/${encodeURIComponent(body.id)}`, { name: body.name })
    customers.set(body.id, { ...body, accountId: account.id })
    return json(201, { account_id: account.id })
  }
  if (path === '/users') {
    users.set(body.id, body)
    return json(201, { sign_in: `/sign-in?as=${body.id}&signature=${signatureOf(body.id)}` })
  }
  if (path === '/identity-providers') {
    // What the customer enters at its identity provider, which then adds and removes the customer's users at Keywright itself.
    const customer = customers.get(body.customer)
    if (!customer) return json(404, {})
    const { token } = await service.post('/scim-tokens', { account_id: customer.accountId, role: 'developer' })
    return json(201, { base_url: `${FRAMES}/scim/v2`, token })
  }
  if (path !== '/removed-users') return json(404, {})
  // A user who left a customer without an identity provider: their sessions, keys and tokens end, also JWTs that are verified offline.
  const found = await service.get(`/users?external_id=${encodeURIComponent(body.id)}`)
  users.delete(body.id)
  tokens.delete(body.id)
  for (const { id } of found.items) await service.post(`/users/${id}/offboard`)
  return json(200, { removed: found.items.length })
}

function signIn(url) {
  const [id, signature] = [url.searchParams.get('as') ?? '', url.searchParams.get('signature') ?? '']
  if (!users.has(id) || !isSame(signature, signatureOf(id))) return json(403, {})
  const cookie = `__Host-user=${id}.${signature}; Path=/; Secure; HttpOnly; SameSite=Lax`
  return { status: 303, headers: { location: '/keys', 'set-cookie': cookie }, body: '' }
}

async function answer(request) {
  const url = new URL(request.url, ORIGIN)
  if (url.pathname === '/style.css') return file('text/css', STYLE)
  if (url.pathname === '/dashboard.js') return file('text/javascript', SCRIPT)
  if (url.pathname === '/keywright-keys.js') return file('text/javascript', await readFile(COMPONENT))
  if (url.pathname.startsWith('/admin/')) return await administrate(request, url.pathname.slice('/admin'.length))
  if (url.pathname === '/sign-in') return signIn(url)
  const user = userOf(request)
  if (!user) return json(401, { error: 'sign in first' })
  if (url.pathname === '/console') {
    const session = await sessionFor(user, { pages: ['keys', 'usage', 'activity'] })
    return { status: 303, headers: { location: session.url }, body: '' }
  }
  if (url.pathname === '/keys') {
    const session = await sessionFor(user, { embed_origin: ORIGIN })
    return html('API keys', `<keywright-keys session-url="${escapeHtml(session.url)}"></keywright-keys>`)
  }
  if (url.pathname === '/keys/own') return html('API keys', '<keywright-keys endpoint="/api/keys"></keywright-keys>')
  if (url.pathname.startsWith('/api/keys'))
    return await forwardKeys(request, url.pathname.slice('/api/keys'.length), user)
  return json(404, { error: 'there is no such page' })
}

createServer(async (request, response) => {
  const { status, type, headers, body } = await answer(request).catch((error) => {
    process.stderr.write(`${error.message}\n`)
    if (error.status === 409)
      return { ...html('API keys', '<p>You have no access. Ask an admin of your company.</p>'), status: 403 }
    return json(502, { error: 'try again later' })
  })
  response.writeHead(status, { ...HEADERS, ...(type && { 'content-type': type }), ...headers })
  response.end(body)
}).listen(Number(PORT), '127.0.0.1', () => process.stdout.write(`listening on ${PORT}\n`))
