import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { makeProver } from '../resource-server/fake-issuer.ts'
import type { Environment } from '../support/cli.ts'
import { startKeywright } from '../support/keywright.ts'
import { until } from '../support/load.ts'
import { freePort, type Program, startProgram } from '../support/program.ts'
import { send } from '../support/requests.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const VERIFY = join(ROOT, 'packages/resource-server/src/verify-server-main.ts')

/** A file of `examples/`. */
export const examplePath = (path: string): string => join(ROOT, 'examples', path)

/** The file with its addresses replaced by those of the test, each of which must stand in it. */
export async function exampleWith(path: string, changes: Record<string, string>): Promise<string> {
  let text = await readFile(examplePath(path), 'utf8')
  for (const [written, meant] of Object.entries(changes)) {
    if (!text.includes(written)) throw new Error(`${path} does not say ${written}`)
    text = text.replaceAll(written, meant)
  }
  return text
}

/** An API without any defence of its own, that answers what it was asked. */
async function startUpstream() {
  const server = createServer((req, res) => {
    res.setHeader('content-type', 'application/json')
    res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, stop: () => new Promise<unknown>((resolve) => server.close(resolve).closeAllConnections()) }
}

export type Stage = Awaited<ReturnType<typeof startStage>>

/** A server with two APIs and a client of both, and the API that a gateway is to guard. */
export async function startStage(env: Environment = {}) {
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
    /** Of the API that is guarded, unless it is to be of the other. */
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

/** `keywright-verify` for the stage's API, as its operator would start it. */
export async function startVerifier({ issuer, api }: Stage, env: Environment = {}): Promise<Program> {
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

/** What a gateway answers to a request with this token. */
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

/** The answer to a request with headers that `fetch` would not send. */
async function askRaw(gateway: Program, headers: RawHeaders): Promise<IncomingMessage> {
  const [response] = await once(request(`${gateway.url}/weather`, { headers, agent: false }).end(), 'response')
  return response
}

/**
 * The statuses of requests that carry a good token and another, in two headers and in one: of which would the API behind believe
 * that it was verified?
 */
export async function askTwice(gateway: Program, { token }: Stage): Promise<(number | undefined)[]> {
  const statuses: (number | undefined)[] = []
  for (const second of ['a.b.c', await token()]) {
    const tokens = [`Bearer ${await token()}`, `Bearer ${second}`]
    for (const authorization of [tokens, tokens.join(', ')]) {
      statuses.push((await askRaw(gateway, { authorization })).resume().statusCode)
    }
  }
  return statuses
}

/** By which a caller would pass for another at the API, or would speak to it past the gateway. */
const TRICKS: Record<string, RawHeaders> = {
  // To WSGI, CGI and PHP they are one name with those that have hyphens.
  underscores: {
    X_Client_Id: 'evil',
    'X-Client_Id': 'evil',
    'X_Client-Id': 'evil',
    X_Subject: 'evil',
    X_Scope: 'evil',
  },
  // What is named there is for the next hop only, and proxies take it out (RFC 9110, section 7.6.1).
  'hop by hop': { connection: ['x-CLIENT-id, X-Subject', 'close, X-Scope'] },
  // After a 101 a proxy looks at nothing any more.
  'another protocol': { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQ' },
}

/** What the API behind a gateway is told of tricks beside a good token: who calls, and what of them came through. */
export async function tryTricks(gateway: Program, token: string) {
  const outcomes: Record<string, unknown> = {}
  for (const [trick, headers] of Object.entries(TRICKS)) {
    const response = await askRaw(gateway, { authorization: `Bearer ${token}`, ...headers })
    const got: Record<string, string> = ((await json(response)) as { headers: Record<string, string> }).headers
    const { 'x-client-id': client, 'x-subject': subject, 'x-scope': scope, upgrade } = got
    outcomes[trick] = { client, subject, scope, upgrade, odd: Object.keys(got).filter((name) => name.includes('_')) }
  }
  return outcomes
}

/** Of which none worked. */
export function noTrickWorks({ clientId }: Stage['client']) {
  const told = { client: clientId, subject: clientId, scope: 'read', upgrade: undefined, odd: [] }
  return Object.fromEntries(Object.keys(TRICKS).map((trick) => [trick, told]))
}

/**
 * What a gateway answers to requests with a token that is bound to a key (RFC 9449): with a proof for this request, for another
 * one, and with the token as Bearer.
 */
export async function askBound(gateway: Program, { server, api, client }: Stage, headers: Record<string, string> = {}) {
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
    right: await askWith('/weather', 'DPoP'),
    elsewhere: await askWith('/other', 'DPoP'),
    bearer: await askWith('/weather', 'Bearer'),
  }
}

/** Resolves, with how, when the token is refused, for which it waits less than half of the lists' usual `ttl`. */
export async function refused(gateway: Program, token: string) {
  let answer = await ask(gateway, token)
  await until(async () => {
    if (answer.status !== 200) return true
    answer = await ask(gateway, token)
    return false
  })
  return answer
}
