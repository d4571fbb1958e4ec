import { flushCompileCache } from 'node:module'
import { runProgram } from './cli/program.ts'

const exitCode = await runProgram(process.argv.slice(2))

// The process ends here and does not wait for the event loop: everything that a command opened is closed. Node 24 sometimes
// spins in its own cleanup after a connection to the database was lost (`Environment::CleanupHandles`), and never ends.
const written = [process.stdout, process.stderr].map(
  (stream) => new Promise((resolve) => stream.write('', () => resolve(undefined))),
)
await Promise.all(written)
flushCompileCache()
process.exit(exitCode)
