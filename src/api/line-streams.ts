import { Readable } from 'node:stream'
import type { Context } from 'koa'
import type { z } from 'zod'
import { csvLine } from '../shared/csv.ts'
import type { ApiCaller } from './callers.ts'
import { statusOf } from './json-responses.ts'
import { ProblemError, problemBody, problemOf } from './problems.ts'
import type { ApiRoute, Call } from './route.ts'

const LIMITS = {
  /** How many streams a caller may have open at once, on each node. */
  perCaller: 4,
  /** Of all callers of an account, or of the instance. */
  perAccount: 12,
  /** Of all callers: each event stream reads once a second, with the few connections for reports. */
  perNode: 100,
  /** The maximum duration of a stream in milliseconds, pauses of its reader included. */
  lifetime: 10 * 60_000,
  /** Milliseconds without an event after which a stream shows that it is alive. */
  signOfLife: 10_000,
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

/** Milliseconds after which a client connects again. */
const RETRY = 'retry: 1000\n\n'

/**
 * Server-sent events (WHATWG HTML, section 9.2). An ID without data moves the position from which a client continues. When it is
 * sent depends only on the client's own events: it must not tell that others have some.
 */
async function* writeEvents(schema: z.ZodType, items: AsyncIterable<unknown>, signOfLife: number) {
  yield RETRY
  let sentAt = Number.NEGATIVE_INFINITY
  for await (const item of items) {
    const { id, event } = schema.parse(item) as { id: string; event: object | null }
    if (event === null && performance.now() - sentAt < signOfLife) continue
    yield event === null ? `id: ${id}\n\n` : `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`
    sentAt = performance.now()
  }
}

/** The events; at the end those of an error that the client can act on, such as events that were deleted before it read them. */
async function* toEvents(schema: z.ZodType, items: AsyncIterable<unknown>, signOfLife: number): AsyncGenerator<string> {
  try {
    yield* writeEvents(schema, items, signOfLife)
  } catch (error) {
    const problem = problemOf(error)
    if (problem.code === 'server_error') throw error
    yield `event: problem\ndata: ${JSON.stringify(problemBody(problem))}\n\n`
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

type StreamLimits = Pick<typeof LIMITS, 'perCaller' | 'perAccount' | 'perNode'>

/** A stream ends after minutes; a client that finds no room asks again sooner. */
const TRY_AGAIN = { headers: { 'Retry-After': '10' } }

/** Counts the open streams of each caller and account; one without streams uses no memory. */
function createStreamLimits({ perCaller, perAccount, perNode }: StreamLimits) {
  const [ofCaller, ofAccount] = [new Map<string, number>(), new Map<string | null, number>()]
  let ofNode = 0

  function add<Key>(counts: Map<Key, number>, key: Key, change: 1 | -1): void {
    const count = (counts.get(key) ?? 0) + change
    if (count === 0) counts.delete(key)
    else counts.set(key, count)
  }

  const tooMany = (most: number, whose: string) =>
    new ProblemError(
      'rate_limited',
      `at most ${most} exports or event streams of ${whose} may run at once; wait until one has ended`,
      TRY_AGAIN,
    )

  return {
    /** @returns the function that releases the stream @throws ProblemError `rate_limited`, `unavailable` */
    take({ who, clientId, subject }: ApiCaller): () => void {
      const key = JSON.stringify([clientId, subject])
      if ((ofCaller.get(key) ?? 0) >= perCaller) throw tooMany(perCaller, 'a caller')
      if ((ofAccount.get(who.accountId) ?? 0) >= perAccount) throw tooMany(perAccount, 'an account')
      if (ofNode >= perNode)
        throw new ProblemError('unavailable', 'this node has as many exports and event streams as it can', TRY_AGAIN)
      const count = (change: 1 | -1) => {
        add(ofCaller, key, change)
        add(ofAccount, who.accountId, change)
        ofNode += change
      }
      count(1)
      return () => count(-1)
    },
  }
}

export function createLineStreams(limits: Partial<typeof LIMITS> = {}, isOpen = () => true): LineStreams {
  const { lifetime, signOfLife, ...most } = { ...LIMITS, ...limits }
  const streamLimits = createStreamLimits(most)

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
        ctx.body = open(write(route.responses[ctx.status]!, authorized(items, authorize), signOfLife), release)
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
