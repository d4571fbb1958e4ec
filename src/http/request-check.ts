import type { Context } from 'koa'
import { KeywrightError } from '../shared/errors.ts'

/** A request that no endpoint accepts, whatever it asks for. */
export class MalformedRequestError extends KeywrightError {
  readonly status: 400 | 415

  constructor(status: 400 | 415, message: string) {
    super('invalid_input', message)
    this.status = status
  }
}

/**
 * No text that PostgreSQL stores can contain NUL. Requests and command lines are checked where they are read, so that
 * nothing behind needs to check again.
 * @throws MalformedRequestError
 */
export function refuseNul(text: string): void {
  if (text.includes('\0')) throw new MalformedRequestError(400, 'the request contains a NUL character')
}

/** The same for percent-encoded text. */
export function refuseEncodedNul(text: string): void {
  refuseNul(text.includes('%00') ? '\0' : text)
}

/** Node keeps the first of several, and a proxy may have read another one. */
function refuseSecondAuthorization({ req }: Context): void {
  const names = req.rawHeaders.filter((text, n) => n % 2 === 0 && text.toLowerCase() === 'authorization')
  if (names.length > 1) throw new MalformedRequestError(400, 'the request has several Authorization headers')
}

/** A small compressed body can be a very large one. */
function refuseCompression(ctx: Context): void {
  const encoding = ctx.get('content-encoding').trim().toLowerCase()
  if (encoding === '' || encoding === 'identity') return
  ctx.set('Accept-Encoding', 'identity')
  throw new MalformedRequestError(415, `a request body with Content-Encoding ${encoding.slice(0, 50)} is not accepted`)
}

/**
 * Refuses what no endpoint accepts. Every interface calls it first, and answers in its own form.
 * @throws MalformedRequestError
 */
export function checkRequest(ctx: Context): void {
  refuseEncodedNul(ctx.url)
  refuseSecondAuthorization(ctx)
  refuseCompression(ctx)
}
