interface PostgresError {
  code?: unknown
  constraint?: unknown
}

function violates(state: string, error: unknown, constraint: string | undefined): boolean {
  if (typeof error !== 'object' || error === null) return false
  const postgresError = error as PostgresError
  return postgresError.code === state && (constraint === undefined || postgresError.constraint === constraint)
}

export const isUniqueViolation = (error: unknown, constraint?: string): boolean => violates('23505', error, constraint)
