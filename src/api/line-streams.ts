import { Readable } from 'node:stream'
import type { Context } from 'koa'
import type { ApiCaller } from './callers.ts'
import { statusOf } from './json-responses.ts'
import { ProblemError } from './problems.ts'
import type { ApiRoute, Call } from './route.ts'

const LIMITS = {
  /** How many a caller may have open at once, at each node. */
  perCaller: 4,
  /** How long one may last, in milliseconds, its reader's pauses included. */
  lifetime: 10 * 60_000,
}

/** The caller is judged again after so many lines, or milliseconds. */
const JUDGED = { lines: 200, after: 1000 }

/** Answers in JSON lines. They last, so they are bounded in number and time, and end with the token they are for. */
export interface LineStreams {
  /** @throws ProblemError `rate_limited`, and whatever the first line throws: nothing was answered by then */
  send(ctx: Context, route: ApiRoute, caller: ApiCaller, call: Call, judge: () => Promise<unknown>): Promise<void>
}

/** The same, when its first is there. */
async function begun<Item>(items: AsyncIterable<Item>): Promise<AsyncIterable<Item>> {
  const iterator = items[Symbol.asyncIterator]()
  const first = await iterator.next()
  async function* all() {
    if (first.done) return
    yield first.value
    yield* { [Symbol.asyncIterator]: () => iterator }
  }
  return all()
}

/** Throws in its midst when the caller may no more: whoever reads must not take a part for the whole. */
async function* watched<Item>(items: AsyncIterable<Item>, judge: () => Promise<unknown>): AsyncGenerator<Item> {
  let count = 0
  let judgedAt = performance.now()
  for await (const item of items) {
    if (++count % JUDGED.lines === 0 || performance.now() - judgedAt > JUDGED.after) {
      await judge()
      judgedAt = performance.now()
    }
    yield item
  }
}

async function* toLines(route: ApiRoute, status: number, items: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const item of items) yield `${JSON.stringify(route.answers[status]!.parse(item))}\n`
}

/** How many each caller has open; whoever has none takes no memory. */
function createStreamLimits(perCaller: number) {
  const taken = new Map<string, number>()
  return {
    /** @returns what gives the place back @throws ProblemError `rate_limited` */
    take({ clientId, subject }: ApiCaller): () => void {
      const key = JSON.stringify([clientId, subject])
      const open = taken.get(key) ?? 0
      if (open >= perCaller) {
        const headers = { 'Retry-After': '10' }
        throw new ProblemError('rate_limited', `${perCaller} of these are under way already; let one end`, { headers })
      }
      taken.set(key, open + 1)
      return () => {
        const left = taken.get(key)! - 1
        if (left === 0) taken.delete(key)
        else taken.set(key, left)
      }
    },
  }
}

export function createLineStreams({ perCaller, lifetime } = LIMITS): LineStreams {
  const streamLimits = createStreamLimits(perCaller)

  function open(lines: AsyncIterable<string>, leave: () => void): Readable {
    const stream = Readable.from(lines)
    const end = setTimeout(() => stream.destroy(new Error('the stream has had its time')), lifetime)
    return stream.once('close', () => {
      clearTimeout(end)
      leave()
    })
  }

  return {
    async send(ctx, route, caller, call, judge) {
      const leave = streamLimits.take(caller)
      try {
        const reply = await route.handle(call)
        const items = await begun(reply.lines!)
        ctx.status = statusOf(route, reply)
        ctx.body = open(toLines(route, ctx.status, watched(items, judge)), leave)
        ctx.type = 'application/x-ndjson'
      } catch (error) {
        leave()
        throw error
      }
    },
  }
}
