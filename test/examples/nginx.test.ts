/** examples/nginx: nginx asks keywright-verify about each request. */
import { expect, test } from 'vitest'
import { ask, startVerifier } from './example-environment.ts'
import { testGateway } from './gateway-tests.ts'
import { nginx, startNginx } from './nginx-environment.ts'

testGateway({
  name: 'nginx',
  isInstalled: nginx !== undefined,
  start: ({ environment, home }, verifier) => startNginx({ upstream: environment.upstream, home }, verifier),
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
      const front = await startNginx({ upstream: environment.upstream, home: running.home }, another.url)
      expect((await ask(front, body.access_token)).body.headers?.['x-scope']?.split(' ')).toHaveLength(scopes.length)
      await front.stop()
      await another.stop()
    })
  },
})
