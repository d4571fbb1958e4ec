/** MCP authorization (revision 2026-07-28): the challenges of an MCP server, and the scopes of its tools. */
import { createHash } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import Koa from 'koa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as forExpress from '../../packages/resource-server/src/express.ts'
import * as forFastify from '../../packages/resource-server/src/fastify.ts'
import * as forKoa from '../../packages/resource-server/src/koa.ts'
import { authInfoOf, withMcpAccessToken } from '../../packages/resource-server/src/mcp.ts'
import { createVerifier, type Verifier } from '../../packages/resource-server/src/verifier.ts'
import { AUDIENCE, type FakeIssuer, makeProver, startFakeIssuer } from './fake-issuer.ts'

const SCOPES = {
  tools: { list_notes: ['read'], add_note: ['write'], audit: ['audit', 'write'] },
  methods: { 'resources/read': ['files'] },
}

type Ask = (init: RequestInit) => Promise<Response>

const ENDPOINT = `${AUDIENCE}/mcp`

let issuer: FakeIssuer
let verifier: Verifier
const closing: (() => unknown)[] = []
beforeAll(async () => {
  issuer = await startFakeIssuer()
  const impliedScopes = { admin: ['audit', 'files'], audit: ['write'], write: ['read'] }
  verifier = createVerifier({ issuer: issuer.url, audience: AUDIENCE, statusList: false, impliedScopes })
})
afterAll(async () => {
  for (const close of closing) await close()
  await issuer.close()
})

const REQUIRED = { requiredScopes: ['read'] }

async function urlOf(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

const SERVERS: Record<string, () => Promise<Ask>> = {
  'the Fetch API': async () => {
    const guarded = withMcpAccessToken(verifier, () => new Response('reached'), { ...SCOPES, ...REQUIRED })
    return (init) => guarded(new Request(ENDPOINT, init))
  },
  async Express() {
    const app = express()
    app.use(forExpress.accessToken(verifier, REQUIRED), express.json(), forExpress.mcpScopes(verifier, SCOPES))
    app.use((_req, res) => void res.send('reached'))
    const url = await urlOf(createServer(app))
    return (init) => fetch(url, init)
  },
  async Koa() {
    const app = new Koa()
    app.use(forKoa.accessToken(verifier, REQUIRED))
    app.use(async (ctx, next) => {
      const chunks: Buffer[] = []
      for await (const chunk of ctx.req) chunks.push(chunk)
      const isJson = ctx.is('json') && chunks.length > 0
      Object.assign(ctx.request, { body: isJson ? JSON.parse(Buffer.concat(chunks).toString()) : undefined })
      await next()
    })
    app.use(forKoa.mcpScopes(verifier, SCOPES))
    app.use((ctx) => {
      ctx.body = 'reached'
    })
    const url = await urlOf(createServer(app.callback()))
    return (init) => fetch(url, init)
  },
  async Fastify() {
    const app = fastify({ forceCloseConnections: true })
    app.addContentTypeParser('text/plain', (_request, _payload, done) => done(null, undefined))
    app.addHook('onRequest', forFastify.accessToken(verifier, REQUIRED))
    app.addHook('preHandler', forFastify.mcpScopes(verifier, SCOPES))
    app.all('/mcp', async () => 'reached')
    const url = `${await app.listen({ port: 0, host: '127.0.0.1' })}/mcp`
    closing.push(() => app.close())
    return (init) => fetch(url, init)
  },
}

const call = (name: unknown, args = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name, arguments: args },
})

async function post(ask: Ask, scope: string, body: unknown, type = 'application/json'): Promise<Response> {
  const authorization = `Bearer ${await issuer.token({ scope })}`
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return await ask({ method: 'POST', body: text, headers: { authorization, 'content-type': type } })
}

/** `reached`, or the scopes in the challenge. */
async function outcomeOf(response: Response): Promise<string> {
  if (response.status === 200) return await response.text()
  expect(response.status).toBe(403)
  const challenge = response.headers.get('www-authenticate')!
  expect(challenge).toMatch(/^Bearer resource_metadata="https:\/\/api\.example\.com\/\.well-known\/oauth-protected-/)
  expect(challenge).toContain('error="insufficient_scope"')
  return /scope="([^"]*)"/.exec(challenge)![1]!
}

