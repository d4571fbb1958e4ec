// Prints the test files that failed according to Vitest's JSON report, one a line; their failures go to standard error.
import { readFileSync } from 'node:fs'

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
for (const { name, status, message, assertionResults } of testResults) {
  if (status !== 'failed') continue
  process.stdout.write(`${name}\n`)
  for (const test of assertionResults.filter((one) => one.status === 'failed')) {
    process.stderr.write(`FAILED ONCE: ${name}: ${test.fullName}\n${test.failureMessages.join('\n')}\n`)
  }
  if (message) process.stderr.write(`FAILED ONCE: ${name}\n${message}\n`)
}
