const SYSTEM_CODES = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH'],
  ...['ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN'],
])

// A Unix socket that is not there, or that the server behind it has left.
const SOCKET_CODES = new Set(['ENOENT', 'EAGAIN', 'EACCES'])

/** After these a connection is of no use: its session ended, or belongs to a server that takes no changes (any more). */
const ENDS_CONNECTION = /^(08...|25006|28...|3D000|57P..|25P0[34])$/

/**
 * The database cannot serve, and no request is to blame: connection failures, too few resources (a full disk, memory,
 * connections), intervention by an operator, failures of the system, read-only, and access that was closed or changed
 * (password, pg_hba.conf, privileges, a dropped database, ALLOW_CONNECTIONS).
 */
const CANNOT_SERVE = /^(53...|58...|42501|55000)$/

/** Whether an error with this SQLSTATE makes a connection useless, so that the next statement needs another one. */
export const endsConnection = (sqlState: string): boolean => ENDS_CONNECTION.test(sqlState)

/** The database cannot be used; the message is one sentence for the operator, without secrets. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError'
}

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
  routine?: unknown
  syscall?: unknown
  message?: unknown
  name?: unknown
  cause?: unknown
  errors?: unknown
}

/** A standby has no contents of unlogged tables, and refuses while it plans, before it asks for the primary. */
const isUnloggedOnStandby = ({ code, routine }: Details): boolean => code === '0A000' && routine === 'get_relation_info'

function hasCode({ code, routine, syscall }: Details): boolean {
  if (typeof code !== 'string') return false
  if (isUnloggedOnStandby({ code, routine })) return true
  if (SYSTEM_CODES.has(code) || endsConnection(code) || CANNOT_SERVE.test(code)) return true
  return syscall === 'connect' && SOCKET_CODES.has(code)
}

function hasMessage({ message, name }: Details): boolean {
  if (name === 'KnexTimeoutError' || name === 'DatabaseUnavailableError') return true
  return typeof message === 'string' && MESSAGES.some((pattern) => pattern.test(message))
}

/** Whether a transaction was ended because it and another one waited for each other. The next try may well succeed. */
export const isDeadlock = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && (error as Details).code === '40P01'

/** Waited too long for a lock or in all, or lost a deadlock: the next try may well succeed. */
const BUSY = new Set(['55P03', '57014', '40001', '40P01'])

/** A row for which no partition was made: the job that makes them failed for days. The message is in any language. */
const lacksPartition = ({ code, routine }: Details): boolean => code === '23514' && routine === 'ExecFindPartition'

/**
 * Whether the database gave one statement up, and another may succeed: because of what else was going on, or because the
 * partition of its row is missing.
 */
export function isDatabaseBusy(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  return BUSY.has(String((error as Details).code)) || lacksPartition(error as Details)
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
