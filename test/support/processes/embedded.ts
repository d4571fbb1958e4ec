/**
 * Starts embedded PostgreSQL on a directory as a server or a command, says so in one line of JSON, and stops it when
 * its standard input ends.
 */
import { type EmbeddedOptions, startEmbeddedPostgres } from '../../../src/database/embedded/start.ts'

const options = JSON.parse(process.argv[2]!) as EmbeddedOptions
const postgres = await startEmbeddedPostgres({
  ...options,
  onNotice: (message) => process.stderr.write(`${message}\n`),
})
process.stdout.write(`${JSON.stringify({ ...postgres.connection, owned: postgres.owned })}\n`)
process.stdin.resume().once('end', () => postgres.stop())
