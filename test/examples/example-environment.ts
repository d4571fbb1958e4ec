import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { DEFAULT_SETTINGS } from '../../src/clients/client-settings.ts'
import { createClient } from '../../src/management/client-registration.ts'
import { makeProver } from '../resource-server/fake-issuer.ts'
import type { Environment } from '../support/environment.ts'
import { ACTOR } from '../support/factory.ts'
import { startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { freePort, type Program, startProgram } from '../support/program.ts'
import { send } from '../support/requests.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const VERIFY = join(ROOT, 'packages/resource-server/src/verify-server-main.ts')

/** A file of `examples/`. */
export const examplePath = (path: string): string => join(ROOT, 'examples', path)

/** Reads an example with its addresses replaced by those of the test. Each of them must occur in the file. */
export async function exampleWith(path: string, changes: Record<string, string>): Promise<string> {
  let text = await readFile(examplePath(path), 'utf8')
  for (const [printed, actual] of Object.entries(changes)) {
    if (!text.includes(printed)) throw new Error(`${path} does not contain ${printed}`)
    text = text.replaceAll(printed, actual)
  }
  return text
}

/** An API without authorization that responds with the request. */
async function startUpstream() {
  const server = createServer((req, res) => {
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, stop: () => new Promise<unknown>((resolve) => server.close(resolve).closeAllConnections()) }
}

export type ExampleEnvironment = Awaited<ReturnType<typeof startExampleEnvironment>>

/** A server with two APIs and a client of both, and the API behind the gateway. */
export async function startExampleEnvironment(env: Environment = {}) {
  const server = await startKeywright({ env })
  const [api, other] = [await server.make.api(), await server.make.api()]
  const client = await server.make.client({}, [api.identifier, other.identifier])
  const upstream = await startUpstream()
  return {
    server,
    issuer: server.issuer,
    api,
    client,
    upstream: `127.0.0.1:${upstream.port}`,
    /** A token for the API behind the gateway, or for the other one. */
    async token(scope = 'read', audience: 'this' | 'other' = 'this'): Promise<string> {
      const resource = audience === 'this' ? api.identifier : other.identifier
      const { status, text, body } = await server.machineToken(client, { scope, resource })
      if (status !== 200) throw new Error(text)
      return body.access_token
    },
    async revoke(token: string): Promise<void> {
      const { status, text } = await server.revoke(token, client)
      if (status !== 200) throw new Error(text)
    },
    async stop() {
      await upstream.stop()
      await server.stop()
    },
  }
}

/** Starts `keywright-verify` for the API behind the gateway. */
export async function startVerifier({ issuer, api }: ExampleEnvironment, env: Environment = {}): Promise<Program> {
  const port = await freePort()
  return await startProgram([process.execPath, VERIFY], port, {
    ISSUER: issuer,
    AUDIENCE: api.identifier,
    API_ID: api.clientId,
    API_SECRET: api.clientSecret,
    PORT: String(port),
    ...env,
  })
}

/** Returns the response of a gateway to a request with a token. */
export async function ask(
  gateway: Program,
  token?: string,
  headers: Record<string, string> = {},
  path = '/weather?city=Bern',
) {
  const authorization = token === undefined ? undefined : { authorization: `Bearer ${token}` }
  const answer = await send(gateway.url + path, { headers: { ...authorization, ...headers } })
  return { ...answer, challenge: answer.headers.get('www-authenticate') }
}

type RawHeaders = Record<string, string | string[]>

/** Sends headers that `fetch` would not send. */
async function askRaw(gateway: Program, headers: RawHeaders): Promise<IncomingMessage> {
  const [response] = await once(request(`${gateway.url}/weather`, { headers, agent: false }).end(), 'response')
  return response
}

/**
 * Returns the HTTP statuses of requests with a valid token and a second one, in two headers and in one. The API could not know which
 * of them was verified.
 */
export async function askWithTwoTokens(
  gateway: Program,
  { token }: ExampleEnvironment,
): Promise<(number | undefined)[]> {
  const statuses: (number | undefined)[] = []
  for (const second of ['a.b.c', await token()]) {
    const tokens = [`Bearer ${await token()}`, `Bearer ${second}`]
    for (const authorization of [tokens, tokens.join(', ')]) {
      statuses.push((await askRaw(gateway, { authorization })).resume().statusCode)
    }
  }
  return statuses
}

/** Headers with which a caller would impersonate another at the API, or reach the API without a check. */
const FORGED_HEADERS: Record<string, RawHeaders> = {
  // For WSGI, CGI and PHP they are the same names as those with hyphens.
  underscores: {
    X_Client_Id: 'evil',
    'X-Client_Id': 'evil',
    'X_Client-Id': 'evil',
    X_Account_Id: 'evil',
    'X-Account_Id': 'evil',
    'X_Account-Id': 'evil',
    X_Subject: 'evil',
    X_Scope: 'evil',
  },
  // Proxies remove the headers that Connection names (RFC 9110, section 7.6.1).
  'hop by hop': { connection: ['x-CLIENT-id, X-Subject', 'x-account-ID', 'close, X-Scope'] },
  // After a 101 a proxy checks no further request.
  'another protocol': { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQ' },
}

/** Returns the identity headers that the API receives with a valid token and forged headers. */
export async function sendForgedRequests(gateway: Program, token: string) {
  const outcomes: Record<string, unknown> = {}
  for (const [name, headers] of Object.entries(FORGED_HEADERS)) {
    const response = await askRaw(gateway, { authorization: `Bearer ${token}`, ...headers })
    const received: Record<string, string> = ((await json(response)) as { headers: Record<string, string> }).headers
    const { 'x-client-id': client, 'x-account-id': account, 'x-subject': subject, 'x-scope': scope, upgrade } = received
    outcomes[name] = {
      client,
      account,
      subject,
      scope,
      upgrade,
      withUnderscore: Object.keys(received).filter((header) => header.includes('_')),
    }
  }
  return outcomes
}

/** The headers in which a gateway names the client of the environment to the API, except `X-Scope`. */
export const identityOf = ({ client, server }: Pick<ExampleEnvironment, 'client' | 'server'>) => ({
  'x-client-id': client.clientId,
  'x-account-id': server.firstStart.accountId,
  'x-subject': client.clientId,
})

/** A request with a token of a client that belongs to the instance, and a forged account. */
export async function askWithoutAccount(gateway: Program, { server, api }: ExampleEnvironment) {
  const settings = { ...DEFAULT_SETTINGS, name: 'Of the instance', grants: ['client_credentials'] }
  const request = { accountId: null, settings, apis: [api.identifier], scopes: ['read'] }
  const { client, clientSecret } = await createClient(server.knex, request, ACTOR)
  const credentials = { clientId: client.clientId, clientSecret: clientSecret! }
  const { body } = await server.machineToken(credentials)
  const answer = await ask(gateway, body.access_token, { 'x-account-id': 'foreign' })
  return { status: answer.status, account: answer.body.headers['x-account-id'] ?? '' }
}

/** The identity headers if no forged header has an effect. */
export function withoutForgery({ client: { clientId }, server }: Pick<ExampleEnvironment, 'client' | 'server'>) {
  const account = server.firstStart.accountId
  const identity = {
    client: clientId,
    account,
    subject: clientId,
    scope: 'read',
    upgrade: undefined,
    withUnderscore: [],
  }
  return Object.fromEntries(Object.keys(FORGED_HEADERS).map((name) => [name, identity]))
}

/**
 * Sends requests with a token that is bound to a key (RFC 9449): with a proof for this request, with a proof for another request,
 * and with the Bearer scheme.
 */
export async function askWithBoundToken(
  gateway: Program,
  { server, api, client }: ExampleEnvironment,
  headers: Record<string, string> = {},
) {
  const prover = await makeProver()
  const form = { scope: 'read', resource: api.identifier }
  const dpop = await prover.proof({ htm: 'POST', htu: `${server.issuer}/oauth2/token` })
  const { status, text, body } = await server.machineToken(client, form, { headers: { dpop } })
  if (status !== 200) throw new Error(text)
  const token: string = body.access_token
  const ath = createHash('sha256').update(token).digest('base64url')
  async function askWith(path: string, scheme: string) {
    const proof = await prover.proof({ htm: 'GET', htu: `${gateway.url}${path}`, ath })
    return await ask(gateway, undefined, { ...headers, authorization: `${scheme} ${token}`, dpop: proof })
  }
  return {
    matching: await askWith('/weather', 'DPoP'),
    forOtherUrl: await askWith('/other', 'DPoP'),
    bearer: await askWith('/weather', 'Bearer'),
  }
}

/** Waits until the token is rejected and returns that response. */
export async function untilRejected(gateway: Program, token: string) {
  let answer = await ask(gateway, token)
  await until(async () => {
    if (answer.status !== 200) return true
    answer = await ask(gateway, token)
    return false
  })
  return answer
}
