/** examples/caddy: Caddy asks keywright-verify about each request. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findProgram } from '../support/debian.ts'
import { freePort, openDirectory, type Program, removeDirectory, startProgram } from '../support/program.ts'
import {
  ask,
  askBound,
  askTwice,
  exampleWith,
  noTrickWorks,
  refused,
  type Stage,
  startStage,
  startVerifier,
  tryTricks,
} from './stage.ts'

const caddy = await findProgram('/usr/bin/caddy', 'caddy')

let stage: Stage
let verifier: Program
let gateway: Program
let home: string

async function startCaddy(verifyUrl: string): Promise<Program> {
  const port = await freePort()
  const example = await exampleWith('caddy/Caddyfile', {
    ':8080': `http://127.0.0.1:${port}`,
    '127.0.0.1:8180': new URL(verifyUrl).host,
    '127.0.0.1:9000': stage.upstream,
  })
  const file = join(home, 'Caddyfile')
  // Another test's Caddy may have the port of its administration.
  await writeFile(file, `{\n\tadmin off\n}\n${example}`)
  return await startProgram([caddy!, 'run', '--adapter', 'caddyfile', '--config', file], port, { HOME: home })
}

describe.skipIf(!caddy)('Caddy with keywright-verify', () => {
  beforeAll(async () => {
    home = await openDirectory()
    stage = await startStage()
    verifier = await startVerifier(stage)
    gateway = await startCaddy(verifier.url)
  })
  afterAll(async () => {
    await gateway?.stop()
    await verifier?.stop()
    await stage?.stop()
    if (home) await removeDirectory(home)
  })

  test('a good token passes, and the API is told who calls, whatever the caller says of that', async () => {
    const lies = { 'x-client-id': 'somebody', 'x-subject': 'else', 'x-scope': 'admin' }
    const { status, body } = await ask(gateway, await stage.token('read write'), lies)
    expect(status).toBe(200)
    expect(body).toMatchObject({ method: 'GET', url: '/weather?city=Bern' })
    const { clientId } = stage.client
    expect(body.headers).toMatchObject({ 'x-client-id': clientId, 'x-subject': clientId, 'x-scope': 'read write' })
    expect(body.headers).not.toHaveProperty('authorization')
  })

  test('without a token, with one that is none, of another API, or without the scope, it is refused with a challenge', async () => {
    const metadata = `${stage.api.identifier}/.well-known/oauth-protected-resource`
    expect(await ask(gateway)).toMatchObject({ status: 401, challenge: expect.stringContaining(metadata) })
    const malformed = { status: 400, challenge: expect.stringContaining('error="invalid_request"') }
    expect(await ask(gateway, 'nonsense')).toMatchObject(malformed)
    const [head, body] = (await stage.token()).split('.')
    const invalid = { status: 401, challenge: expect.stringContaining('error="invalid_token"') }
    expect(await ask(gateway, `${head}.${body}.${'A'.repeat(86)}`)).toMatchObject(invalid)
    expect(await ask(gateway, await stage.token('read', 'other'))).toMatchObject(invalid)
    const insufficient = { status: 403, challenge: expect.stringMatching(/scope="read", error="insufficient_scope"/) }
    expect(await ask(gateway, await stage.token('write'))).toMatchObject(insufficient)
  })

  test('no caller passes for another by names that look alike, by Connection, or by another protocol', async () => {
    expect(await tryTricks(gateway, await stage.token())).toEqual(noTrickWorks(stage.client))
  })

  test('a request with two tokens is refused, though the first is good', async () => {
    expect(await askTwice(gateway, await stage.token(), 'a.b.c')).toEqual([400, 400])
    expect(await askTwice(gateway, await stage.token(), await stage.token())).toEqual([400, 400])
  })

  test('a revoked token is refused soon', async () => {
    const [token, kept] = [await stage.token(), await stage.token()]
    expect((await ask(gateway, token)).status).toBe(200)
    await stage.revoke(token)
    const { status, challenge } = await refused(gateway, token)
    expect(status).toBe(401)
    expect(challenge).toContain('was revoked')
    expect((await ask(gateway, kept)).status).toBe(200)
  })

  test('a token that is bound to a key passes with a proof for what Caddy was asked, and else not', async () => {
    const { right, elsewhere, bearer } = await askBound(gateway, stage)
    expect(right.status).toBe(200)
    expect(right.body.headers).toMatchObject({ 'x-client-id': stage.client.clientId })
    expect(elsewhere).toMatchObject({ status: 401, challenge: expect.stringContaining('invalid_dpop_proof') })
    expect(bearer).toMatchObject({ status: 401, challenge: expect.stringContaining('send this access token as DPoP') })
  })

  test('what the caller says of where the request was sent is not the verifier’s to believe', async () => {
    const lies = { 'x-forwarded-uri': '/other', 'x-forwarded-method': 'POST', 'x-forwarded-host': 'evil.example' }
    const { right } = await askBound(gateway, stage, lies)
    expect(right.status).toBe(200)
  })

  test('the metadata of the API is served without a token', async () => {
    const answer = await fetch(`${gateway.url}/.well-known/oauth-protected-resource`)
    expect(await answer.json()).toMatchObject({
      resource: stage.api.identifier,
      authorization_servers: [stage.issuer],
    })
  })

  test('while the verifier is away nothing passes: 503', async () => {
    const token = await stage.token()
    await verifier.stop()
    const { status, headers } = await ask(gateway, token)
    expect({ status, retry: headers.get('retry-after') }).toEqual({ status: 503, retry: '5' })
  })
})
