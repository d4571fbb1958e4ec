/** The tests run on the PostgreSQL that comes with the package, as a fresh machine does, and with `DATABASE_URL` on that of the system. */
export const preferredPostgres = (): 'package' | 'system' => (process.env.DATABASE_URL ? 'system' : 'package')
