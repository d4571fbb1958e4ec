import { once } from 'node:events'
import type { Command } from 'commander'
import type { Link } from '../../audit/audit-chain.ts'
import { auditLine } from '../../audit/audit-lines.ts'
import { type AuditVerdict, verifyAudit } from '../../audit/audit-verification.ts'
import { type ActivityFilter, type AuditRecord, exportActivity } from '../../management/activity-operations.ts'
import { invalidInput, KeywrightError } from '../../shared/errors.ts'
import { isId } from '../../shared/ids.ts'
import { table, writeAnswer } from '../output.ts'
import { type CommandContext, withInstance } from '../run.ts'

/** @throws KeywrightError `invalid_input` */
function parseHead(text: string): Link {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/i.exec(text)
  if (!match) throw invalidInput('a head is written SEQ:HASH, as verify tells it')
  return { seq: Number(match[1]), hash: Buffer.from(match[2]!, 'hex') }
}

const toJson = ({ violationCount, ...verdict }: AuditVerdict) => ({ ...verdict, violation_count: violationCount })

const HINT = `
begun: there was a log already when this chain began, as after an upgrade, or after somebody took the chain away to
rewrite the log. Once you know why, note the head and give it to each verify: --expect SEQ:HASH`

function describe({ verified, entries, unsealed, head, violations, violationCount }: AuditVerdict): string {
  const lines = [
    verified ? `verified: ${entries} entries are as they were written` : `not verified: ${violationCount} violations`,
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
  const answer = { json: toJson(verdict), text: describe(verdict) }
  if (verdict.verified) return answer
  // Told in full, and failed all the same.
  writeAnswer(answer, json === true)
  throw new KeywrightError('conflict', 'the audit log is not as it was written')
}

interface ExportOptions {
  from?: string
  to?: string
  account?: string
}

function parseTime(text: string, option: string): Date {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw invalidInput(`${option} is a time such as 2026-01-31T12:00:00Z, not: ${text}`)
  return time
}

function filterOf({ from, to, account }: ExportOptions): ActivityFilter {
  if (account !== undefined && !isId(account)) throw invalidInput(`this is no account's id: ${account}`)
  return {
    accountId: account,
    ...(from !== undefined && { from: parseTime(from, '--from') }),
    ...(to !== undefined && { to: parseTime(to, '--to') }),
  }
}

/** Waits for whoever reads; who has read enough (`| head`) ends it without a fault. */
async function writeLines(lines: AsyncIterable<string>): Promise<void> {
  const { stdout } = process
  let failure: NodeJS.ErrnoException | undefined
  stdout.on('error', (error) => {
    failure = error
  })
  for await (const line of lines) {
    if (failure) break
    if (!stdout.write(`${line}\n`)) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => {})
  }
  if (failure && failure.code !== 'EPIPE') throw failure
}

async function* linesOf(records: AsyncIterable<AuditRecord>): AsyncGenerator<string> {
  for await (const record of records) yield auditLine(record)
}

export function addAuditCommands(audit: Command): void {
  audit
    .command('verify')
    .description('look for entries that were altered, removed, forged or misdated; exit 1 when there are any')
    .option('--expect <seq:hash>', 'a head that was noted earlier and must still be in the chain')
    .action(withInstance<VerifyOptions>(verify))

  audit
    .command('export')
    .description('write the entries to standard output, newest first, one JSON object a line')
    .option('--from <time>', 'no older ones')
    .option('--to <time>', 'only older ones')
    .option('--account <id>', "one account's only")
    .action(
      withInstance<ExportOptions>(async ({ management, principal }, options) => {
        await writeLines(linesOf(await exportActivity(management, principal, filterOf(options))))
      }),
    )
}
