import { createHash } from 'node:crypto'
import type { OidcContext } from './request-state.ts'

/** An entity tag that depends on the content alone, so that every node sends the same one. */
export const etagOf = (content: string | Buffer): string =>
  `"${createHash('sha256').update(content).digest('base64url').slice(0, 27)}"`

/**
 * Whether the caller has this content already: then 304 is the response (RFC 9110, section 13.1.2). Koa's `fresh` is false
 * wherever `Cache-Control: no-cache` is sent, and `fetch` sends that with every `If-None-Match`; what is compared here is
 * current anyway.
 */
export const isKnown = (ctx: OidcContext, etag: string): boolean =>
  ctx
    .get('if-none-match')
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
    .some((tag) => tag === etag || tag === '*')
