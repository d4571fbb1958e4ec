import { randomUUID } from 'node:crypto'
import { API_ROOT } from '../../src/api/management-paths.ts'
import type { ApiRoute } from '../../src/api/route.ts'
import { send } from '../support/requests.ts'
import type { Browser } from '../support/scriptless-browser.ts'
import { fillPath, type Samples, sampleBody } from './all-routes.ts'

interface Node {
  readonly url: string
}

/** Of a stream that does not end by itself. */
async function beginningOf(url: string, request: RequestInit) {
  const stop = new AbortController()
  const response = await fetch(url, { ...request, signal: stop.signal })
  if (!response.ok) return { status: response.status, headers: response.headers, text: await response.text() }
  const { value } = await response.body!.getReader().read()
  stop.abort()
  return { status: response.status, headers: response.headers, text: new TextDecoder().decode(value) }
}

/** Sends a request of the management API that is complete. @param token undefined: without one */
export async function askApi(node: Node, route: ApiRoute, token: string | undefined, filled: Samples) {
  const body = sampleBody(route, filled)
  const headers = {
    'x-request-id': 'walker',
    ...(token && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(route.etag && { 'if-match': '*' }),
    ...(route.idempotent && { 'idempotency-key': randomUUID() }),
  }
  const url = node.url + API_ROOT + fillPath(route.path, filled)
  const request = { method: route.method.toUpperCase(), headers, body: JSON.stringify(body) }
  return route.lines === 'events' ? await beginningOf(url, request) : await send(url, request)
}

/** A page, or what its form is sent to. */
export interface Address {
  readonly method: string
  readonly path: string
  readonly takesFiles?: boolean | undefined
}

export const nameOf = ({ method, path }: Address): string => `${method.toUpperCase()} ${path}`

const CSRF_OF_NOBODY = 'a'.repeat(43)

/**
 * Opens a page, or sends a form that passes the checks of forms, with values that many routes take.
 * Without going where it leads.
 */
export async function askPage(
  node: Node,
  { method, path, takesFiles }: Address,
  browser: Browser,
  filled: Samples,
  fields: Record<string, string> = {},
) {
  const cookies = [...browser.cookies].map(([key, { value }]) => [key.split(' ')[0]!, value] as const)
  const isNamed = ([name]: readonly [string, string]) => name.startsWith('kw_csrf')
  if (!cookies.some(isNamed)) cookies.push(['kw_csrf', CSRF_OF_NOBODY])
  const headers = { accept: 'text/html', cookie: cookies.map((pair) => pair.join('=')).join('; ') }
  const url = node.url + fillPath(path, filled)
  if (method === 'get') return await send(url, { headers, redirect: 'manual' })
  const body = takesFiles ? new FormData() : new URLSearchParams()
  const csrf = cookies.find(isNamed)![1]
  const typed = {
    csrf,
    revision: '1',
    role: 'member',
    status: 'disabled',
    state: 'disabled',
    enabled: 'off',
    ...fields,
  }
  for (const [name, value] of Object.entries(typed)) body.append(name, value)
  return await send(url, { method: 'POST', headers, body, redirect: 'manual' })
}
