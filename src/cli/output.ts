/** What a command answers: the fields of its JSON, and how a person reads them. */
export interface Answer {
  readonly json: Record<string, unknown>
  /** Absent: the fields, one a line. */
  readonly text?: string
}

const show = (value: unknown): string =>
  value instanceof Date
    ? value.toISOString()
    : typeof value === 'object' && value !== null
      ? JSON.stringify(value)
      : String(value)

function fields(json: Record<string, unknown>): string {
  const shown = Object.entries(json).filter(([, value]) => value !== null && value !== undefined)
  const width = Math.max(...shown.map(([name]) => name.length), 0)
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${show(value)}`).join('\n')
}

/** Rows under their column names. */
export function table(rows: readonly Record<string, unknown>[]): string {
  if (rows.length === 0) return '(none)'
  const names = Object.keys(rows[0]!)
  const cells = [names, ...rows.map((row) => names.map((name) => show(row[name] ?? '')))]
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

/** One JSON object on standard output with `--json`; text for people otherwise. */
export function writeAnswer(answer: Answer, asJson: boolean): void {
  const text = asJson ? JSON.stringify(answer.json) : (answer.text ?? fields(answer.json))
  process.stdout.write(`${text}\n`)
}
