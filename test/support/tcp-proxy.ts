import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /** Ends every connection and refuses new ones. */
  cut(): Promise<void>
  /** Keeps connections open and lets nothing through, as a lost network does. */
  hold(): void
  /** Lets everything through again. */
  heal(): Promise<void>
}

/** Stands between a server and its database, so that a test can take the database away from this one server only. */
export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  let silent = false
  let server: Server | undefined

  function adopt(socket: Socket): Socket {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    return socket
  }

  function forward(from: Socket, to: Socket): void {
    from.on('data', (chunk) => !silent && to.write(chunk)).on('close', () => to.destroy())
  }

  async function listen(port: number): Promise<void> {
    server = createServer((client) => {
      const upstream = adopt(connect(target.port, target.host))
      forward(adopt(client), upstream)
      forward(upstream, client)
    }).listen(port, '127.0.0.1')
    await once(server, 'listening')
  }

  async function cut(): Promise<void> {
    const closed = server && once(server, 'close')
    server?.close()
    server = undefined
    for (const socket of sockets) socket.destroy()
    await closed
  }

  await listen(0)
  const { port } = server!.address() as AddressInfo
  return {
    port,
    cut,
    hold() {
      silent = true
    },
    async heal() {
      // What was said while nobody listened cannot be said again: those connections are broken.
      if (silent) await cut()
      silent = false
      if (!server) await listen(port)
    },
  }
}
