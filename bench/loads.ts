import type { Credentials } from './keywright.ts'
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
