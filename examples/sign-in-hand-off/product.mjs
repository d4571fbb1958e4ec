// A product with users and sessions of its own that signs them in for Keywright. Node 24, without dependencies.
// Its users are in this file and its sessions in memory: yours are where they are today.
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'

const { KEYWRIGHT_URL, CLIENT_ID, CLIENT_SECRET, PORT = '4000', HOST = '127.0.0.1' } = process.env

const USERS = {
  ada: { password: 'lovelace', external_id: 'usr_1', email: 'ada@acme.example', name: 'Ada Lovelace', role: 'admin' },
  bob: { password: 'builder', external_id: 'usr_2', email: 'bob@acme.example', name: 'Bob', role: 'member' },
}
const ACCOUNT = 'cus_acme'

/** Session ID → user and the time of the sign-in. */
const sessions = new Map()

// The management API

let token

/** A token of this service, for the scope `sign_ins:answer` alone. */
async function accessToken() {
  if (token?.expiresAt > Date.now()) return token.value
  const response = await fetch(`${KEYWRIGHT_URL}/oauth2/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      resource: 'urn:keywright:management',
      scope: 'sign_ins:answer',
    }),
  })
  if (!response.ok) throw new Error(`no access token: ${response.status} ${await response.text()}`)
  const { access_token: value, expires_in: seconds } = await response.json()
  token = { value, expiresAt: Date.now() + (seconds - 30) * 1000 }
  return value
}

/** @param {string} path below `/sign-in-challenges/` */
async function call(method, path, body) {
  const headers = { authorization: `Bearer ${await accessToken()}`, 'content-type': 'application/json' }
  const url = `${KEYWRIGHT_URL}/api/v1/sign-in-challenges/${path}`
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) })
  const answer = await response.json()
  if (response.ok) return answer
  throw Object.assign(new Error(answer.detail), { status: response.status })
}

// The sign-in

const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

const page = (response, status, html) =>
  response
    .writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
    .end(`<!doctype html>
<html lang="en"><meta name="viewport" content="width=device-width"><title>ACME</title><h1>ACME</h1>${html}</html>`)

const redirect = (response, location, headers = {}) => response.writeHead(303, { location, ...headers }).end()

function signInPage(response, challenge, { application, login_hint: hint }, problem = '') {
  page(
    response,
    problem ? 400 : 200,
    `<p>Sign in to continue to ${escaped(application?.name ?? 'the console')}.</p><p role="alert">${escaped(problem)}</p>
<form method="post" action="/sign-in">
<input type="hidden" name="sign_in_challenge" value="${escaped(challenge)}">
<p><label>User <input name="user" value="${escaped(hint ?? '')}" autocomplete="username"></label>
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label>
<p><button>Sign in</button> <button name="cancel" value="1">Cancel</button></form>`,
  )
}

/** Accepts for the user who is signed in in this browser, and sends it back to Keywright. */
async function accept(response, challenge, { user, at }, headers) {
  const { password: _, ...profile } = user
  const answer = { user: profile, account: ACCOUNT, amr: ['pwd'], auth_time: at }
  const { redirect_to: url } = await call('PUT', `${challenge}/accept`, answer)
  redirect(response, url, headers)
}

const sessionOf = ({ headers: { cookie = '' } }) => sessions.get(/(?:^|; )acme_session=([\w-]+)/.exec(cookie)?.[1])

/** Whether the product's session is enough for what Keywright asks. */
const isEnough = ({ prompt, max_age: maxAge }, { at }) =>
  prompt !== 'login' && (maxAge === null || at > Date.now() / 1000 - maxAge)

async function showSignIn(request, response, challenge) {
  const asked = await call('GET', challenge)
  const session = sessionOf(request)
  if (session && isEnough(asked, session)) return await accept(response, challenge, session)
  signInPage(response, challenge, asked)
}

async function trySignIn(response, form) {
  const challenge = encodeURIComponent(form.get('sign_in_challenge') ?? '')
  if (form.has('cancel')) {
    const { redirect_to: url } = await call('PUT', `${challenge}/reject`, { error: 'access_denied' })
    return redirect(response, url)
  }
  const user = Object.hasOwn(USERS, form.get('user')) ? USERS[form.get('user')] : undefined
  if (!user || user.password !== form.get('password'))
    return signInPage(response, challenge, await call('GET', challenge), 'Incorrect user or password.')
  const id = randomBytes(32).toString('base64url')
  const session = { user, at: Math.floor(Date.now() / 1000) }
  sessions.set(id, session)
  await accept(response, challenge, session, { 'set-cookie': `acme_session=${id}; HttpOnly; SameSite=Lax; Path=/` })
}

async function readForm(request) {
  let text = ''
  for await (const part of request.setEncoding('utf8')) {
    text += part
    if (text.length > 20_000) throw Object.assign(new Error('too large'), { status: 413 })
  }
  return new URLSearchParams(text)
}

async function handle(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://product')
  if (pathname !== '/sign-in') return page(response, 404, '<p>Not found.</p>')
  // A form of another site must not sign in anybody here.
  const site = request.headers['sec-fetch-site']
  if (request.method === 'POST' && site && site !== 'same-origin') return page(response, 403, '<p>Refused.</p>')
  if (request.method === 'POST') return await trySignIn(response, await readForm(request))
  const challenge = searchParams.get('sign_in_challenge')
  if (!challenge) return page(response, 400, '<p>Start at Keywright.</p>')
  await showSignIn(request, response, encodeURIComponent(challenge))
}

const server = createServer((request, response) => {
  handle(request, response).catch((error) => {
    if (!error.status) process.stderr.write(`${error.message}\n`)
    page(response, error.status === 404 ? 404 : 502, '<p>This sign-in is over. Go back and start again.</p>')
  })
})
server.listen(Number(PORT), HOST, () => process.stdout.write(`listening on http://${HOST}:${server.address().port}\n`))
