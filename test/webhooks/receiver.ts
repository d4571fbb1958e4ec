import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ReceivedRequest {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export type Responder = (response: ServerResponse, request: ReceivedRequest) => void

const accept: Responder = (response) => response.writeHead(204).end()

/** A receiver of webhooks on this machine. `respond` decides how it responds; until then it accepts everything. */
export async function startReceiver() {
  const received: ReceivedRequest[] = []
  let respond = accept
  const listener: RequestListener = async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request)).toString()
    const one = { headers: request.headers, body }
    received.push(one)
    respond(response, one)
  }
  const server = createServer((request, response) => {
    // A killed node closes its connection in the middle of a request.
    Promise.resolve(listener(request, response)).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/hook`,
    received,
    messages: () => received.map(({ body }) => JSON.parse(body)),
    respondWith(next: Responder): void {
      respond = next
    },
    accept(): void {
      respond = accept
    },
    stop() {
      server.closeAllConnections()
      server.close()
    },
  }
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>
