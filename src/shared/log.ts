import { destination, type Logger, pino } from 'pino'

export type Log = Logger

/** Lines gather up to this many bytes, or for so many milliseconds, before they are written: one write for many. */
const BUFFER = { minLength: 4096, periodicFlush: 200 } as const

/**
 * JSON lines on standard error; standard output belongs to what a command answers. Nothing is redacted here, because
 * nothing secret is ever handed in: what is logged is named field by field.
 */
export function createLog(level: string, fields: Record<string, unknown> = {}): Log {
  const options = {
    level,
    base: { pid: process.pid, ...fields },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return pino(options, destination({ fd: 2, sync: false, ...BUFFER }))
}
