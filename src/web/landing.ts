import type { Middleware } from 'koa'

const TEXT = `Keywright is running.

The console's pages come with a later version. Until then the command line does what they will:
npm run keywright -- --help
`

/** Holds the console's place, and says of every other address that there is nothing. */
export function createLanding(): Middleware {
  return async (ctx) => {
    if (ctx.path === '/' && ctx.method === 'GET') {
      ctx.type = 'text/plain'
      ctx.body = TEXT
      return
    }
    ctx.status = 404
    ctx.body = { error: 'not_found', error_description: 'there is nothing at this address' }
  }
}
