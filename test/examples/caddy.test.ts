/** examples/caddy: Caddy asks keywright-verify about each request. */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findProgram } from '../support/debian.ts'
import { freePort, type Program, startProgram } from '../support/program.ts'
import { exampleWith } from './example-environment.ts'
import { type GatewayEnvironment, testGateway } from './gateway-tests.ts'

const caddy = await findProgram('/usr/bin/caddy', 'caddy')

async function startCaddy(
  { environment, home }: Pick<GatewayEnvironment, 'environment' | 'home'>,
  verifier: string,
): Promise<Program> {
  const port = await freePort()
  const example = await exampleWith('caddy/Caddyfile', {
    ':8080': `http://127.0.0.1:${port}`,
    '127.0.0.1:8180': new URL(verifier).host,
    '127.0.0.1:9000': environment.upstream,
  })
  const file = join(home, 'Caddyfile')
  // The Caddy of another test may use the port of the admin API.
  await writeFile(file, `{\n\tadmin off\n}\n${example}`)
  return await startProgram([caddy!, 'run', '--adapter', 'caddyfile', '--config', file], port, { HOME: home })
}

/** An API with WebSockets. Its response contains the identity of the caller. */
async function startSocketApi() {
  const api = createServer((_req, res) => void res.end('not a WebSocket')).listen(0, '127.0.0.1')
  api.on('upgrade', ({ headers }, socket) => {
    const response = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket']
    socket.end([...response, `X-Caller: ${headers['x-client-id']}`, '', ''].join('\r\n'))
  })
  await once(api, 'listening')
  return api
}

testGateway({
  name: 'Caddy',
  isInstalled: caddy !== undefined,
  malformed: 400,
  start: startCaddy,
  additionalTests(running) {
    test('a WebSocket needs a valid token, and Connection does not remove the identity of the caller', async () => {
      const api = await startSocketApi()
      const upstream = `127.0.0.1:${(api.address() as AddressInfo).port}`
      const gateway = await startCaddy(
        { home: running.home, environment: { ...running.environment, upstream } },
        running.verifier.url,
      )
      const socket = {
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      }
      const ask = (authorization: string) => {
        const headers = { ...socket, connection: 'Upgrade, X-Client-Id', authorization }
        return request(`${gateway.url}/socket`, { headers, agent: false }).end()
      }
      const [opened] = await once(ask(`Bearer ${await running.environment.token()}`), 'upgrade')
      expect([opened.statusCode, opened.headers['x-caller']]).toEqual([101, running.environment.client.clientId])
      const [rejected] = await once(ask('Bearer a.b.c'), 'response')
      expect(rejected.resume().statusCode).toBe(401)
      await gateway.stop()
      api.close()
    })
  },
})
