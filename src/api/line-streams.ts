import { Readable } from 'node:stream'
import type { Context } from 'koa'
import type { z } from 'zod'
import { csvLine } from '../shared/csv.ts'
import type { ApiCaller } from './callers.ts'
import { statusOf } from './json-responses.ts'
import { ProblemError } from './problems.ts'
import type { ApiRoute, Call } from './route.ts'

const LIMITS = {
  /** How many streams a caller may have open at once, on each node. */
  perCaller: 4,
  /** The maximum duration of a stream in milliseconds, pauses of its reader included. */
  lifetime: 10 * 60_000,
}

/** The caller is authorized again after this many lines or milliseconds. */
const AUTHORIZATION_CHECK = { lines: 200, interval: 1000 }

/** Responses in lines (application/x-ndjson or text/csv) or server-sent events. Their number and duration are bounded, and each ends with its token. */
export interface LineStreams {
  /** @throws ProblemError `rate_limited`, and the error of the first line: the response has not begun by then */
  send(ctx: Context, route: ApiRoute, caller: ApiCaller, call: Call, authorize: () => Promise<unknown>): Promise<void>
}

/** Waits for the first item, so that its error can still set the status; returns an iterable over all items. */
async function withFirstItem<Item>(items: AsyncIterable<Item>): Promise<AsyncIterable<Item>> {
  const iterator = items[Symbol.asyncIterator]()
  const first = await iterator.next()
  async function* all() {
    if (first.done) return
    yield first.value
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return all()
}

/** Throws when the caller loses access: the reader must be able to tell a cut-off stream from a complete one. */
async function* authorized<Item>(items: AsyncIterable<Item>, authorize: () => Promise<unknown>): AsyncGenerator<Item> {
  let count = 0
  let checkedAt = performance.now()
  for await (const item of items) {
    if (++count % AUTHORIZATION_CHECK.lines === 0 || performance.now() - checkedAt > AUTHORIZATION_CHECK.interval) {
      await authorize()
      checkedAt = performance.now()
    }
    yield item
  }
}

async function* toLines(schema: z.ZodType, items: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(schema.parse(item))}\n`
}

/** The columns are the fields of the schema, in its order. */
async function* toCsv(schema: z.ZodType, items: AsyncIterable<unknown>): AsyncGenerator<string> {
  const columns = Object.keys((schema as z.ZodObject).shape)
  yield csvLine(columns)
  for await (const item of items) {
    const row = schema.parse(item) as Record<string, unknown>
    yield csvLine(columns.map((column) => row[column]))
  }
}

/** Milliseconds without an event after which a stream shows that it is alive. */
const SIGN_OF_LIFE = 10_000

/** Milliseconds after which a client connects again. */
const RETRY = 'retry: 1000\n\n'

/** Server-sent events (WHATWG HTML, section 9.2). An ID without data moves the position from which a client continues. */
async function* toEvents(schema: z.ZodType, items: AsyncIterable<unknown>): AsyncGenerator<string> {
  yield RETRY
  let sent = { id: '', at: Number.NEGATIVE_INFINITY }
  for await (const item of items) {
    const { id, event } = schema.parse(item) as { id: string; event: object | null }
    const isDue = id !== sent.id || performance.now() - sent.at > SIGN_OF_LIFE
    if (event === null && !isDue) continue
    yield event === null ? `id: ${id}\n\n` : `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`
    sent = { id, at: performance.now() }
  }
}

function formatOf({ lines }: ApiRoute) {
  if (lines === 'events') return { write: toEvents, type: 'text/event-stream' }
  if (lines === 'csv') return { write: toCsv, type: 'text/csv; charset=utf-8' }
  return { write: toLines, type: 'application/x-ndjson' }
}

/** Ends event streams when the server stops: they would otherwise delay it. */
async function* whileOpen<Item>(items: AsyncIterable<Item>, isOpen: () => boolean): AsyncGenerator<Item> {
  for await (const item of items) {
    if (!isOpen()) return
    yield item
  }
}

/** Counts the open streams of each caller; a caller without streams uses no memory. */
function createStreamLimits(perCaller: number) {
  const openStreams = new Map<string, number>()
  return {
    /** @returns the function that releases the stream @throws ProblemError `rate_limited` */
    take({ clientId, subject }: ApiCaller): () => void {
      const key = JSON.stringify([clientId, subject])
      const open = openStreams.get(key) ?? 0
      if (open >= perCaller) {
        const headers = { 'Retry-After': '10' }
        throw new ProblemError(
          'rate_limited',
          `at most ${perCaller} exports or event streams may run at once; wait until one has ended`,
          { headers },
        )
      }
      openStreams.set(key, open + 1)
      return () => {
        const left = openStreams.get(key)! - 1
        if (left === 0) openStreams.delete(key)
        else openStreams.set(key, left)
      }
    },
  }
}

export function createLineStreams({ perCaller, lifetime } = LIMITS, isOpen = () => true): LineStreams {
  const streamLimits = createStreamLimits(perCaller)

  function open(lines: AsyncIterable<string>, release: () => void): Readable {
    const stream = Readable.from(lines)
    const end = setTimeout(() => stream.destroy(new Error('the stream reached its maximum duration')), lifetime)
    return stream.once('close', () => {
      clearTimeout(end)
      release()
    })
  }

  return {
    async send(ctx, route, caller, call, authorize) {
      const release = streamLimits.take(caller)
      try {
        const reply = await route.handle(call)
        const first = await withFirstItem(reply.lines!)
        const items = route.lines === 'events' ? whileOpen(first, isOpen) : first
        ctx.status = statusOf(route, reply)
        const { write, type } = formatOf(route)
        ctx.body = open(write(route.responses[ctx.status]!, authorized(items, authorize)), release)
        ctx.type = type
        // nginx would collect events until its buffer is full.
        if (route.lines === 'events') ctx.set('X-Accel-Buffering', 'no')
      } catch (error) {
        release()
        throw error
      }
    },
  }
}
