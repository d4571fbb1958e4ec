import type { Command } from 'commander'
import type { Link } from '../../audit/audit-chain.ts'
import { auditLine } from '../../audit/audit-lines.ts'
import { type AuditVerdict, verifyAudit } from '../../audit/audit-verification.ts'
import { type ActivityFilter, type AuditRecord, exportActivity } from '../../management/activity-operations.ts'
import { invalidInput, KeywrightError } from '../../shared/errors.ts'
import { isId } from '../../shared/ids.ts'
import { table, writeResult, writeToOutput } from '../output.ts'
import { type CommandContext, withInstance } from '../run.ts'

/** @throws KeywrightError `invalid_input` */
function parseHead(text: string): Link {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/i.exec(text)
  if (!match) throw invalidInput('--expect takes SEQ:HASH, as verify prints the head')
  return { seq: Number(match[1]), hash: Buffer.from(match[2]!, 'hex') }
}

const toJson = ({ violationCount, ...verdict }: AuditVerdict) => ({ ...verdict, violation_count: violationCount })

const HINT = `
begun: the log had entries before this chain began. That happens after an upgrade, or when somebody deleted the chain to
rewrite the log. Once you know the reason, note the head and pass it to each verify: --expect SEQ:HASH`

function describe({ verified, entries, erased, unsealed, head, violations, violationCount }: AuditVerdict): string {
  const lines = [
    verified ? `verified: ${entries} entries are unchanged` : `not verified: ${violationCount} violations`,
    ...(erased > 0 ? [`${erased} of them have erased personal fields of deleted users`] : []),
    `${unsealed} not sealed yet`,
    `head  ${head ? `${head.seq}:${head.hash}` : '(none)'}`,
  ]
  if (verified) return lines.join('\n')
  const hints = violations.some(({ violation }) => violation === 'begun') ? [HINT] : []
  return [...lines, '', table(violations.map((violation) => ({ ...violation }))), ...hints].join('\n')
}

interface VerifyOptions {
  expect?: string
  json?: boolean
}

async function verify({ management: { knex, encryptionKeys } }: CommandContext, { expect, json }: VerifyOptions) {
  const verdict = await verifyAudit(knex, encryptionKeys, expect === undefined ? undefined : parseHead(expect))
  const result = { json: toJson(verdict), text: describe(verdict) }
  if (verdict.verified) return result
  // The violations are printed, and the command fails.
  writeResult(result, json === true)
  throw new KeywrightError('conflict', 'the activity log was changed; see the violations above')
}

interface ExportOptions {
  from?: string
  to?: string
  account?: string
}

function parseTime(text: string, option: string): Date {
  const time = new Date(text)
  if (Number.isNaN(time.getTime()))
    throw invalidInput(`${option} takes a time such as 2026-01-31T12:00:00Z, not: ${text}`)
  return time
}

function filterOf({ from, to, account }: ExportOptions): ActivityFilter {
  if (account !== undefined && !isId(account))
    throw invalidInput(`--account takes the ID of an account, not: ${account}`)
  return {
    accountId: account,
    ...(from !== undefined && { from: parseTime(from, '--from') }),
    ...(to !== undefined && { to: parseTime(to, '--to') }),
  }
}

async function* linesOf(records: AsyncIterable<AuditRecord>): AsyncGenerator<string> {
  for await (const record of records) yield `${auditLine(record)}\n`
}

export function addAuditCommands(audit: Command): void {
  audit
    .command('verify')
    .description('Find entries that were altered, removed, forged or misdated; exit 1 if there are any')
    .option('--expect <seq:hash>', 'Head noted earlier, which must still be in the chain')
    .action(withInstance<VerifyOptions>(verify))

  audit
    .command('export')
    .description('Write the entries to standard output, newest first, one JSON object per line')
    .option('--from <time>', 'Only entries at or after this time')
    .option('--to <time>', 'Only entries before this time')
    .option('--account <id>', 'Only entries of this account')
    .action(
      withInstance<ExportOptions>(async ({ management, principal }, options) => {
        await writeToOutput(linesOf(await exportActivity(management, principal, filterOf(options))))
      }),
    )
}
