import cluster, { type Worker } from 'node:cluster'

/** A worker tells the primary that it takes no new connections, and the primary tells all when nobody does. */
type Message = 'keywright:accepts no more' | 'keywright:listener closed'

const send = (target: Pick<Worker, 'send'>, message: Message) =>
  // A worker that ends this very moment needs no message; without a callback its error would end this process.
  void target.send(message, () => {})

/**
 * In a worker, after it closed its part of the listener: resolves when the primary has closed the listener itself, which it
 * does once the last worker closed its part.
 */
export function untilListenerIsClosed(): Promise<void> {
  return new Promise((resolve) => {
    const receive = (message: unknown) => {
      if (message !== ('keywright:listener closed' satisfies Message)) return
      process.off('message', receive)
      resolve()
    }
    process.on('message', receive)
    send(cluster.worker!, 'keywright:accepts no more')
  })
}

/** In the primary: what a worker says arrives after the close of its part, so that after the last one nobody listens. */
export function announceClosedListener(): void {
  const closed = new Set<number>()

  function announceIfAll(): void {
    const workers = Object.values(cluster.workers ?? {}) as Worker[]
    if (closed.size === 0 || !workers.every(({ id }) => closed.has(id))) return
    for (const worker of workers) if (worker.isConnected()) send(worker, 'keywright:listener closed')
  }

  cluster.on('message', ({ id }: Worker, message: unknown) => {
    if (message !== ('keywright:accepts no more' satisfies Message)) return
    closed.add(id)
    announceIfAll()
  })
  cluster.on('exit', announceIfAll)
}
