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
import { type Rig, testAskingGateway } from './introspecting-gateway.ts'

const caddy = await findProgram('/usr/bin/caddy', 'caddy')

async function startCaddy({ stage, home }: Pick<Rig, 'stage' | 'home'>, verifier: string): Promise<Program> {
  const port = await freePort()
  const example = await exampleWith('caddy/Caddyfile', {
    ':8080': `http://127.0.0.1:${port}`,
    '127.0.0.1:8180': new URL(verifier).host,
    '127.0.0.1:9000': stage.upstream,
  })
  const file = join(home, 'Caddyfile')
  // Another test's Caddy may have the port of its administration.
  await writeFile(file, `{\n\tadmin off\n}\n${example}`)
  return await startProgram([caddy!, 'run', '--adapter', 'caddyfile', '--config', file], port, { HOME: home })
}

/** An API that speaks WebSocket, and says in its first answer for whom. */
async function startSocketApi() {
  const api = createServer((_req, res) => void res.end('no socket')).listen(0, '127.0.0.1')
  api.on('upgrade', ({ headers }, socket) => {
    const answer = ['HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket']
    socket.end([...answer, `X-Caller: ${headers['x-client-id']}`, '', ''].join('\r\n'))
  })
  await once(api, 'listening')
  return api
}

testAskingGateway({
  name: 'Caddy',
  isThere: caddy !== undefined,
  malformed: 400,
  start: startCaddy,
  more(rig) {
    test('a WebSocket passes with a good token only, and nobody takes out for whom', async () => {
      const api = await startSocketApi()
      const upstream = `127.0.0.1:${(api.address() as AddressInfo).port}`
      const gateway = await startCaddy({ home: rig.home, stage: { ...rig.stage, upstream } }, rig.verifier.url)
      const socket = {
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      }
      const ask = (authorization: string) => {
        const headers = { ...socket, connection: 'Upgrade, X-Client-Id', authorization }
        return request(`${gateway.url}/socket`, { headers, agent: false }).end()
      }
      const [opened] = await once(ask(`Bearer ${await rig.stage.token()}`), 'upgrade')
      expect([opened.statusCode, opened.headers['x-caller']]).toEqual([101, rig.stage.client.clientId])
      const [refused] = await once(ask('Bearer a.b.c'), 'response')
      expect(refused.resume().statusCode).toBe(401)
      await gateway.stop()
      api.close()
    })
  },
})
