/** Starts a timer that does not keep the process alive. Returns the function that cancels it. */
export function startTimer(milliseconds: number, callback: () => void): () => void {
  const timer = setTimeout(callback, milliseconds)
  ;(timer as { unref?(): void }).unref?.()
  return () => clearTimeout(timer)
}

/** Resolves after that time, or as soon as the signal aborts. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds === 0 || signal.aborted) return
  await new Promise<void>((resolve) => {
    const done = () => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = startTimer(milliseconds, done)
    signal.addEventListener('abort', done)
  })
}
