import type { Command } from 'commander'
import { exportUsage, type UsageExport } from '../../management/usage-export-operations.ts'
import { csvLine } from '../../shared/csv.ts'
import { invalidInput } from '../../shared/errors.ts'
import { writeToOutput } from '../output.ts'
import { withInstance } from '../run.ts'

interface ExportOptions {
  from?: string
  to?: string
  account?: string
}

function parseDay(text: string | undefined, option: string): Date | undefined {
  if (text === undefined) return undefined
  const day = new Date(`${text}T00:00:00Z`)
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(day.getTime()))
    throw invalidInput(`${option} takes a day such as 2026-01-31, not: ${text}`)
  return day
}

const requestOf = ({ from, to, account }: ExportOptions): UsageExport => ({
  from: parseDay(from, '--from'),
  to: parseDay(to, '--to'),
  accountId: account,
})

async function* csvOf(rows: AsyncIterable<object>): AsyncGenerator<string> {
  yield csvLine(['day', 'account_id', 'client_id', 'client_name', 'api', 'tokens_issued', 'requests_refused'])
  for await (const row of rows) yield csvLine(Object.values(row))
}

export function addUsageCommands(usage: Command): void {
  usage
    .command('export')
    .description('Write the issued tokens and refused requests per day, client and API to standard output, as CSV')
    .option('--from <day>', 'First day (UTC); default: 30 days back')
    .option('--to <day>', 'Last day (UTC); default: the present day')
    .option('--account <id>', 'Only the clients of this account')
    .action(
      withInstance<ExportOptions>(async ({ management, principal }, options) => {
        await writeToOutput(csvOf(await exportUsage(management, principal, requestOf(options))))
      }),
    )
}
