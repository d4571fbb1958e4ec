import { Writable } from 'node:stream'
import { pino } from 'pino'

/** Keeps what is logged, one parsed line each. */
export function createMemoryLog(level: string) {
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      for (const line of String(chunk).trim().split('\n')) lines.push(JSON.parse(line))
      done()
    },
  })
  return { lines, log: pino({ level }, stream) }
}
