/** Migrates the database at a URL with the migrations of a directory, and says in one line of JSON what it applied. */
import { migrate } from '../../../src/database/migrations.ts'
import { openDatabase } from '../../../src/database/open-database.ts'

const [url, directory] = process.argv.slice(2)
const database = openDatabase(url!)
process.stdout.write(`${JSON.stringify(await migrate(database.knex, directory))}\n`)
await database.close()
