import { once } from 'node:events'

/** The result of a command, as JSON and as text. */
export interface CommandResult {
  readonly json: Record<string, unknown>
  /** Absent: the fields of the JSON, one per line. */
  readonly text?: string
}

const format = (value: unknown): string =>
  value instanceof Date
    ? value.toISOString()
    : typeof value === 'object' && value !== null
      ? JSON.stringify(value)
      : String(value)

function formatFields(json: Record<string, unknown>): string {
  const present = Object.entries(json).filter(([, value]) => value !== null && value !== undefined)
  const width = Math.max(...present.map(([name]) => name.length), 0)
  return present.map(([name, value]) => `${name.padEnd(width)}  ${format(value)}`).join('\n')
}

/** Formats rows as a table with a header of column names. */
export function table(rows: readonly Record<string, unknown>[]): string {
  if (rows.length === 0) return '(none)'
  const names = Object.keys(rows[0]!)
  const cells = [names, ...rows.map((row) => names.map((name) => format(row[name] ?? '')))]
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)))
  return cells
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Writes one JSON object to standard output with `--json`, and text otherwise. */
export function writeResult(result: CommandResult, asJson: boolean): void {
  const text = asJson ? JSON.stringify(result.json) : (result.text ?? formatFields(result.json))
  process.stdout.write(`${text}\n`)
}

/** Writes texts at the speed of the reader. A reader that closes the pipe (`| head`) is no error. */
export async function writeToOutput(texts: AsyncIterable<string>): Promise<void> {
  const { stdout } = process
  let failure: NodeJS.ErrnoException | undefined
  stdout.on('error', (error) => {
    failure = error
  })
  for await (const text of texts) {
    if (failure) break
    if (!stdout.write(text)) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => {})
  }
  if (failure && failure.code !== 'EPIPE') throw failure
}
