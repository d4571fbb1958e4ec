import type { Middleware } from 'koa'

/** A middleware whose modules load at its first request. A load that fails is tried again at the next request. */
export function loadWhenUsed(load: () => Promise<Middleware>): Middleware {
  let loaded: Promise<Middleware> | undefined
  function middleware(): Promise<Middleware> {
    loaded ??= load().catch((error) => {
      loaded = undefined
      throw error
    })
    return loaded
  }
  return async (ctx, next) => {
    const run = await middleware()
    await run(ctx, next)
  }
}
