import { randomUUID, sign } from 'node:crypto'
import { JWT_BEARER_ASSERTION } from '../src/clients/client-assertions.ts'
import type { Credentials, KeyClient } from './keywright.ts'
import type { Load } from './load.ts'
import type { Measured } from './processes.ts'

const pick = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)]!

export const tokenForm = ({ id, secret }: Credentials) =>
  `grant_type=client_credentials&client_id=${id}&client_secret=${encodeURIComponent(secret)}`

export const tokenLoad = (clients: readonly Credentials[]): Load => ({
  path: '/oauth2/token',
  method: 'POST',
  body: () => tokenForm(pick(clients)),
})

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')

const ASSERTION_HEADER = encoded({ alg: 'ES256' })

/** A new assertion for each request (RFC 7523): the server accepts each once. */
function assertionOf({ id, privateKey }: KeyClient, audience: string): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: id, sub: id, aud: audience, iat: now, exp: now + 240, jti: randomUUID() }
  const signed = `${ASSERTION_HEADER}.${encoded(claims)}`
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

function keyTokenForm(clients: readonly KeyClient[], audience: string): string {
  const type = encodeURIComponent(JWT_BEARER_ASSERTION)
  return `grant_type=client_credentials&client_assertion_type=${type}&client_assertion=${assertionOf(pick(clients), audience)}`
}

/**
 * So many requests are signed beforehand, and further ones when they are sent: a generator that signs meanwhile asks less often than
 * one that sends secrets, and the server would then gather fewer requests into each statement.
 */
export function keyTokenLoad(clients: readonly KeyClient[], audience: string, signed: number): Load {
  const forms = Array.from({ length: signed }, () => keyTokenForm(clients, audience))
  return { path: '/oauth2/token', method: 'POST', body: () => forms.pop() ?? keyTokenForm(clients, audience) }
}

export const jwksLoad: Load = { path: '/oauth2/jwks', method: 'GET' }

export async function fetchToken(target: Measured, client: Credentials): Promise<string> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await fetch(`${target.url}/oauth2/token`, { method: 'POST', headers, body: tokenForm(client) })
  return ((await answer.json()) as { access_token: string }).access_token
}

/** Introspects 200 active tokens one after another. */
export async function introspectionLoad(
  target: Measured,
  clients: readonly Credentials[],
  caller: Credentials,
): Promise<Load> {
  const tokens = await Promise.all(
    Array.from({ length: 200 }, (_, n) => fetchToken(target, clients[n % clients.length]!)),
  )
  const credentials = `client_id=${caller.id}&client_secret=${encodeURIComponent(caller.secret)}`
  return { path: '/oauth2/introspect', method: 'POST', body: () => `token=${pick(tokens)}&${credentials}` }
}

export const engineClients = (count: number): Credentials[] =>
  Array.from({ length: count }, (_, n) => ({
    id: `client-${n}`,
    secret: `secret-${n}-0123456789012345678901234567890123456789`,
  }))
