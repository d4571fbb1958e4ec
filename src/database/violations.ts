interface PostgresError {
  code?: unknown
  constraint?: unknown
}

function violates(state: string, error: unknown, constraint: string | undefined): boolean {
  if (typeof error !== 'object' || error === null) return false
  const told = error as PostgresError
  return told.code === state && (constraint === undefined || told.constraint === constraint)
}

export const isUniqueViolation = (error: unknown, constraint?: string): boolean => violates('23505', error, constraint)
