/** examples/nginx: nginx asks keywright-verify about each request. */
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

const nginx = await findProgram('/usr/sbin/nginx', 'nginx')

/** What a distribution's nginx.conf says, with its files where a test may write. */
const mainConfig = (home: string) => `
${process.getuid?.() === 0 ? 'user www-data;' : ''}
worker_processes 1;
pid ${home}/pid;
error_log stderr warn;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((use) => `${use}_temp_path ${home}/${use};`).join(' ')}
  include ${home}/keywright.conf;
}
`

let stage: Stage
let verifier: Program
let gateway: Program
let home: string

async function startNginx(verifyUrl: string): Promise<Program> {
  const port = await freePort()
  const config = await exampleWith('nginx/keywright.conf', {
    'listen 8080': `listen 127.0.0.1:${port}`,
    '127.0.0.1:8180': new URL(verifyUrl).host,
    '127.0.0.1:9000': stage.upstream,
    '  location / {':
      '  location /admin/ {\n    set $needed_scope "write";\n    proxy_pass http://api;\n  }\n\n  location / {',
  })
  await writeFile(join(home, 'keywright.conf'), config)
  await writeFile(join(home, 'nginx.conf'), mainConfig(home))
  const command = [nginx!, '-p', home, '-e', 'stderr', '-c', join(home, 'nginx.conf'), '-g', 'daemon off;']
  return await startProgram(command, port)
}

describe.skipIf(!nginx)('nginx with keywright-verify', () => {
  beforeAll(async () => {
    home = await openDirectory()
    stage = await startStage()
    verifier = await startVerifier(stage)
    gateway = await startNginx(verifier.url)
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

  test('without a token, or with one that is none, it is 401 with a challenge', async () => {
    const metadata = `${stage.api.identifier}/.well-known/oauth-protected-resource`
    expect(await ask(gateway)).toMatchObject({ status: 401, challenge: expect.stringContaining(metadata) })
    const malformed = { status: 401, challenge: expect.stringContaining('error="invalid_request"') }
    expect(await ask(gateway, 'nonsense')).toMatchObject(malformed)
    const [head, body] = (await stage.token()).split('.')
    const forged = { status: 401, challenge: expect.stringContaining('error="invalid_token"') }
    expect(await ask(gateway, `${head}.${body}.${'A'.repeat(86)}`)).toMatchObject(forged)
  })

  test('no caller passes for another by names that look alike, by Connection, or by another protocol', async () => {
    expect(await tryTricks(gateway, await stage.token())).toEqual(noTrickWorks(stage.client))
  })

  test('a request with two tokens is refused, though the first is good', async () => {
    const statuses = [
      ...(await askTwice(gateway, await stage.token(), 'a.b.c')),
      ...(await askTwice(gateway, await stage.token(), await stage.token())),
    ]
    for (const status of statuses) expect([400, 401]).toContain(status)
  })

  test('a token of another API is 401', async () => {
    expect(await ask(gateway, await stage.token('read', 'other'))).toMatchObject({
      status: 401,
      challenge: expect.stringContaining('error="invalid_token"'),
    })
  })

  test('a token without the scope is 403, and the challenge names what is needed', async () => {
    expect(await ask(gateway, await stage.token('write'))).toMatchObject({
      status: 403,
      challenge: expect.stringMatching(/scope="read", error="insufficient_scope"/),
    })
  })

  test('a location that only names its scope is guarded like the others', async () => {
    const [reader, writer] = [await stage.token('read'), await stage.token('write')]
    expect((await ask(gateway, undefined, {}, '/admin/')).status).toBe(401)
    expect((await ask(gateway, reader, {}, '/admin/')).status).toBe(403)
    const { status, body } = await ask(gateway, writer, { 'x-client-id': 'somebody' }, '/admin/')
    expect(status).toBe(200)
    expect(body.headers).toMatchObject({ 'x-client-id': stage.client.clientId, 'x-scope': 'write' })
  })

  test('a token with scopes as long as nginx takes them passes', async () => {
    const scopes = ['read', ...Array.from({ length: 120 }, (_, n) => `documents:department-${n}:read-and-list`)]
    const api = await stage.server.make.api({ scopes })
    const client = await stage.server.make.client({}, [api.identifier])
    const { body } = await stage.server.machineToken(client, { resource: api.identifier })
    const another = await startVerifier({ ...stage, api })
    const front = await startNginx(another.url)
    expect((await ask(front, body.access_token)).body.headers?.['x-scope']?.split(' ')).toHaveLength(scopes.length)
    await front.stop()
    await another.stop()
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

  test('a token that is bound to a key passes with a proof for what nginx was asked, and else not', async () => {
    const { right, elsewhere, bearer } = await askBound(gateway, stage)
    expect(right.status).toBe(200)
    expect(right.body.headers).toMatchObject({ 'x-client-id': stage.client.clientId })
    expect(elsewhere).toMatchObject({ status: 401, challenge: expect.stringContaining('invalid_dpop_proof') })
    expect(bearer).toMatchObject({ status: 401, challenge: expect.stringContaining('send this access token as DPoP') })
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