describe.each(Object.entries(SERVERS))('an MCP server with %s', (_name, start) => {
  let ask: Ask
  beforeAll(async () => {
    ask = await start()
  })

  it('challenges a request without a token with the metadata and the scopes of every request', async () => {
    const response = await ask({ method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(
      /^Bearer resource_metadata="https:\/\/api\.example\.com\/\.well-known\/oauth-protected-resource\/v1", scope="read"/,
    )
  })

  it.each([
    ['read', call('list_notes'), 'reached'],
    ['read', { jsonrpc: '2.0', id: 1, method: 'tools/list' }, 'reached'],
    ['read', { jsonrpc: '2.0', id: 1, result: {} }, 'reached'],
    ['read', call('add_note'), 'read write'],
    ['read', call('audit'), 'read audit write'],
    ['read write', call('add_note'), 'reached'],
    ['read write', call('audit'), 'read write audit'],
    ['offline_access read', call('add_note'), 'read write'],
    ['read', { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'x' } }, 'read files'],
  ])('with the scope %s, %j: %s', async (scope, body, outcome) => {
    expect(await outcomeOf(await post(ask, scope, body))).toBe(outcome)
  })

  it('requires of a batch what each of its messages needs', async () => {
    expect(await outcomeOf(await post(ask, 'read', [call('list_notes'), call('add_note')]))).toBe('read write')
  })

  it.each([
    ['a tool that is not listed', call('remove_all')],
    ['a tool with a name of every object', call('constructor')],
    ['a tool without a name', call(undefined)],
    ['a nested batch', [[call('list_notes')]]],
    ['an empty object, which body parsers give for a body that they skipped', {}],
    ['a method that is no text', { ...call('list_notes'), method: ['tools/call'] }],
  ])('requires all scopes of tools for %s', async (_what, body) => {
    expect(await outcomeOf(await post(ask, 'read', body))).toMatch(/^read write audit/)
    expect(await outcomeOf(await post(ask, 'read write audit files', body))).toBe('reached')
  })

  it('requires all scopes of a body that it did not read, which the server might', async () => {
    const read = post(ask, 'read', JSON.stringify(call('add_note')), 'text/plain')
    expect(await outcomeOf(await read)).toMatch(/^read write/)
  })

  it('takes a broader scope for those that it contains', async () => {
    expect(await outcomeOf(await post(ask, 'admin', call('audit')))).toBe('reached')
    expect(await outcomeOf(await post(ask, 'audit', call('add_note')))).toBe('reached')
    expect(await outcomeOf(await post(ask, 'write', call('audit')))).toBe('write audit')
  })

  it('lets a GET through with the scopes of every request', async () => {
    const headers = { authorization: `Bearer ${await issuer.token({ scope: 'read' })}` }
    expect(await (await ask({ headers })).text()).toBe('reached')
  })
})

describe('withMcpAccessToken', () => {
  it('gives the handler the token, the JSON and an unread request', async () => {
    const guarded = withMcpAccessToken(verifier, async (request, token, body) =>
      Response.json({ text: await request.text(), subject: token.subject, body, type: request.headers.get('x-more') }),
    )
    const authorization = `Bearer ${await issuer.token({ sub: 'ann' })}`
    const headers = { authorization, 'x-more': 'kept' }
    const response = await guarded(new Request(ENDPOINT, { method: 'POST', body: '{"a":"ä"}', headers }))
    expect(await response.json()).toEqual({ text: '{"a":"ä"}', subject: 'ann', body: { a: 'ä' }, type: 'kept' })
  })

  it('answers 413 to a larger message without reading it all', async () => {
    let pulled = 0
    const endless = new ReadableStream({
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(1024))
      },
    })
    const guarded = withMcpAccessToken(verifier, () => new Response('reached'), { maxMessageBytes: 4096 })
    const headers = { authorization: `Bearer ${await issuer.token()}` }
    const init = { method: 'POST', body: endless, headers, duplex: 'half' } as RequestInit
    expect((await guarded(new Request(ENDPOINT, init))).status).toBe(413)
    expect(pulled).toBeLessThan(20)
  })

  it('accepts a proof (DPoP) for the origin of its resource, and none for the host that a request names', async () => {
    const prover = await makeProver()
    const token = await issuer.token({ cnf: { jkt: prover.jkt } })
    const ath = createHash('sha256').update(token).digest('base64url')
    const guarded = withMcpAccessToken(verifier, () => new Response('reached'))
    const ask = async (origin: string, htu: string) => {
      const headers = { authorization: `DPoP ${token}`, dpop: await prover.proof({ htm: 'GET', htu, ath }) }
      return (await guarded(new Request(`${origin}${new URL(ENDPOINT).pathname}`, { headers }))).status
    }
    const elsewhere = ENDPOINT.replace(new URL(ENDPOINT).origin, 'https://elsewhere.example')
    expect(await ask('https://elsewhere.example', elsewhere)).toBe(401)
    expect(await ask('http://127.0.0.1:9200', ENDPOINT)).toBe(200)
  })

  it('the authInfo of the SDK has no token that a tool could pass on', async () => {
    const token = await verifier.verify({
      headers: { authorization: `Bearer ${await issuer.token({ scope: 'read' })}` },
    })
    expect(authInfoOf(token)).toMatchObject({ token: '', clientId: token.clientId, scopes: ['read'] })
  })
})
