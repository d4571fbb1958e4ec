import cluster, { type Worker } from 'node:cluster'

/** A worker reports that it closed its part of the listener; the primary reports to all that every worker did. */
type Message = 'keywright:worker stopped accepting' | 'keywright:listener closed'

const send = (target: Pick<Worker, 'send'>, message: Message) =>
  // A worker that is exiting needs no message. Without a callback, its error would end this process.
  void target.send(message, () => {})

/**
 * Runs in a worker, after it closed its part of the listener. Resolves when the primary has closed the listener itself,
 * which it does once the last worker has closed its part.
 */
export function untilListenerIsClosed(): Promise<void> {
  return new Promise((resolve) => {
    const receive = (message: unknown) => {
      if (message !== ('keywright:listener closed' satisfies Message)) return
      process.off('message', receive)
      resolve()
    }
    process.on('message', receive)
    send(cluster.worker!, 'keywright:worker stopped accepting')
  })
}

/**
 * Runs in the primary. The message of a worker arrives after its part is closed, so after the last message nothing listens.
 */
export function announceClosedListener(): void {
  const closed = new Set<number>()

  function announceIfAll(): void {
    const workers = Object.values(cluster.workers ?? {}) as Worker[]
    if (closed.size === 0 || !workers.every(({ id }) => closed.has(id))) return
    for (const worker of workers) if (worker.isConnected()) send(worker, 'keywright:listener closed')
  }

  cluster.on('message', ({ id }: Worker, message: unknown) => {
    if (message !== ('keywright:worker stopped accepting' satisfies Message)) return
    closed.add(id)
    announceIfAll()
  })
  cluster.on('exit', announceIfAll)
}
