import pg from 'pg'

/**
 * Hears the text of each statement that this process sends to PostgreSQL, on any connection and through any Knex
 * instance: a listener on one Knex instance misses what the others send. Answers how to stop hearing.
 */
export function hearStatements(listener: (text: string) => void): () => void {
  const { query } = pg.Client.prototype
  pg.Client.prototype.query = function (this: pg.Client, ...given: unknown[]) {
    const [first] = given as [string | { text: string }]
    listener(typeof first === 'string' ? first : first.text)
    return query.apply(this, given as never)
  } as never
  return () => {
    pg.Client.prototype.query = query
  }
}

/** A new connection is checked at any time: when the pool grows, and after a silence (`src/database/primary-check.ts`). */
const checksConnection = (text: string): boolean => text.includes("set_config('keywright.timeline'")

/** What `act` asks the database, and what others in this process ask meanwhile, without the checks of new connections. */
export async function statementsDuring(act: () => Promise<unknown>): Promise<string[]> {
  const statements: string[] = []
  const stop = hearStatements((text) => {
    if (!checksConnection(text)) statements.push(text)
  })
  try {
    await act()
  } finally {
    stop()
  }
  return statements
}
