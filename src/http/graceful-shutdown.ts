import type { Server } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long a connection that is kept alive may stay silent while the server stops, in milliseconds. */
const LINGER = 1000

/**
 * After this many milliseconds without a new connection, no connection waits to be accepted, here or in the primary process
 * that accepts for workers. On a machine without free CPU, the primary may not run for a tenth of a second.
 */
const QUIET = 300

/** For at most this long requests wait for the listener to close, in milliseconds. */
const LONGEST_HOLD = 5000

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

/** Resolves once no connection has come for a moment, or at the deadline of `performance.now()`. */
function watchArrivals(http: Server): (deadline: number) => Promise<void> {
  let count = 0
  http.on('connection', () => {
    count++
  })
  return async (deadline) => {
    let before = -1
    while (before !== count && performance.now() < deadline) {
      before = count
      await sleep(QUIET)
    }
  }
}

export interface GracefulShutdown {
  /** Handles a request now, or, while the listener is being closed, when that is done. */
  admit(handle: () => void): void
  /** Resolves when all connections have ended; after `timeout` milliseconds they are closed. */
  close(timeout: number): Promise<void>
}

/**
 * Closes a server, which does not listen yet, without cutting a request.
 *
 * The kernel resets connections that it has completed and the process has not accepted when the listener closes. So
 * requests are held first: clients that wait for an answer open no further connection. When no connection has come for a
 * moment, the listener is closed, and then the held requests are handled.
 *
 * Connections that are open are answered, and silent ones are closed a moment later: closing them at once would lose the
 * request that a client is just sending.
 * @param untilListenerIsClosed resolves when a listener that other processes share is closed; called after ours was
 */
export function prepareGracefulShutdown(
  http: Server,
  untilListenerIsClosed: () => Promise<void> = async () => {},
): GracefulShutdown {
  const closeUnused = watchUnused(http)
  const untilQuiet = watchArrivals(http)
  let held: (() => void)[] | undefined

  /** Returns what resolves when the last connection has ended. */
  async function closeListener(): Promise<{ ended: Promise<void> }> {
    const deadline = performance.now() + LONGEST_HOLD
    held = []
    await untilQuiet(deadline)
    // The subclass's own would cut the idle ones at once.
    const ended = new Promise<void>((resolve) => NetServer.prototype.close.call(http, () => resolve()))
    await Promise.race([untilListenerIsClosed(), sleep(deadline - performance.now(), undefined, { ref: false })])
    const waiting = held
    held = undefined
    for (const handle of waiting) handle()
    return { ended }
  }

  return {
    admit(handle) {
      if (held) held.push(handle)
      else handle()
    },
    async close(timeout) {
      const { ended } = await closeListener()
      const silent = setInterval(() => {
        http.closeIdleConnections()
        closeUnused()
      }, LINGER)
      const force = setTimeout(() => http.closeAllConnections(), timeout)
      await ended
      clearTimeout(force)
      clearInterval(silent)
    },
  }
}
