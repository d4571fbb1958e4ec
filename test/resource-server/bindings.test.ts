import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as forExpress from '../../packages/resource-server/src/express.ts'
import * as forFastify from '../../packages/resource-server/src/fastify.ts'
import { resourceMetadata, withAccessToken } from '../../packages/resource-server/src/fetch.ts'
import * as forHono from '../../packages/resource-server/src/hono.ts'
import * as forKoa from '../../packages/resource-server/src/koa.ts'
import { createVerifier, type Verifier } from '../../packages/resource-server/src/verifier.ts'
import { until } from '../support/load.ts'
import { AUDIENCE, type FakeIssuer, makeProver, startFakeIssuer } from './fake-issuer.ts'

/** An API that responds with the subject of the token. */
interface Api {
  readonly url: string
  close(): Promise<void>
}

const SCOPES = { requiredScopes: ['read'] }
const DESCRIPTION = { scopes: ['read', 'write'], name: 'Weather' }

async function listen(server: Server): Promise<Api> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

function koaApi(verifier: Verifier) {
  const app = new Koa()
  app.use(forKoa.resourceMetadata(verifier, DESCRIPTION))
  app.use(forKoa.accessToken(verifier, SCOPES))
  app.use((ctx) => {
    ctx.body = { subject: ctx.state.accessToken.subject }
  })
  return listen(createServer(app.callback()))
}

function expressApi(verifier: Verifier) {
  const app = express()
  app.use(forExpress.resourceMetadata(verifier, DESCRIPTION))
  app.use('/v1', forExpress.accessToken(verifier, SCOPES))
  app.get('/v1/weather', (req: forExpress.ExpressRequest & express.Request, res) => {
    res.json({ subject: req.accessToken!.subject })
  })
  return listen(createServer(app))
}

async function fastifyApi(verifier: Verifier): Promise<Api> {
  const app = fastify({ forceCloseConnections: true })
  app.addHook('onRequest', forFastify.resourceMetadata(verifier, DESCRIPTION))
  app.addHook('onRequest', forFastify.accessToken(verifier, SCOPES))
  app.get('/v1/weather', async (request: forFastify.FastifyRequest) => ({ subject: request.accessToken!.subject }))
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() as unknown as Promise<void> }
}

function honoApi(verifier: Verifier) {
  const app = new Hono<forHono.AccessTokenVariables>()
  app.use(forHono.resourceMetadata(verifier, DESCRIPTION))
  app.use('/v1/*', forHono.accessToken(verifier, SCOPES))
  app.get('/v1/weather', (c) => c.json({ subject: c.get('accessToken').subject }))
  return listenFetch((request) => app.fetch(request))
}

function fetchApi(verifier: Verifier) {
  const weather = withAccessToken(verifier, (_request, { subject }) => Response.json({ subject }), SCOPES)
  return listenFetch((request) => resourceMetadata(verifier, request, DESCRIPTION) ?? weather(request))
}

function listenFetch(fetch: (request: Request) => Response | Promise<Response>): Promise<Api> {
  return new Promise((resolve) => {
    const server = serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({
        url: `http://127.0.0.1:${port}`,
        close: () => new Promise<void>((done) => void server.close(() => done())),
      }),
    )
  })
}

/** An API with a timeout middleware that responds with 504. */
async function timeoutApi(verifier: Verifier, milliseconds: number): Promise<Api> {
  const app = express()
  app.use((_req, res, next) => {
    setTimeout(() => res.status(504).end(), milliseconds)
    next()
  })
  app.use(forExpress.accessToken(verifier))
  return await listen(createServer(app))
}

const ALL = { Koa: koaApi, Express: expressApi, Fastify: fastifyApi, Hono: honoApi, 'the Fetch API': fetchApi }
const METADATA = 'https://api.example.com/.well-known/oauth-protected-resource/v1'
const RESOURCE = `realm="weather", resource_metadata="${METADATA}", scope="read"`
const DPOP = `DPoP ${RESOURCE}, algs="ES256 RS256 PS256 EdDSA Ed25519"`

let issuer: FakeIssuer
beforeAll(async () => {
  issuer = await startFakeIssuer()
})
afterAll(() => issuer.close())

