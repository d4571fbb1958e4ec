import { destination, type Logger, pino } from 'pino'

export type Log = Logger

/** JSON lines on standard error; standard output belongs to what a command answers. */
export function createLog(level: string, fields: Record<string, unknown> = {}): Log {
  const options = {
    level,
    base: { pid: process.pid, ...fields },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: ['*.authorization', '*.cookie', '*.password', '*.secret', '*.token'], censor: '[redacted]' },
  }
  return pino(options, destination({ fd: 2, sync: false, minLength: 0 }))
}
