import { Readable } from 'node:stream'
import { setPageHeaders } from '../../page-headers.ts'
import type { ConsoleCall } from './console-route.ts'

interface Download<Row> {
  /** Without its date: `usage`. */
  readonly name: string
  readonly extension: 'csv' | 'jsonl'
  readonly rows: AsyncIterable<Row>
  /** The first line, with its end. */
  readonly head?: string
  toLine(row: Row): string
}

const TYPES = { csv: 'text/csv; charset=utf-8', jsonl: 'application/jsonl; charset=utf-8' } as const

/** Continues an iterator whose first result is already read, and closes it when the reader stops. */
async function* linesOf<Row>({ head, toLine }: Download<Row>, first: IteratorResult<Row>, rest: AsyncIterator<Row>) {
  try {
    if (head !== undefined) yield head
    for (let next = first; !next.done; next = await rest.next()) yield toLine(next.value)
  } finally {
    await rest.return?.()
  }
}

/**
 * Streams rows as a file. The next rows are read after the previous ones were sent, so that the file may exceed memory. The
 * first row is read before the response starts, so that an invalid filter still gets an error page.
 */
export async function download<Row>({ ctx }: ConsoleCall, file: Download<Row>): Promise<void> {
  const iterator = file.rows[Symbol.asyncIterator]()
  const first = await iterator.next()
  setPageHeaders(ctx)
  ctx.attachment(`${file.name}-${new Date().toISOString().slice(0, 10)}.${file.extension}`)
  // After `attachment`, which sets a type from the file name.
  ctx.type = TYPES[file.extension]
  ctx.body = Readable.from(linesOf(file, first, iterator))
}
