import type { Context } from 'koa'
import type { z } from 'zod'
import { ProblemError, problemBody, problemOf } from './problems.ts'
import { parseText } from './requests.ts'
import type { BodyLine } from './route.ts'

/** The bounds of a request in JSON lines. */
export const LINES_LIMITS = {
  lines: 1000,
  /** Characters of a line. */
  line: 16 * 1024,
}

export const LINES_TYPE = 'application/x-ndjson'

/**
 * The lines of a body; empty ones are left out.
 * @throws ProblemError `unsupported_media_type`, `invalid_input`, `too_large`
 */
export function readBodyLines(ctx: Context, bytes: Buffer): BodyLine[] {
  const type = ctx.get('content-type').split(';')[0]!.trim().toLowerCase()
  if (![LINES_TYPE, 'application/jsonl'].includes(type))
    throw new ProblemError('unsupported_media_type', `send the body as ${LINES_TYPE}`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ProblemError('invalid_input', 'the body is not in UTF-8')
  }
  const lines = text.split('\n').map((line, n) => ({ line: n + 1, text: line.trim() }))
  const given = lines.filter((line) => line.text !== '')
  if (given.length === 0) throw new ProblemError('invalid_input', 'the body has no line')
  if (given.length > LINES_LIMITS.lines)
    throw new ProblemError('too_large', `a request has at most ${LINES_LIMITS.lines} lines`)
  return given
}

/** @throws ProblemError `invalid_input`, `too_large` */
function parseLine<Schema extends z.ZodType>(schema: Schema, { text }: BodyLine): z.output<Schema> {
  if (text.length > LINES_LIMITS.line)
    throw new ProblemError('too_large', `a line has at most ${LINES_LIMITS.line} characters`)
  return parseText(schema, text)
}

/** A problem without the ID of the request. */
interface LineProblem {
  type: string
  title: string
  status: number
  detail: string
  errors?: { pointer?: string; parameter?: string; detail: string }[]
}

/** What became of a line. */
export type LineOutcome<Result> = { readonly line: number } & (
  | Result
  | { readonly status: 'failed'; problem: LineProblem }
)

/**
 * Runs each line by itself, in their order, and yields what became of it. A line that is wrong does not stop the others; an error that
 * is not the caller's does.
 */
export async function* runLines<Schema extends z.ZodType, Result>(
  lines: readonly BodyLine[],
  schema: Schema,
  run: (value: z.output<Schema>) => Promise<Result>,
): AsyncGenerator<LineOutcome<Result>> {
  for (const one of lines) {
    try {
      yield { line: one.line, ...(await run(parseLine(schema, one))) }
    } catch (error) {
      const problem = problemBody(problemOf(error)) as LineProblem
      if (problem.status >= 500) throw error
      yield { line: one.line, status: 'failed', problem }
    }
  }
}
