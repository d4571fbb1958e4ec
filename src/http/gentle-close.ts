import type { Server } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'

/** How long a connection that is kept alive may stay silent while the server stops, in milliseconds. */
const LINGER = 1000

/** Answers how to close the connections on which nothing was sent yet: Node takes them for busy ones. */
function watchUnused(http: Server): () => void {
  const unused = new Set<Socket>()
  http.on('connection', (socket) => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  http.on('request', ({ socket }) => unused.delete(socket))
  return () => {
    for (const socket of unused) if (socket.bytesRead === 0) socket.destroy()
  }
}

/**
 * Answers how to close a server that does not listen yet. It takes no new connections then, answers what comes on those that are
 * open, and closes the silent ones a moment later: cutting them at once would lose the request that a client is just sending.
 * After `timeout` milliseconds it closes all.
 */
export function prepareGentleClose(http: Server): (timeout: number) => Promise<void> {
  const closeUnused = watchUnused(http)
  return async (timeout) => {
    // The subclass's own would cut the idle ones at once.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(http, () => resolve()))
    const silent = setInterval(() => {
      http.closeIdleConnections()
      closeUnused()
    }, LINGER)
    const force = setTimeout(() => http.closeAllConnections(), timeout)
    await closed
    clearTimeout(force)
    clearInterval(silent)
  }
}
