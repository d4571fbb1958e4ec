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

/** Any page may read a list, like the key set: it tells nothing without the tokens. */
function allowAnyOrigin(ctx: OidcContext): void {
  ctx.set('Access-Control-Allow-Origin', '*')
}

function answerPreflight(ctx: OidcContext): void {
  ctx.set('Access-Control-Allow-Methods', 'GET, HEAD')
  ctx.set('Access-Control-Allow-Headers', '*')
  ctx.status = 204
}

/** @throws OAuthError 405, 406 */
export function checkReading(ctx: OidcContext, type: string): void {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
    ctx.set('Allow', 'GET, HEAD')
    throw new OAuthError(405, 'invalid_request', 'this endpoint takes GET only')
  }
  if (!ctx.accepts(type)) throw new OAuthError(406, 'invalid_request', `this endpoint answers ${type} only`)
}

interface Cacheable {
  readonly body: string | Buffer
  readonly etag: string
  readonly encoding?: 'gzip'
}

/** Fit for a cache that many share: the same for everybody, and by its tag or its age known to be good. */
function answerCached(ctx: OidcContext, type: string, { body, etag, encoding }: Cacheable, maxAge: number): void {
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

/** Each list is packed once, for as long as it is served. */
const packed = new WeakMap<StatusListToken, Promise<Buffer>>()

async function gzipped(token: StatusListToken): Promise<Cacheable> {
  const packing = packed.get(token) ?? promisify(gzip)(token.jwt)
  packed.set(token, packing)
  return { body: await packing, etag: token.etag.replace(/"$/, '-gzip"'), encoding: 'gzip' }
}

/** Section 8.2: what base64url adds to the list goes again on the way. */
async function inAcceptedEncoding(ctx: OidcContext, token: StatusListToken): Promise<Cacheable> {
  if (ctx.acceptsEncodings('gzip', 'identity') === 'gzip') return await gzipped(token)
  return { body: token.jwt, etag: token.etag }
}

function readable(type: string, answer: (ctx: OidcContext) => Promise<void>) {
  return async (ctx: OidcContext, _next: Next): Promise<void> => {
    allowAnyOrigin(ctx)
    if (ctx.method === 'OPTIONS') return answerPreflight(ctx)
    checkReading(ctx, type)
    await answer(ctx)
  }
}

/** A list that resource servers verify offline. */
export function statusListEndpoint({ statusPublication, statusListTtl }: OidcServices) {
  return readable(LIST_TYPE, async (ctx) => {
    // Section 8.4: what was so at another time, which is not kept.
    if (ctx.query.time !== undefined) throw new OAuthError(501, 'invalid_request', 'lists are told of as they are now')
    const token = await statusPublication.token(ctx.path.slice(ctx.path.lastIndexOf('/') + 1))
    if (!token) throw new OAuthError(404, 'not_found', 'there is no such list, or none of its tokens is alive')
    answerCached(ctx, LIST_TYPE, await inAcceptedEncoding(ctx, token), statusListTtl)
  })
}

/** Section 9: where all lists are, for those who fetch them before they are asked. */
export function statusAggregationEndpoint({ statusPublication, statusListTtl, issuerUrl }: OidcServices) {
  return readable('application/json', async (ctx) => {
    const lists = await statusPublication.lists()
    const body = JSON.stringify({ status_lists: lists.map(({ id }) => statusUri(issuerUrl(), id)) })
    answerCached(ctx, 'application/json', { body, etag: etagOf(body) }, statusListTtl)
  })
}
