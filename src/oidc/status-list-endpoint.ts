import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Next } from 'koa'
import type { StatusListToken } from '../status/cached-lists.ts'
import { statusUri } from '../status/status-lists.ts'
import { OAuthError } from './engine-errors.ts'
import { etagOf, isKnown } from './etags.ts'
import type { OidcServices } from './oidc-services.ts'
import type { OidcContext } from './request-state.ts'

/** Token Status List, section 8.1. The draft's other form, CBOR in a CWT, is not served: access tokens are JWTs. */
const LIST_TYPE = 'application/statuslist+jwt'

/** Any page may read a list, like the key set: without the tokens it reveals nothing. */
function allowAnyOrigin(ctx: OidcContext): void {
  ctx.set('Access-Control-Allow-Origin', '*')
}

function respondToPreflight(ctx: OidcContext): void {
  ctx.set('Access-Control-Allow-Methods', 'GET, HEAD')
  ctx.set('Access-Control-Allow-Headers', '*')
  ctx.status = 204
}

/** @throws OAuthError 405, 406 */
export function checkReading(ctx: OidcContext, type: string): void {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
    ctx.set('Allow', 'GET, HEAD')
    throw new OAuthError(405, 'invalid_request', 'this endpoint accepts GET only')
  }
  if (!ctx.accepts(type)) throw new OAuthError(406, 'invalid_request', `this endpoint responds with ${type} only`)
}

interface Cacheable {
  readonly body: string | Buffer
  readonly etag: string
  readonly encoding?: 'gzip'
}

/** Responds so that a shared cache can store it: the response is the same for every caller. */
function respondCacheable(ctx: OidcContext, type: string, { body, etag, encoding }: Cacheable, maxAge: number): void {
  ctx.remove('Pragma')
  ctx.set('Cache-Control', `public, max-age=${maxAge}`)
  ctx.set('ETag', etag)
  ctx.set('Vary', 'Accept, Accept-Encoding')
  ctx.status = 200
  if (isKnown(ctx, etag)) {
    ctx.status = 304
    return
  }
  if (encoding) ctx.set('Content-Encoding', encoding)
  ctx.type = type
  ctx.body = body
}

/** The compressed form of each list that is served. */
const compressed = new WeakMap<StatusListToken, Promise<Buffer>>()

async function gzipped(token: StatusListToken): Promise<Cacheable> {
  const compressing = compressed.get(token) ?? promisify(gzip)(token.jwt)
  compressed.set(token, compressing)
  return { body: await compressing, etag: token.etag.replace(/"$/, '-gzip"'), encoding: 'gzip' }
}

/** Compresses where the caller accepts it (section 8.2): base64url enlarges the list. */
async function inAcceptedEncoding(ctx: OidcContext, token: StatusListToken): Promise<Cacheable> {
  if (ctx.acceptsEncodings('gzip', 'identity') === 'gzip') return await gzipped(token)
  return { body: token.jwt, etag: token.etag }
}

function readable(type: string, respond: (ctx: OidcContext) => Promise<void>) {
  return async (ctx: OidcContext, _next: Next): Promise<void> => {
    allowAnyOrigin(ctx)
    if (ctx.method === 'OPTIONS') return respondToPreflight(ctx)
    checkReading(ctx, type)
    await respond(ctx)
  }
}

/** A status list token, which resource servers verify offline. */
export function statusListEndpoint({ statusPublication, statusListTtl, revocationFollowers }: OidcServices) {
  return readable(LIST_TYPE, async (ctx) => {
    // Section 8.4: the list at an earlier time, which is not stored.
    if (ctx.query.time !== undefined) throw new OAuthError(501, 'invalid_request', 'historical lists are not supported')
    const listId = ctx.path.slice(ctx.path.lastIndexOf('/') + 1)
    const token = await statusPublication.token(listId)
    if (!token) throw new OAuthError(404, 'not_found', 'the list does not exist, or all of its tokens have expired')
    revocationFollowers.noteList(listId, ctx.ip)
    respondCacheable(ctx, LIST_TYPE, await inAcceptedEncoding(ctx, token), statusListTtl)
  })
}

/** The URIs of all lists (section 9), for resource servers that fetch them in advance. */
export function statusAggregationEndpoint({ statusPublication, statusListTtl, issuerUrl }: OidcServices) {
  return readable('application/json', async (ctx) => {
    const lists = await statusPublication.lists()
    const body = JSON.stringify({ status_lists: lists.map(({ id }) => statusUri(issuerUrl(), id)) })
    respondCacheable(ctx, 'application/json', { body, etag: etagOf(body) }, statusListTtl)
  })
}
