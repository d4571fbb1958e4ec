import type { Command } from 'commander'
import type { DryRunResult } from '../management/dry-run.ts'
import type { DestructiveOperation } from '../management/operation.ts'
import { toWire } from '../shared/wire-names.ts'
import { type CommandResult, table } from './output.ts'
import type { CommandContext } from './run.ts'

export interface DryRunOption {
  dryRun?: boolean
}

/** Adds the option of every command that stops callers. */
export const addDryRun = (command: Command): Command =>
  command.option('--dry-run', 'List the callers that this would affect, and change nothing')

const toJson = (result: DryRunResult) => ({ dry_run: true, ...toWire(result) })

export const inWords = (count: { readonly count: number; readonly isMore: boolean } | null): string =>
  count === null ? 'too many to count' : `${count.isMore ? 'more than ' : ''}${count.count}`

/** What a dry run found, as a command prints it. */
export function dryRunResult(result: DryRunResult): CommandResult {
  const json = toJson(result)
  const counts = [
    { affected: 'clients', count: inWords(result.clients) },
    { affected: 'access tokens', count: inWords(result.accessTokens) },
    { affected: 'refresh tokens', count: inWords(result.refreshTokens) },
  ]
  const more = result.hasMoreCallers ? '\n(there may be more callers)' : ''
  const text = `Nothing was changed.\n\n${table(counts)}\n\nCallers of the last 24 hours:\n${table(json.callers)}${more}`
  return { json, text }
}

/** Runs an operation, or its dry run with `--dry-run`. */
export async function runOrDescribe<Input, Output, Described>(
  { management, principal }: CommandContext,
  { dryRun }: DryRunOption,
  operation: DestructiveOperation<Input, Output, Described>,
  input: Input & Described,
  toJsonOf: (output: Output) => Record<string, unknown>,
): Promise<CommandResult> {
  if (dryRun) return dryRunResult(await operation.dryRun(management, principal, input))
  return { json: toJsonOf(await operation(management, principal, input)) }
}
