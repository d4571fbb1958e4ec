const SYSTEM_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH'],
  ...['ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN'],
])

// A Unix socket that is not there, or that the server behind it has left.
const SOCKET_CODES = new Set(['ENOENT', 'EAGAIN', 'EACCES'])

/**
 * Shut down by an operator, by a crash, not yet up, ended for being idle (in a session, in a transaction); no connection
 * left; the standby that was not promoted yet.
 */
const SQL_STATES = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '53300', '25006'])

/** What node-postgres, knex and its pool say without a code. */
const MESSAGES = [
  /Connection terminated/,
  // Knex puts the statement before it: "ROLLBACK - Client has …".
  /Client has encountered a connection error/,
  /^Client was closed/,
  /Query read timeout$/,
  /^timeout expired$/,
  /^timeout exceeded when trying to connect/,
  /^Knex: Timeout acquiring a connection/,
  /^Unable to acquire a connection$/,
  /^Connection ended unexpectedly/,
  /^operation timed out for an unknown reason$/,
  /^aborted$/,
  // PgBouncer's, as FATAL 08P01 or without a state.
  /^(server conn crashed|server_login_retry|no more connections allowed|pgbouncer cannot connect|query_wait_timeout)/,
]

interface Details {
  code?: unknown
  syscall?: unknown
  message?: unknown
  name?: unknown
  cause?: unknown
  errors?: unknown
}

function hasCode({ code, syscall }: Details): boolean {
  if (typeof code !== 'string') return false
  if (SYSTEM_CODES.has(code) || SQL_STATES.has(code)) return true
  return /^08...$/.test(code) || (syscall === 'connect' && SOCKET_CODES.has(code))
}

function hasMessage({ message, name }: Details): boolean {
  if (name === 'KnexTimeoutError') return true
  return typeof message === 'string' && MESSAGES.some((pattern) => pattern.test(message))
}

/** Waited too long for a lock or in all, or lost a deadlock: the next try may well succeed. */
const BUSY = new Set(['55P03', '57014', '40001', '40P01'])

/** Whether the database gave a statement up because of what else was going on. */
export function isDatabaseBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && BUSY.has(String((error as Details).code))
}

/** Whether the database, not the request, was the reason: worth a 503 and another try, for nothing says it was wrong. */
export function isDatabaseUnavailable(error: unknown, depth = 0): boolean {
  // A chain of causes may be a ring.
  if (typeof error !== 'object' || error === null || depth > 8) return false
  const details = error as Details
  if (hasCode(details) || hasMessage(details)) return true
  const inner = Array.isArray(details.errors) ? details.errors : []
  return [details.cause, ...inner].some((one) => isDatabaseUnavailable(one, depth + 1))
}
