import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readBody } from '../../src/http/request-body.ts'

let server: Server

beforeAll(async () => {
  server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})

afterAll(() => {
  server.closeAllConnections()
  server.close()
})

/** Begins a request that announces 10 bytes. */
function begin() {
  const { port } = server.address() as AddressInfo
  const sent = request({ port, host: '127.0.0.1', method: 'POST', headers: { 'content-length': 10 } })
  sent.on('error', () => {})
  return sent
}

async function received(): Promise<IncomingMessage> {
  const [req, res] = await once(server, 'request')
  req.on('close', () => res.end())
  return req
}

test('a body that is cut off is an error, and not a shorter body', async () => {
  const arriving = received()
  const sent = begin()
  sent.write('12345')
  const reading = readBody(await arriving, 100)
  sent.destroy()
  await expect(reading).rejects.toMatchObject({ code: 'invalid_input', message: 'the request was cut off' })
})

test('a body that arrived whole is read, whatever happens to the connection later', async () => {
  const arriving = received()
  const sent = begin()
  sent.end('1234567890')
  const reading = readBody(await arriving, 100)
  await expect(reading).resolves.toEqual(Buffer.from('1234567890'))
  sent.destroy()
})