describe.each(Object.entries(ALL))('with %s', (_name, start) => {
  let api: Api
  let list: ReturnType<FakeIssuer['addList']>
  beforeAll(async () => {
    list = issuer.addList()
    list.revoke(2)
    api = await start(createVerifier({ issuer: issuer.url, audience: AUDIENCE, realm: 'weather' }))
  })
  afterAll(() => api.close())

  const weather = (headers: Record<string, string> = {}) => fetch(`${api.url}/v1/weather?city=Bern`, { headers })
  const tokenAt = (idx: number, claims = {}) =>
    issuer.token({ status: { status_list: { idx, uri: list.uri } }, ...claims })

  it('a request with a valid token reaches the handler', async () => {
    const answer = await weather({ authorization: `Bearer ${await tokenAt(1, { sub: 'ann' })}` })
    expect([answer.status, await answer.json()]).toEqual([200, { subject: 'ann' }])
  })

  it('a request without a token gets a 401 with the URL of the metadata and the scopes', async () => {
    const answer = await weather()
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe(`Bearer ${RESOURCE}, ${DPOP}`)
  })

  it('a revoked token gets a 401 as RFC 6750 specifies', async () => {
    const answer = await weather({ authorization: `Bearer ${await tokenAt(2, { jti: 'j1' })}` })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe(
      `Bearer ${RESOURCE}, error="invalid_token", error_description="the access token was revoked", ${DPOP}`,
    )
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    expect(await answer.json()).toEqual({
      error: 'invalid_token',
      error_description: 'the access token was revoked',
      code: 'token_revoked',
      jti: 'j1',
    })
  })

  it('a token with too few scopes gets a 403 with the required scope', async () => {
    const answer = await weather({ authorization: `Bearer ${await tokenAt(1, { scope: 'write' })}` })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('www-authenticate')).toContain('scope="read", error="insufficient_scope"')
  })

  it('a token with an unknown status gets a 503 with Retry-After and no challenge', async () => {
    const uri = `${issuer.url}/oauth2/status/gone`
    const answer = await weather({
      authorization: `Bearer ${await tokenAt(1, { status: { status_list: { idx: 1, uri } } })}`,
    })
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('www-authenticate')]).toEqual([
      503,
      '5',
      null,
    ])
    expect(await answer.json()).toMatchObject({ error: 'status_unknown' })
  })

  it('a token bound to a key needs a proof for this URL', async () => {
    const prover = await makeProver()
    const token = await tokenAt(1, { cnf: { jkt: prover.jkt } })
    const ath = createHash('sha256').update(token).digest('base64url')
    const htu = `${api.url}/v1/weather`
    const authorization = `DPoP ${token}`
    const good = await weather({ authorization, dpop: await prover.proof({ htm: 'GET', htu, ath }) })
    expect(good.status).toBe(200)
    const bad = await weather({ authorization, dpop: await prover.proof({ htm: 'GET', htu: `${htu}/x`, ath }) })
    expect(bad.status).toBe(401)
    expect(bad.headers.get('www-authenticate')).toMatch(/^DPoP .*error="invalid_dpop_proof".*, Bearer realm="weather"/)
  })

  it.each([
    ['a Host header with a path', '/v1/weather', 'api.example.com/v1/other?', 'http://api.example.com/v1/other'],
    [
      'a request target that is not a path',
      'munity://x/v1/weather',
      'api.example.com',
      'http://api.example.community//x/v1/weather',
    ],
  ])('%s does not make a proof for another URL valid', async (_name, path, host, htu) => {
    const prover = await makeProver()
    const token = await tokenAt(1, { cnf: { jkt: prover.jkt } })
    const ath = createHash('sha256').update(token).digest('base64url')
    const headers = { host, authorization: `DPoP ${token}`, dpop: await prover.proof({ htm: 'GET', htu, ath }) }
    const { port } = new URL(api.url)
    const [answer] = await once(request({ host: '127.0.0.1', port, path, headers, agent: false }).end(), 'response')
    answer.resume()
    // Node's adapter for the Fetch API rejects both itself.
    expect([400, 401]).toContain(answer.statusCode)
  })

  it('the metadata is served at the path of RFC 9728', async () => {
    const answer = await fetch(`${api.url}/.well-known/oauth-protected-resource/v1`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
    expect(await answer.json()).toEqual({
      resource: AUDIENCE,
      authorization_servers: [issuer.url],
      scopes_supported: ['read', 'write'],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ['ES256', 'RS256', 'PS256', 'EdDSA', 'Ed25519'],
      resource_name: 'Weather',
    })
  })

  it('a page of another origin can read the metadata, also with a header of its own', async () => {
    const headers = {
      origin: 'https://client.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'mcp-protocol-version',
    }
    for (const slash of ['', '/']) {
      const url = `${api.url}/.well-known/oauth-protected-resource/v1${slash}`
      const preflight = await fetch(url, { method: 'OPTIONS', headers })
      expect(preflight.status).toBe(200)
      expect(preflight.headers.get('access-control-allow-headers')).toBe('*')
      const read = await fetch(url, { headers: { origin: headers.origin } })
      expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
    }
  })
})

it('in Express, a rejection after a timeout response causes no unhandled rejection', async () => {
  const list = issuer.addList()
  list.respond = (_req, res) => void setTimeout(() => res.writeHead(500).end(), 150)
  const problems: string[] = []
  const onProblem = ({ code }: { code: string }) => void problems.push(code)
  const api = await timeoutApi(createVerifier({ issuer: issuer.url, audience: AUDIENCE, onProblem }), 20)
  const unhandled: unknown[] = []
  const note = (reason: unknown) => void unhandled.push(reason)
  process.on('unhandledRejection', note)
  const authorization = `Bearer ${await issuer.token({ status: { status_list: { idx: 1, uri: list.uri } } })}`
  expect((await fetch(api.url, { headers: { authorization } })).status).toBe(504)
  await until(() => problems.length > 0)
  await setImmediate()
  process.off('unhandledRejection', note)
  await api.close()
  expect(unhandled).toEqual([])
})

it('the origin option replaces the origin of the request', async () => {
  const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, statusList: false })
  const handler = withAccessToken(verifier, () => new Response('ok'), { origin: 'https://api.example.com' })
  const prover = await makeProver()
  const token = await issuer.token({ cnf: { jkt: prover.jkt } })
  const ath = createHash('sha256').update(token).digest('base64url')
  const ask = async (htu: string) => {
    const headers = { authorization: `DPoP ${token}`, dpop: await prover.proof({ htm: 'GET', htu, ath }) }
    return (await handler(new Request('http://inside:8080/v1/weather', { headers }))).status
  }
  expect(await ask('https://api.example.com/v1/weather')).toBe(200)
  expect(await ask('http://inside:8080/v1/weather')).toBe(401)
})

it('an error of the handler is not converted into a response', async () => {
  const verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, statusList: false })
  const handler = withAccessToken(verifier, () => {
    throw new Error('mine')
  })
  const authorization = `Bearer ${await issuer.token()}`
  await expect(handler(new Request('http://x/', { headers: { authorization } }))).rejects.toThrow('mine')
})
