import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface TcpProxy {
  readonly port: number
  /** Ends every connection and refuses new ones. */
  cut(): Promise<void>
  /** Ends every connection and leads new ones to another server, as a load balancer does. */
  leadTo(target: { host: string; port: number }): Promise<void>
  /** Keeps connections open and lets nothing through, as a lost network does. */
  hold(): void
  /** Lets everything through again. */
  heal(): Promise<void>
  /** Keeps every byte of both directions, and every end of a connection, until `release`. */
  stall(): void
  /**
   * Cuts everything once a COMMIT is answered, on the connection that sent bytes which `marker` matches. Resolves then.
   */
  cutAfterCommitOf(marker: RegExp): Promise<void>
  /** Delivers what `stall` kept, in its order, and lets everything through again. */
  release(): void
}

function hostAndPortOf(databaseUrl: string): { host: string; port: number } {
  const { hostname, port } = new URL(databaseUrl)
  return { host: hostname, port: Number(port || 5432) }
}

/** The same database, by way of the proxy. */
export function throughProxy(databaseUrl: string, { port }: { port: number }): string {
  const changed = new URL(databaseUrl)
  changed.hostname = '127.0.0.1'
  changed.port = `${port}`
  return changed.href
}

/** Stands between a server and its database, so that a test can take the database away from this one server only. */
export async function startTcpProxy(target: { host: string; port: number } | string): Promise<TcpProxy> {
  let destination = typeof target === 'string' ? hostAndPortOf(target) : target
  const sockets = new Set<Socket>()
  const stalled = new Set<() => void>()
  let commitOf: { marker: RegExp; done: () => void } | undefined
  let silent = false
  let isStalled = false
  let server: Server | undefined

  function adopt(socket: Socket): Socket {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    return socket
  }

  /** Does it now, or while everything is stalled when it is released. */
  const pass = (deliver: () => void) => (isStalled ? stalled.add(deliver) : deliver())

  function forward(from: Socket, to: Socket): void {
    from.on('data', (chunk) => !silent && pass(() => to.write(chunk)))
    // `end` before `destroy`: what was just released must still arrive.
    from.on('close', () => pass(() => to.end(() => to.destroy())))
  }

  function cutAfterCommit(client: Socket, upstream: Socket): void {
    let step: 'marker' | 'COMMIT' | 'answer' = 'marker'
    client.on('data', (chunk) => {
      if (step === 'marker' && commitOf?.marker.test(chunk.toString('latin1'))) step = 'COMMIT'
      if (step === 'COMMIT' && chunk.includes('COMMIT')) step = 'answer'
    })
    upstream.on('data', () => {
      if (step !== 'answer' || !commitOf) return
      const { done } = commitOf
      commitOf = undefined
      // In its own round, after the answer was written.
      client.write('', () => void cut().then(done))
    })
  }

  async function listen(port: number): Promise<void> {
    server = createServer((client) => {
      const upstream = adopt(connect(destination.port, destination.host))
      forward(adopt(client), upstream)
      forward(upstream, client)
      cutAfterCommit(client, upstream)
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
    async leadTo(next) {
      await cut()
      destination = next
      await listen(port)
    },
    hold() {
      silent = true
    },
    cutAfterCommitOf: (marker) =>
      new Promise((done) => {
        commitOf = { marker, done }
      }),
    stall() {
      isStalled = true
    },
    release() {
      isStalled = false
      for (const deliver of stalled) deliver()
      stalled.clear()
    },
    async heal() {
      // What was said while nobody listened cannot be said again: those connections are broken.
      if (silent) await cut()
      silent = false
      if (!server) await listen(port)
    },
  }
}
