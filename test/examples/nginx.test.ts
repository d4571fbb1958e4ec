/** examples/nginx: nginx asks keywright-verify about each request. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findProgram } from '../support/debian.ts'
import { freePort, type Program, startProgram } from '../support/program.ts'
import { ask, exampleWith, startVerifier } from './example-environment.ts'
import { type GatewayEnvironment, testGateway } from './gateway-tests.ts'

const nginx = await findProgram('/usr/sbin/nginx', 'nginx')

/** The nginx.conf of a distribution, with files in a directory of the test. */
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

async function startNginx(
  { environment, home }: Pick<GatewayEnvironment, 'environment' | 'home'>,
  verifier: string,
): Promise<Program> {
  const port = await freePort()
  const config = await exampleWith('nginx/keywright.conf', {
    'listen 8080': `listen 127.0.0.1:${port}`,
    '127.0.0.1:8180': new URL(verifier).host,
    '127.0.0.1:9000': environment.upstream,
    '  location / {':
      '  location /admin/ {\n    set $needed_scope "write";\n    proxy_pass http://api;\n  }\n\n  location / {',
  })
  await writeFile(join(home, 'keywright.conf'), config)
  await writeFile(join(home, 'nginx.conf'), mainConfig(home))
  const command = [nginx!, '-p', home, '-e', 'stderr', '-c', join(home, 'nginx.conf'), '-g', 'daemon off;']
  return await startProgram(command, port)
}

testGateway({
  name: 'nginx',
  isInstalled: nginx !== undefined,
  start: startNginx,
  malformed: 401,
  additionalTests(running) {
    test('a location that only sets its scope is protected like the others', async () => {
      const { environment, gateway } = running
      const [reader, writer] = [await environment.token('read'), await environment.token('write')]
      expect((await ask(gateway, undefined, {}, '/admin/')).status).toBe(401)
      expect((await ask(gateway, reader, {}, '/admin/')).status).toBe(403)
      const { status, body } = await ask(gateway, writer, { 'x-client-id': 'somebody' }, '/admin/')
      expect(status).toBe(200)
      expect(body.headers).toMatchObject({ 'x-client-id': environment.client.clientId, 'x-scope': 'write' })
    })

    test('a token with the longest scopes that nginx accepts is valid', async () => {
      const { environment } = running
      const scopes = ['read', ...Array.from({ length: 120 }, (_, n) => `documents:department-${n}:read-and-list`)]
      const api = await environment.server.make.api({ scopes })
      const client = await environment.server.make.client({}, [api.identifier])
      const { body } = await environment.server.machineToken(client, { resource: api.identifier })
      const another = await startVerifier({ ...environment, api })
      const front = await startNginx(running, another.url)
      expect((await ask(front, body.access_token)).body.headers?.['x-scope']?.split(' ')).toHaveLength(scopes.length)
      await front.stop()
      await another.stop()
    })
  },
})
