import type { Knex } from 'knex'

/**
 * For the knex command line, on the same files and the same table as `npm run migrate`: chiefly to go back
 * (`npx knex migrate:down`). Forward, use `npm run migrate`, which any number of processes may run at once.
 */
export const client = 'pg'
export const connection = process.env.DATABASE_URL
export const migrations: Knex.MigratorConfig = {
  directory: new URL('./migrations', import.meta.url).pathname,
  tableName: 'knex_migrations',
  extension: 'ts',
  loadExtensions: ['.ts'],
}
